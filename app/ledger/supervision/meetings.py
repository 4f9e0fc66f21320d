"""Keeps the weekly progress meetings (周调度): the agenda as it stood, the decisions, and what became of the last ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, insert, literal, or_, select

from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.dispatching.eligible import UnknownUnit
from app.ledger.models import Case
from app.ledger.scope import visible
from app.ledger.supervision.models import ProgressItem, ProgressMeeting, SupervisionOrder
from app.ledger.supervision.oversight import WATCHES, ListsAreTheSupervisors
from app.ledger.supervision.pressing import ORDERS, check_due
from app.ledger.supervision.slips import Addressed, acting, addressee, issue_order, lock_cases
from app.ledger.vocabulary import Action, Light, SlipState, State
from app.territory.models import Unit


class MeetingNotFound(NotFound):
    """没有找到这次调度会"""


class NotOnTheAgenda(Invalid):
    """这个工单不在本次调度清单里"""


@dataclass(frozen=True, kw_only=True)
class MeetingView:
    """A meeting, with how many cases of its agenda the viewer sees by light, and how many decisions it took."""

    id: int
    unit: str
    held_at: datetime
    chair: str
    participants: Sequence[str]
    red: int
    amber: int
    decisions: int


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """A case on an agenda: its light and state then, and its state now."""

    place: int
    number: str
    title: str
    unit: str | None
    light: Light
    state: State
    due_at: datetime | None
    late_since: datetime | None
    state_now: State
    decisions: int


@dataclass(frozen=True, kw_only=True)
class DecisionView:
    """A decision of a meeting; it is done when the unit's answer was accepted, or the case has ended."""

    id: int
    slip: str | None
    number: str
    title: str
    unit: str
    words: str
    reply_by: datetime | None
    state: SlipState
    state_now: State
    done: bool
    late: bool


def hold_meeting(stamp: Stamp, *, chair: str, participants: Sequence[str] = (), unit: str | None = None) -> ProgressMeeting:
    """Open a progress meeting of a unit (None: the actor's own); every red and amber case of now stands on its agenda.

    Cases whose territory lies below the unit, or whose lead does. Raises ListsAreTheSupervisors, UnknownUnit.
    """
    where = _unit(stamp, unit)
    assert stamp.actor.id is not None
    meeting = ProgressMeeting(
        unit_id=where.id, held_at=stamp.at, chair=chair, participants=list(participants), by_staff_id=stamp.actor.id
    )
    db.session.add(meeting)
    db.session.flush()
    columns = ["meeting_id", "case_id", "place", "light", "state", "lead_unit_id", "due_at", "late_since"]
    db.session.execute(insert(ProgressItem).from_select(columns, _agenda(meeting.id, where.path, stamp.at)))
    return meeting


def _unit(stamp: Stamp, code: str | None) -> Unit:
    """Give the unit of a meeting: one that the actor watches over."""
    paths = stamp.actor.paths(*WATCHES)
    if not paths:
        raise ListsAreTheSupervisors
    named = Unit.path == min(paths, key=len) if code is None else Unit.code == code
    unit = db.session.scalars(select(Unit).where(named)).first()
    if unit is None or not any(unit.path.startswith(path) for path in paths):
        raise UnknownUnit(errors={"unit": ["没有这个单位，或不由您督办"]})
    return unit


def _agenda(meeting_id: int, path: str, at: datetime) -> Any:
    red = or_(Case.late_since.is_not(None), Case.next_due_at <= at)
    light = case((red, literal(Light.RED.value)), else_=literal(Light.AMBER.value))
    led = select(Unit.id).where(Unit.path.startswith(path))
    place = func.row_number().over(order_by=(Case.late_since.asc().nulls_last(), Case.next_due_at, Case.id))
    columns = (literal(meeting_id), Case.id, place, light, Case.state, Case.lead_unit_id, Case.next_due_at, Case.late_since)
    below = or_(Case.territory_path.startswith(path), Case.lead_unit_id.in_(led))
    shown = and_(Case.closed_at.is_(None), ~Case.archived, or_(red, Case.amber_at <= at))
    return select(*columns).where(below, shown)


def decide_progress(
    stamp: Stamp, meeting_id: int, number: str, *, words: str, to: Addressed, due: datetime | None = None
) -> SupervisionOrder:
    """Record what a meeting decided about a case on its agenda; with `due`, the unit's clock runs until it answers.

    The decision goes out as a numbered order slip. Raises MeetingNotFound, CaseNotFound, NotOnTheAgenda, DueInThePast and
    what an addressee may raise.
    """
    check_due(stamp, due)
    meeting = find_meeting(stamp, meeting_id)
    (about,) = lock_cases(stamp, [number])
    if db.session.get(ProgressItem, (meeting.id, about.id)) is None:
        raise NotOnTheAgenda(errors={"number": ["这个工单不在本次调度清单里"]})
    now = acting(stamp, about, Action.DECIDE_PROGRESS, ORDERS)
    whom = addressee(about, to)
    order = SupervisionOrder(
        case_id=about.id,
        round=about.round,
        meeting_id=meeting.id,
        state=SlipState.DRAFT,
        words=words,
        unit_id=whom.unit_id,
        staff_ids=whom.staff_ids,
        others=whom.others,
        person_times=0,
        drafted_at=stamp.at,
    )
    issue_order(now, about, order, action=Action.DECIDE_PROGRESS, due=due)
    return order


def find_meeting(stamp: Stamp, meeting_id: int) -> ProgressMeeting:
    """Give a meeting of a unit that the actor watches over; raises ListsAreTheSupervisors, MeetingNotFound."""
    query = select(ProgressMeeting).join(Unit, Unit.id == ProgressMeeting.unit_id)
    meeting = db.session.scalars(query.where(ProgressMeeting.id == meeting_id, _watches(stamp))).first()
    if meeting is None:
        raise MeetingNotFound
    return meeting


def _watches(stamp: Stamp) -> ColumnElement[bool]:
    paths = stamp.actor.paths(*WATCHES)
    if not paths:
        raise ListsAreTheSupervisors
    return or_(*(Unit.path.startswith(path) for path in paths))


def meetings_page(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[MeetingView]:
    """Give the meetings of the units that the actor watches over, newest first."""
    query = _meetings(stamp)
    rows = db.session.execute(paged(query, key=[(ProgressMeeting.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([MeetingView(**row._asdict()) for row in page.items], page.next_cursor)


def meeting_view(stamp: Stamp, meeting_id: int) -> MeetingView:
    """Give a meeting; raises MeetingNotFound."""
    row = db.session.execute(_meetings(stamp).where(ProgressMeeting.id == meeting_id)).first()
    if row is None:
        raise MeetingNotFound
    return MeetingView(**row._asdict())


def _meetings(stamp: Stamp) -> Any:
    def seen(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        query = select(func.count()).select_from(ProgressItem).join(Case, Case.id == ProgressItem.case_id)
        query = query.where(ProgressItem.meeting_id == ProgressMeeting.id, visible(stamp.actor), *conditions)
        return query.correlate(ProgressMeeting).scalar_subquery()

    decided = select(func.count()).select_from(SupervisionOrder).join(Case, Case.id == SupervisionOrder.case_id)
    decided = decided.where(SupervisionOrder.meeting_id == ProgressMeeting.id, visible(stamp.actor))
    same = (ProgressMeeting.id, ProgressMeeting.held_at, ProgressMeeting.chair, ProgressMeeting.participants)
    return (
        select(
            *same,
            Unit.name.label("unit"),
            seen(ProgressItem.light == Light.RED).label("red"),
            seen(ProgressItem.light == Light.AMBER).label("amber"),
            decided.correlate(ProgressMeeting).scalar_subquery().label("decisions"),
        )
        .join(Unit, Unit.id == ProgressMeeting.unit_id)
        .where(_watches(stamp))
    )


def agenda_page(stamp: Stamp, meeting_id: int, *, light: Light | None = None, cursor: str | None, limit: int) -> Page[ItemView]:
    """Give the agenda of a meeting as it stood, the longest late first; cases that the viewer may not see are left out."""
    meeting = find_meeting(stamp, meeting_id)
    decided = select(func.count()).select_from(SupervisionOrder)
    decided = decided.where(SupervisionOrder.meeting_id == meeting.id, SupervisionOrder.case_id == Case.id).correlate(Case)
    then = (ProgressItem.place, ProgressItem.light, ProgressItem.state, ProgressItem.due_at, ProgressItem.late_since)
    now = (Case.number, Case.title, Case.state.label("state_now"), Unit.name.label("unit"))
    query = select(*then, *now, decided.scalar_subquery().label("decisions"))
    query = query.select_from(ProgressItem).join(Case, Case.id == ProgressItem.case_id)
    query = query.outerjoin(Unit, Unit.id == ProgressItem.lead_unit_id)
    query = query.where(ProgressItem.meeting_id == meeting.id, visible(stamp.actor))
    if light is not None:
        query = query.where(ProgressItem.light == light)
    rows = db.session.execute(paged(query, key=[(ProgressItem.place, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.place])
    return Page([ItemView(**row._asdict()) for row in page.items], page.next_cursor)


def decisions_page(stamp: Stamp, meeting_id: int, *, previous: bool = False, cursor: str | None, limit: int) -> Page[DecisionView]:
    """Give the decisions of a meeting, or of the one before it at the same unit, and whether each is done."""
    meeting = find_meeting(stamp, meeting_id)
    wanted: int | None = meeting.id
    if previous:
        before = (ProgressMeeting.unit_id == meeting.unit_id, ProgressMeeting.id < meeting.id)
        wanted = db.session.scalar(select(func.max(ProgressMeeting.id)).where(*before))
    order = SupervisionOrder
    ended = Case.closed_at.is_not(None)
    done = or_(order.state == SlipState.ACCEPTED, ended)
    late = and_(order.state == SlipState.ISSUED, order.reply_by <= stamp.at, ~ended)
    query = select(
        order.id, order.number.label("slip"), order.words, order.reply_by, order.state, Case.number, Case.title,
        Case.state.label("state_now"), Unit.name.label("unit"), done.label("done"), func.coalesce(late, False).label("late"),
    )  # fmt: skip
    query = query.select_from(order).join(Case, Case.id == order.case_id).join(Unit, Unit.id == order.unit_id)
    query = query.where(order.meeting_id == wanted, visible(stamp.actor))
    rows = db.session.execute(paged(query, key=[(order.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([DecisionView(**row._asdict()) for row in page.items], page.next_cursor)
