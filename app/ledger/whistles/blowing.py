"""Keeps whistling (吹哨): a resident calls the community, a village or township calls other units, to come to a place in time.

Source: the rules of a case, section 3.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import func, select

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Conflict, Invalid, NotFound, TooMany
from app.core.stamp import ActorKind, Stamp
from app.ledger.audiences import called_at
from app.ledger.clocks import Deadline
from app.ledger.county import county
from app.ledger.deadlines import ClockFor, cancel, is_open, lock_case_clocks, start_clock
from app.ledger.dispatching.eligible import units_by_id
from app.ledger.handling import grant
from app.ledger.intake.persons import check_person
from app.ledger.intake.places import Point, located
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import Access, Action, Clock, Subject
from app.ledger.whistles.models import Whistle, WhistleCall
from app.ledger.whistles.sides import NotTheBlower, WhistlesFromBelow, check_called, community_of, is_blower, whistling_unit
from app.ledger.whistles.view import CallView, calls_of
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.territory.models import Level, Unit

FARTHEST = timedelta(days=7)
"""Nobody is whistled for longer ahead."""


class WhistleNotFound(NotFound):
    """没有找到这次吹哨"""


class WhistleUnfit(Invalid):
    """吹哨的内容需要修改"""


class WhistleOpen(Conflict):
    """这件事已经吹过哨，正在等待报到"""


class WhistledOften(TooMany):
    """今天吹哨的次数已满，急事请拨打热线"""


class NoCommunity(Conflict):
    """这件事不能吹哨到村（社区），请拨打热线"""


class WhistleOver(Conflict):
    """这次吹哨已经取消"""


def whistle(
    stamp: Stamp,
    number: str,
    *,
    words: str,
    place: str,
    unit_ids: Sequence[int] = (),
    point: Point | None = None,
    arrive_by: datetime | None = None,
    version: int | None = None,
) -> list[CallView]:
    """Whistle for units to come to a place by a moment, or within the policy's time; a resident whistles for the community.

    `words` say why. Raises WhistleUnfit, PointOutsideCounty, WhistlesFromBelow, UnknownUnit, UnitRecused, UnitUnstaffed; for a
    resident OnlyThePerson, WhistleOpen, WhistledOften, NoCommunity.
    """
    case = lock_case(stamp, number, version=version)
    if arrive_by is not None and not stamp.at < arrive_by <= stamp.at + FARTHEST:
        raise WhistleUnfit(errors={"arrive_by": ["报到时间应在今后七天之内"]})
    where = located(point, county()) if point is not None else {}
    blown = Whistle(case_id=case.id, at=stamp.at, place=place, **where)

    def change(acting: Stamp) -> Step:
        if acting.actor.kind is ActorKind.RESIDENT:
            blown.resident_id = acting.actor.id
            units = [_community(acting, case)]
        else:
            blown.staff_id, blown.unit_id = acting.actor.id, whistling_unit(acting, case)
            if blown.unit_id is None:
                raise WhistlesFromBelow
            units = _named(acting, case, unit_ids)
        db.session.add(blown)
        db.session.flush()
        for unit in units:
            grant(case, unit, Access.READ)
            _call(acting, case, blown, unit, arrive_by)
        facts = {"whistle": blown.id, "units": [unit.code for unit in units], "due": [c.due_at.isoformat() for c in blown.calls]}
        return Step(facts=facts)

    entry = move_case(stamp, case, Action.WHISTLE, Words(note=words), change)
    blown.entry_seq = entry.seq
    db.session.flush()
    _tell(stamp, case, blown.calls, template="whistle", key=f"{case.number}:{entry.seq}:whistle")
    return calls_of(blown, stamp.at)


def _call(stamp: Stamp, case: Case, blown: Whistle, unit: Unit, due: datetime | None) -> None:
    """Call one unit, with a clock of its own."""
    call = WhistleCall(whistle=blown, case_id=case.id, unit_id=unit.id, unit=unit, due_at=due or stamp.at)
    db.session.add(call)
    db.session.flush()
    words = f"{unit.name}报到时限"
    wanted = ClockFor(Clock.ARRIVE, Subject.WHISTLE_CALL, case.kind, case.urgency, case.category_id, words, unit.id, due=due)
    call.due_at = start_clock(wanted, stamp.at, subject_id=call.id, case_id=case.id).due_at
    db.session.flush()


def _community(stamp: Stamp, case: Case) -> Unit:
    """Give the unit that a resident whistles for: one whistle at a time on a case, so many a day in all."""
    check_person(stamp, case)
    if case.hidden_from_grid or case.confidential:
        raise NoCommunity("为保护您的信息，这件事不通知村（社区），请拨打热线")
    waiting = select(WhistleCall.id).join(Whistle).where(Whistle.case_id == case.id, Whistle.cancelled_at.is_(None))
    waiting = waiting.where(Whistle.resident_id.is_not(None), WhistleCall.arrived_at.is_(None), WhistleCall.due_at > stamp.at)
    if db.session.scalars(waiting).first() is not None:
        raise WhistleOpen
    today = stamp.at.astimezone(CHINA).date()
    morning, tomorrow = (datetime.combine(today + timedelta(days=day), time(), tzinfo=CHINA) for day in (0, 1))
    mine = select(func.count()).select_from(Whistle).where(Whistle.resident_id == stamp.actor.id, Whistle.at >= morning)
    if (db.session.scalar(mine) or 0) >= county().whistles_a_day:
        raise WhistledOften(retry_after=int((tomorrow - stamp.at).total_seconds()) + 1)
    unit = community_of(case)
    if unit is None:
        raise NoCommunity
    return unit


def _named(stamp: Stamp, case: Case, unit_ids: Sequence[int]) -> list[Unit]:
    if not unit_ids:
        raise WhistleUnfit(errors={"units": ["请写明叫哪些单位"]})
    units = units_by_id(unit_ids, fields=("units", "units"))
    own = [unit.name for unit in units if unit.path in stamp.actor.paths()]
    if own:
        raise WhistleUnfit(errors={"units": [f"不能叫自己的单位：{'、'.join(own)}"]})
    villages = [unit.name for unit in units if unit.level is Level.VILLAGE]
    if villages and case.hidden_from_grid:
        raise WhistleUnfit(errors={"units": [f"这件事不向村（社区）公开，不能叫：{'、'.join(villages)}"]})
    check_called(case, units)
    return units


def cancel_whistle(stamp: Stamp, number: str, whistle_id: int, *, note: str) -> list[CallView]:
    """Take a whistle back that is not needed any more; the clocks of who has not come end, and they are told.

    A unit that was due before that has missed it all the same. Raises WhistleNotFound, NotTheBlower, WhistleOver.
    """
    case = lock_case(stamp, number)
    blown = db.session.scalars(select(Whistle).where(Whistle.id == whistle_id, Whistle.case_id == case.id)).first()
    if blown is None or (stamp.actor.kind is ActorKind.RESIDENT and not is_blower(stamp, blown)):
        raise WhistleNotFound
    if not is_blower(stamp, blown):
        raise NotTheBlower
    if blown.cancelled_at is not None:
        raise WhistleOver
    awaited = [call for call in blown.calls if call.arrived_at is None]

    def change(acting: Stamp) -> Step:
        blown.cancelled_at = acting.at
        mine = {call.id for call in blown.calls}
        for clock in lock_case_clocks([case.id]):
            if is_open(clock) and clock.subject is Subject.WHISTLE_CALL and clock.subject_id in mine:
                cancel(clock, acting.at)
        db.session.flush()
        return Step(facts={"whistle": blown.id, "cancelled": [call.unit.code for call in awaited]})

    entry = move_case(stamp, case, Action.WHISTLE, Words(note=note), change)
    _tell(stamp, case, awaited, template="whistle_cancelled", key=f"{case.number}:{entry.seq}:cancelled")
    return calls_of(blown, stamp.at)


def end_missed(stamp: Stamp, case: Case, clocks: Sequence[Deadline]) -> list[int]:
    """End the whistles of a locked case for which nobody has come in time, where the case goes into another; give their ids.

    Nobody need come any more, and those called are told; what was missed stays missed, also when the case is taken out again.
    `clocks` are the case's clocks, locked.
    """
    late = select(Whistle).join(WhistleCall).where(Whistle.case_id == case.id, Whistle.cancelled_at.is_(None))
    ended = db.session.scalars(late.where(WhistleCall.arrived_at.is_(None)).distinct().order_by(Whistle.id)).all()
    for blown in ended:
        blown.cancelled_at = stamp.at
        awaited = [call for call in blown.calls if call.arrived_at is None]
        mine = {call.id for call in awaited}
        for clock in clocks:
            if is_open(clock) and clock.subject is Subject.WHISTLE_CALL and clock.subject_id in mine:
                cancel(clock, stamp.at)
        _tell(stamp, case, awaited, template="whistle_cancelled", key=f"{case.number}:{case.entry_count + 1}:cancelled:{blown.id}")
    db.session.flush()
    return [blown.id for blown in ended]


def _tell(stamp: Stamp, case: Case, calls: Sequence[WhistleCall], *, template: str, key: str) -> None:
    """Tell who is on duty at each unit, at once: a whistle never waits for a digest."""
    rows = []
    for call in calls:
        params = {"number": case.number, "place": call.whistle.place}
        for staff in called_at(case, call.unit_id, stamp.at):
            to = (Recipient.STAFF, staff)
            rows.append(notice_row(key, to=to, template=template, params=params, case_id=case.id, at=stamp.at))
    file_notices(rows)
