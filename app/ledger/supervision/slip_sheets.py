"""Keeps what stands on a printed slip: order slip (交办单), urging slip (催办单), supervision slip (督办单).

A slip names the matter, the crux, who answers and by when; never who reported it. What is confidential stays in the system.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict
from app.core.stamp import Actor, Role, Stamp
from app.ledger.audiences import in_charge
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.deadlines import is_open
from app.ledger.models import Assignment, Case, Entry, EntryWords
from app.ledger.recusal import is_staff_against
from app.ledger.scope import find_case, visible
from app.ledger.supervision.models import SupervisionOrder, Urging
from app.ledger.supervision.oversight import WATCHES
from app.ledger.supervision.pressing import URGES
from app.ledger.supervision.slips import Slip, SlipNotFound
from app.ledger.vocabulary import Action, Clock, Duty, PressMode, SlipKind, SlipState, Subject
from app.people.models import Staff
from app.territory.models import Unit

Found = TypeVar("Found", Urging, SupervisionOrder)

CONFIDENTIAL = "保密事项，内容请在系统内查看"


class NobodyToHandTo(Conflict):
    """工单还没有派给承办单位"""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What is printed: the matter, to whom, the crux (`words`), how late, by when, and who signs it.

    `due_at` is the handling unit's own term, `reply_by` what the slip asks for; `urgings` counts those before and with it.
    """

    kind: SlipKind
    slip: str | None
    state: SlipState
    number: str
    matter: str
    category: str | None
    place: str | None
    opened_at: datetime
    unit: str
    persons: list[str]
    words: str
    dispatched_at: datetime | None
    due_at: datetime | None
    late: bool
    reply_by: datetime | None
    urgings: int
    issued_at: datetime | None
    issued_by: str | None


@dataclass(frozen=True, kw_only=True)
class Press:
    """An urging or a supervision order of a case, as staff see it: whom, what was said, what was answered."""

    id: int
    kind: SlipKind
    by_resident: bool
    mode: PressMode | None
    state: SlipState
    slip: str | None
    unit: str
    persons: list[str]
    person_times: int
    words: str | None
    by: str | None
    issued_at: datetime
    reply_by: datetime | None
    answered_at: datetime | None
    answer: str | None
    accepted_at: datetime | None


def urging_sheet(stamp: Stamp, urging_id: int) -> Sheet:
    """Give what stands on an urging slip; raises SlipNotFound."""
    return _sheet(stamp, SlipKind.URGING, _find(stamp, Urging, urging_id))


def order_sheet(stamp: Stamp, order_id: int) -> Sheet:
    """Give what stands on a supervision slip, or on the order slip of a meeting's decision; raises SlipNotFound."""
    order = _find(stamp, SupervisionOrder, order_id)
    return _sheet(stamp, SlipKind.SUPERVISION if order.meeting_id is None else SlipKind.ORDER, order)


def _find(stamp: Stamp, model: type[Found], slip_id: int) -> Found:
    query = select(model).join(Case, Case.id == model.case_id).where(model.id == slip_id, visible(stamp.actor))
    slip = db.session.scalars(query).first()
    if slip is None or slip.words is None or not _reads(stamp.actor, slip):
        raise SlipNotFound
    return slip


def _reads(actor: Actor, slip: Slip) -> bool:
    """Say whether somebody reads a slip: who presses, and, once it is issued, the unit that it goes to."""
    if actor.holds((*WATCHES, *URGES)) is not None:
        return True
    own = actor.paths(Role.HANDLER, Role.UNIT_HEAD)
    return slip.issued_at is not None and any(slip.unit.path.startswith(path) for path in own)


def _sheet(stamp: Stamp, kind: SlipKind, slip: Slip) -> Sheet:
    case = slip.case
    part = _part(case, slip.unit_id)
    names = _names([*slip.staff_ids, slip.by_staff_id])
    persons = [*(names[staff_id] for staff_id in slip.staff_ids if staff_id in names), *slip.others]
    return _filled(
        stamp,
        case,
        part,
        kind=kind,
        slip=slip.number,
        state=slip.state,
        unit=slip.unit.name,
        persons=persons or _responsible(stamp, case, part, slip.unit_id),
        words=slip.words or "",
        reply_by=slip.reply_by if isinstance(slip, SupervisionOrder) else None,
        issued_at=slip.issued_at,
        issued_by=names.get(slip.by_staff_id) if slip.by_staff_id is not None else None,
    )


def order_slip(stamp: Stamp, number: str) -> Sheet:
    """Give what stands on the order slip of a case that was handed to a lead: the crux, the person and the time limit.

    The crux is what the latest progress meeting decided, else what was said with the dispatch, else the matter itself.
    Raises CaseNotFound, NobodyToHandTo.
    """
    case = find_case(stamp, number)
    lead = next((a for a in reversed(case.assignments) if a.duty is Duty.LEAD and a.ended_at is None), None)
    if lead is None:
        raise NobodyToHandTo
    decided = select(SupervisionOrder).where(SupervisionOrder.case_id == case.id, SupervisionOrder.unit_id == lead.unit_id)
    decided = decided.where(SupervisionOrder.meeting_id.is_not(None), SupervisionOrder.round == case.round)
    decision = db.session.scalars(decided.order_by(SupervisionOrder.id.desc()).limit(1)).first()
    if decision is not None:
        return _sheet(stamp, SlipKind.ORDER, decision)
    said = select(Entry.actor_id, EntryWords.note).outerjoin(EntryWords, EntryWords.entry_id == Entry.id)
    said = said.where(Entry.case_id == case.id, Entry.action.in_((Action.DISPATCH, Action.REASSIGN)))
    handed = db.session.execute(said.order_by(Entry.seq.desc()).limit(1)).first()
    by = handed.actor_id if handed is not None else None
    return _filled(
        stamp,
        case,
        lead,
        kind=SlipKind.ORDER,
        slip=None,
        state=SlipState.ISSUED,
        unit=lead.unit.name,
        persons=_responsible(stamp, case, lead, lead.unit_id),
        words=(handed.note if handed is not None else None) or _matter(case),
        reply_by=None,
        issued_at=lead.dispatched_at,
        issued_by=_names([by]).get(by) if by is not None else None,
    )


def _filled(stamp: Stamp, case: Case, part: Assignment | None, **said: object) -> Sheet:
    term = _term_of(case, part)
    return Sheet(
        number=case.number,
        matter=_matter(case),
        category=catalogue().category(case.category_id).path if case.category_id is not None else None,
        place=case.grid.name if case.grid is not None and not case.confidential else None,
        opened_at=case.opened_at,
        dispatched_at=part.dispatched_at if part is not None else None,
        due_at=term.due_at if term is not None else None,
        late=term is not None and _is_late(term, stamp.at),
        urgings=case.urgings,
        **said,  # type: ignore[arg-type]
    )


def _matter(case: Case) -> str:
    return CONFIDENTIAL if case.confidential else case.title


def _part(case: Case, unit_id: int) -> Assignment | None:
    return next((a for a in reversed(case.assignments) if a.unit_id == unit_id), None)


def _is_late(term: Deadline, at: datetime) -> bool:
    """Say whether a term was not kept: breached, or past due while it runs on."""
    return term.breached_at is not None or (is_open(term) and term.paused_at is None and term.due_at <= at)


def _term_of(case: Case, part: Assignment | None) -> Deadline | None:
    """Give the newest clock of a unit's term, or of the whole case where the unit has no part in it."""
    query = select(Deadline).where(Deadline.case_id == case.id)
    if part is None:
        query = query.where(Deadline.clock == Clock.OVERALL)
    else:
        query = query.where(Deadline.clock == Clock.RESOLVE, Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == part.id)
    return db.session.scalars(query.order_by(Deadline.id.desc()).limit(1)).first()


def _responsible(stamp: Stamp, case: Case, part: Assignment | None, unit_id: int) -> list[str]:
    """Give who answers at a unit: who handles the case, else its heads; never one who is recused."""
    handler = part.handler_id if part is not None else None
    ids = [handler] if handler is not None else in_charge(case, unit_id, Role.UNIT_HEAD, stamp.at)
    free = [each for each in ids if not is_staff_against(each, case.against_paths, case.against_staff_id)]
    names = _names(free)
    return [names[each] for each in free if each in names]


def _names(ids: Iterable[int | None]) -> dict[int, str]:
    rows = db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_({each for each in ids if each is not None})))
    return {row.id: row.name for row in rows}


def pressed(stamp: Stamp, number: str) -> list[Press]:
    """Give the urgings and supervision orders of a case that the actor sees, in the order in which they were issued.

    Words are read from the timeline, so that what was erased there is gone here. Raises CaseNotFound.
    """
    case = find_case(stamp, number)
    rows: list[tuple[Slip, str]] = [*_issued(case, Urging), *_issued(case, SupervisionOrder)]
    names = _names(each for slip, _ in rows for each in (*slip.staff_ids, slip.by_staff_id))
    said = select(Entry.seq, EntryWords.note).join(EntryWords, EntryWords.entry_id == Entry.id)
    spoken = (Action.URGE, Action.ORDER_SUPERVISION, Action.DECIDE_PROGRESS, Action.ANSWER_SUPERVISION)
    found = db.session.execute(said.where(Entry.case_id == case.id, Entry.action.in_(spoken)))
    words = {row.seq: row.note for row in found}
    views = [_press(slip, unit, names, words) for slip, unit in rows]
    return sorted(views, key=lambda view: (view.issued_at, view.kind, view.id))


def _issued(case: Case, model: type[Found]) -> Sequence[tuple[Found, str]]:
    query = select(model, Unit.name).join(Unit, Unit.id == model.unit_id)
    rows = db.session.execute(query.where(model.case_id == case.id, model.issued_at.is_not(None)))
    return [(slip, unit) for slip, unit in rows]


def _press(slip: Slip, unit: str, names: dict[int, str], words: dict[int, str | None]) -> Press:
    order = slip if isinstance(slip, SupervisionOrder) else None
    assert slip.issued_at is not None
    return Press(
        id=slip.id,
        kind=SlipKind.URGING if order is None else SlipKind.SUPERVISION if order.meeting_id is None else SlipKind.ORDER,
        by_resident=isinstance(slip, Urging) and slip.by_resident,
        mode=slip.mode,
        state=slip.state,
        slip=slip.number,
        unit=unit,
        persons=[*(names[each] for each in slip.staff_ids if each in names), *slip.others],
        person_times=slip.person_times,
        words=words.get(slip.entry_seq or 0),
        by=names.get(slip.by_staff_id or 0),
        issued_at=slip.issued_at,
        reply_by=order.reply_by if order else None,
        answered_at=order.answered_at if order else None,
        answer=words.get(order.answer_seq or 0) if order else None,
        accepted_at=order.accepted_at if order else None,
    )
