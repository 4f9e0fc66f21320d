"""Keeps how often units were urged and ordered to answer, by kind and mode, with person-times: one query."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select

from app.core.database import db
from app.core.stamp import Stamp
from app.ledger.models import Case
from app.ledger.supervision.models import SupervisionOrder, Urging
from app.ledger.supervision.oversight import path_of, watched
from app.ledger.vocabulary import PressMode, SlipKind
from app.territory.models import Unit


@dataclass(frozen=True, kw_only=True)
class Count:
    """How often was urged or ordered in a mode (None: by residents, or by a meeting), in how many person-times."""

    kind: SlipKind
    mode: PressMode | None
    times: int
    person_times: int


def supervision_counts(stamp: Stamp, *, since: datetime, until: datetime, unit: str | None = None) -> list[Count]:
    """Count what was issued from `since` until before `until`: by kind and mode, with person-times, of a unit and below.

    "150 phone calls, 20 slips, 3 interviews of 9 person-times" are three of its rows. What was said once counts once.
    """
    below = path_of(unit) if unit is not None else None
    conditions = watched(stamp)
    parts = []
    for kind, model in ((SlipKind.URGING, Urging), (SlipKind.SUPERVISION, SupervisionOrder)):
        part = select(
            literal(kind.value).label("kind"),
            model.mode.label("mode"),
            func.count().filter(model.part_of_id.is_(None)).label("times"),
            func.coalesce(func.sum(model.person_times), 0).label("person_times"),
        )
        part = part.select_from(model).join(Case, Case.id == model.case_id).join(Unit, Unit.id == model.unit_id)
        part = part.where(model.issued_at >= since, model.issued_at < until, *conditions)
        parts.append((part if below is None else part.where(Unit.path.startswith(below))).group_by(model.mode))
    rows = db.session.execute(parts[0].union_all(parts[1])).all()
    return sorted((_count(*row) for row in rows), key=lambda count: (count.kind, count.mode or ""))


def _count(kind: str, mode: str | None, times: int, person_times: int) -> Count:
    by_meeting = kind == SlipKind.SUPERVISION and mode is None
    return Count(
        kind=SlipKind.ORDER if by_meeting else SlipKind(kind),
        mode=PressMode(mode) if mode is not None else None,
        times=times,
        person_times=int(person_times),
    )
