"""Keeps the handling of cases on the spot: the ledger's own commands, and how far off they were done, told as a warning."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Role, Stamp
from app.ledger.dispatching.sub_dispatch import HANDS_ON
from app.ledger.handling import record_contact, submit_assist, submit_result
from app.ledger.intake.places import Point
from app.ledger.models import Case
from app.ledger.verification.results import is_far_off, metres_off
from app.ledger.vocabulary import RequestKind, State
from app.people.models import Staff, StaffPost
from app.territory.models import Level, Unit

ASKED_BY_PHONE = (RequestKind.RETURN, RequestKind.EXTEND, RequestKind.SUPPORT)


@dataclass(frozen=True, kw_only=True)
class FieldMoved:
    """Where a case stands after something was done on the spot, and how far off that was: `far_off` warns."""

    number: str
    state: State
    version: int
    metres_off: int | None
    far_off: bool


@dataclass(frozen=True, kw_only=True)
class Hand:
    """A grid worker to whom one may hand a case of one's village."""

    login: str
    name: str
    unit: str


def contact_on_the_spot(stamp: Stamp, number: str, *, point: Point | None = None, **given: Any) -> FieldMoved:
    """Record a contact as `record_contact` does, from where the phone is."""
    return _moved(record_contact(stamp, number, point=point, **given), point)


def assist_on_the_spot(stamp: Stamp, number: str, *, point: Point | None = None, **given: Any) -> FieldMoved:
    """Report an assist's or a sub's part as `submit_assist` does, from where the phone is."""
    return _moved(submit_assist(stamp, number, point=point, **given), point)


def result_on_the_spot(stamp: Stamp, number: str, *, point: Point | None = None, **given: Any) -> FieldMoved:
    """Submit the lead's result as `submit_result` does, from where the phone is; no place bars it."""
    return _moved(submit_result(stamp, number, point=point, by_phone=True, **given), point)


def _moved(case: Case, point: Point | None) -> FieldMoved:
    metres = metres_off(case, point)
    far = is_far_off(case, metres)
    return FieldMoved(number=case.number, state=case.state, version=case.version, metres_off=metres, far_off=far)


def hands_of(stamp: Stamp) -> Sequence[Hand]:
    """Give the grid workers of the villages for which the actor hands cases on, by name."""
    paths = stamp.actor.paths(*HANDS_ON)
    query = select(Staff.login, Staff.name, Unit.name.label("unit")).join(StaffPost, StaffPost.staff_id == Staff.id)
    query = query.join(Unit, Unit.id == StaffPost.unit_id).where(StaffPost.role == Role.GRID_WORKER, Staff.active)
    query = query.where(Unit.path.in_(paths), Unit.level == Level.VILLAGE).order_by(Unit.path, Staff.name, Staff.id)
    return [Hand(**row._asdict()) for row in db.session.execute(query)]
