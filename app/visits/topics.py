"""Keeps the catalogue of what is talked about at visits, as administrators edit it."""

from collections.abc import Iterable

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role, Stamp
from app.visits.models import VisitTopic


class UnknownTopic(Invalid):
    """没有这项走访内容"""


class TopicNameTaken(Conflict):
    """已有同名的走访内容"""


class VisitPlansAreNotYours(NotAllowed):
    """走访规则和走访内容由管理员维护"""


def topics(*, active: bool = True) -> list[VisitTopic]:
    """Give the topics in their order, those in use or all."""
    query = select(VisitTopic).order_by(VisitTopic.place, VisitTopic.code)
    return list(db.session.scalars(query.where(VisitTopic.active) if active else query))


def check_topics(codes: Iterable[str]) -> None:
    """Raise UnknownTopic unless each is a topic; one out of use passes, for a phone may have been out of reach."""
    wanted = set(codes)
    if wanted and wanted - set(db.session.scalars(select(VisitTopic.code).where(VisitTopic.code.in_(wanted)))):
        raise UnknownTopic(errors={"topics": ["没有这项走访内容，请重新选择"]})


def put_topic(stamp: Stamp, code: str, *, name: str, place: int, active: bool = True) -> VisitTopic:
    """Make or change a topic; raises VisitPlansAreNotYours, TopicNameTaken."""
    if stamp.actor.holds((Role.ADMINISTRATOR,)) is None:
        raise VisitPlansAreNotYours
    name = name.strip()
    if db.session.scalars(select(VisitTopic.code).where(VisitTopic.name == name, VisitTopic.code != code)).first() is not None:
        raise TopicNameTaken
    topic = db.session.get(VisitTopic, code)
    if topic is None:
        topic = VisitTopic(code=code, name=name, place=place, active=active)
        db.session.add(topic)
    topic.name, topic.place, topic.active = name, place, active
    db.session.flush()
    return topic
