"""Keeps whistling: a community, township or resident calls units to a place; each checks in in time, and both sides are judged.

Source: the rules of a case, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.audiences import in_charge
from app.ledger.county import county
from app.ledger.deadlines import ClockFor, cancel, is_open, lock_case_clocks, start_clock
from app.ledger.eligible import check_eligible, units_by_id
from app.ledger.handling import grant
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.persons import check_person
from app.ledger.scope import visible
from app.ledger.vocabulary import Access, Action, Clock, Subject
from app.ledger.whistle_models import Whistle, WhistleCall
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.territory.datum import metres_between
from app.territory.models import Grid, Level, Unit

FARTHEST = timedelta(days=7)
"""Nobody is whistled for longer ahead."""


class WhistleNotFound(NotFound):
    """没有找到这次吹哨"""


class WhistleUnfit(Invalid):
    """吹哨的内容需要修改"""


class WhistleOpen(Conflict):
    """这件事已经吹过哨，正在等待报到"""


class NoCommunity(Conflict):
    """这件事还没有落到村（社区），请拨打热线"""


class NotCalled(NotAllowed):
    """这次吹哨没有叫您的单位"""


class AlreadyArrived(Conflict):
    """已经报到过"""


class NotTheBlower(NotAllowed):
    """只有吹哨的一方可以这样操作"""


class WhistleOver(Conflict):
    """这次吹哨已经取消"""


class NothingToRule(Conflict):
    """被叫单位没有异议，不需要裁定"""


@dataclass(frozen=True, kw_only=True)
class CallView:
    """A call as it is shown: where, by when, whether they came and how far off, and what both sides say."""

    id: int
    number: str
    title: str
    unit: str
    unit_name: str
    place: str
    latitude: float | None
    longitude: float | None
    blown_at: datetime
    due_at: datetime
    arrived_at: datetime | None
    metres_off: int | None
    far_off: bool
    cancelled: bool
    helped: bool | None
    justified: bool | None
    ruling: bool | None


def whistle(
    stamp: Stamp,
    number: str,
    *,
    words: str,
    place: str,
    unit_ids: Sequence[int] = (),
    latitude: float | None = None,
    longitude: float | None = None,
    arrive_by: datetime | None = None,
    version: int | None = None,
) -> list[CallView]:
    """Whistle for units to come to a place by a moment, or within the policy's time; a resident whistles for the community.

    Raises WhistleUnfit, WhistleOpen, NoCommunity, OnlyThePerson, UnitRecused, UnknownUnit.
    """
    case = lock_case(stamp, number, version=version)
    if arrive_by is not None and not stamp.at < arrive_by <= stamp.at + FARTHEST:
        raise WhistleUnfit(errors={"arrive_by": ["报到时间应在今后七天之内"]})
    made: list[WhistleCall] = []

    def change(acting: Stamp) -> Step:
        by_resident = acting.actor.kind is ActorKind.RESIDENT
        units = _community(acting, case) if by_resident else _named(acting, case, unit_ids)
        blown = Whistle(
            case_id=case.id, at=acting.at, place=place, latitude=latitude, longitude=longitude,
            resident_id=acting.actor.id if by_resident else None, staff_id=None if by_resident else acting.actor.id,
        )  # fmt: skip
        db.session.add(blown)
        db.session.flush()
        for unit in units:
            grant(case, unit, Access.READ)
            call = WhistleCall(whistle_id=blown.id, whistle=blown, case_id=case.id, unit_id=unit.id, unit=unit, due_at=acting.at)
            db.session.add(call)
            db.session.flush()
            clock = start_clock(_clock(case, unit, arrive_by), acting.at, subject_id=call.id, case_id=case.id)
            call.due_at = clock.due_at
            made.append(call)
        db.session.flush()
        return Step(facts={"units": [unit.code for unit in units], "due": [call.due_at.isoformat() for call in made][:1]})

    entry = move_case(stamp, case, Action.WHISTLE, Words(note=words), change)
    _tell(stamp, case, made, f"{case.number}:{entry.seq}:whistle")
    return [_view(case, call) for call in made]


def _community(stamp: Stamp, case: Case) -> list[Unit]:
    """Give the community of the case's grid for a resident's whistle, one at a time."""
    check_person(stamp, case)
    waiting = select(WhistleCall.id).join(Whistle).where(Whistle.case_id == case.id, Whistle.cancelled_at.is_(None))
    if db.session.scalars(waiting.where(Whistle.resident_id.is_not(None), WhistleCall.arrived_at.is_(None))).first() is not None:
        raise WhistleOpen
    unit = db.session.scalars(select(Unit).join(Grid, Grid.unit_id == Unit.id).where(Grid.id == case.grid_id)).first()
    if unit is None:
        raise NoCommunity
    return [unit]


def _named(stamp: Stamp, case: Case, unit_ids: Sequence[int]) -> list[Unit]:
    if not unit_ids:
        raise WhistleUnfit(errors={"units": ["请写明叫哪些单位"]})
    units = units_by_id(unit_ids, fields=("units", "units"))
    own = [unit.name for unit in units if unit.path in stamp.actor.paths()]
    if own:
        raise WhistleUnfit(errors={"units": [f"不能叫自己的单位：{'、'.join(own)}"]})
    check_eligible(case, [unit for unit in units if unit.level is not Level.VILLAGE])
    return units


def _clock(case: Case, unit: Unit, due: datetime | None) -> ClockFor:
    words = f"{unit.name}报到时限"
    return ClockFor(Clock.ARRIVE, Subject.WHISTLE_CALL, case.kind, case.urgency, case.category_id, words, unit.id, due=due)


def _tell(stamp: Stamp, case: Case, calls: Sequence[WhistleCall], key: str) -> None:
    """Tell who is in charge at each unit, at once: a whistle never waits for a digest."""
    rows = []
    for call in calls:
        params = {"number": case.number, "place": call.whistle.place}
        for staff in in_charge(case, call.unit_id, Role.HANDLER, stamp.at):
            to = (Recipient.STAFF, staff)
            rows.append(notice_row(key, to=to, template="whistle", params=params, case_id=case.id, at=stamp.at))
    file_notices(rows)


def arrive(
    stamp: Stamp,
    number: str,
    call_id: int,
    *,
    latitude: float | None = None,
    longitude: float | None = None,
    note: str | None = None,
) -> CallView:
    """Check in for one's unit; a position far from the place is noted and never refused. Raises NotCalled, AlreadyArrived."""
    case, call = _locked(stamp, number, call_id)
    if not _belongs(stamp, call):
        raise NotCalled
    if call.arrived_at is not None:
        raise AlreadyArrived

    def change(acting: Stamp) -> Step:
        if call.whistle.cancelled_at is not None:
            raise WhistleOver
        call.arrived_at, call.arrived_by = acting.at, acting.actor.id
        call.latitude, call.longitude, call.metres_off = latitude, longitude, _metres(call, latitude, longitude)
        db.session.flush()
        facts = {"unit": call.unit.code, "metres_off": call.metres_off, "in_time": acting.at <= call.due_at}
        return Step(facts=facts, about=(Subject.WHISTLE_CALL, call.id))

    move_case(stamp, case, Action.ARRIVE, Words(note=note), change)
    return _view(case, call)


def _metres(call: WhistleCall, latitude: float | None, longitude: float | None) -> int | None:
    place = call.whistle
    if latitude is None or longitude is None or place.latitude is None or place.longitude is None:
        return None
    return round(metres_between((place.latitude, place.longitude), (latitude, longitude)))


def assess_help(stamp: Stamp, number: str, call_id: int, *, helped: bool, note: str) -> CallView:
    """Say, as who blew the whistle, whether the unit came and helped. Raises NotTheBlower."""
    case, call = _locked(stamp, number, call_id)
    if not _blew(stamp, call.whistle):
        raise NotTheBlower

    def change(_: Stamp) -> Step:
        call.helped = helped
        return Step(facts={"unit": call.unit.code, "helped": helped})

    move_case(stamp, case, Action.ASSESS_WHISTLE, Words(note=note), change)
    return _view(case, call)


def assess_whistle(stamp: Stamp, number: str, call_id: int, *, justified: bool, note: str) -> CallView:
    """Say, as the unit that was called, whether the whistle was justified. Raises NotCalled."""
    case, call = _locked(stamp, number, call_id)
    if not _belongs(stamp, call):
        raise NotCalled

    def change(_: Stamp) -> Step:
        call.justified = justified
        return Step(facts={"unit": call.unit.code, "justified": justified})

    move_case(stamp, case, Action.ASSESS_WHISTLE, Words(note=note), change)
    return _view(case, call)


def rule_on_whistle(stamp: Stamp, number: str, call_id: int, *, justified: bool, note: str) -> CallView:
    """Rule, as a supervisor who neither blew nor came, on a whistle that a unit calls unjustified. Raises NothingToRule."""
    case, call = _locked(stamp, number, call_id)
    if stamp.actor.holds((Role.SUPERVISOR,)) is None or _belongs(stamp, call) or _blew(stamp, call.whistle):
        raise NotTheBlower("由没有参与的督办员裁定")
    if call.justified is not False:
        raise NothingToRule

    def change(_: Stamp) -> Step:
        call.ruling = justified
        return Step(facts={"unit": call.unit.code, "ruling": justified})

    move_case(stamp.acting_as(Role.SUPERVISOR), case, Action.ASSESS_WHISTLE, Words(note=note), change)
    return _view(case, call)


def cancel_whistle(stamp: Stamp, number: str, whistle_id: int, *, note: str) -> list[CallView]:
    """Take a whistle back that is not needed any more; the clocks of who has not come yet end. Raises NotTheBlower."""
    case = lock_case(stamp, number)
    blown = db.session.scalars(select(Whistle).where(Whistle.id == whistle_id, Whistle.case_id == case.id)).first()
    if blown is None:
        raise WhistleNotFound
    if not _blew(stamp, blown):
        raise NotTheBlower
    if blown.cancelled_at is not None:
        raise WhistleOver

    def change(acting: Stamp) -> Step:
        blown.cancelled_at = acting.at
        mine = {call.id for call in blown.calls}
        for clock in lock_case_clocks([case.id]):
            if is_open(clock) and clock.subject is Subject.WHISTLE_CALL and clock.subject_id in mine:
                cancel(clock, acting.at)
        db.session.flush()
        return Step(facts={"cancelled": [call.unit.code for call in blown.calls]})

    move_case(stamp, case, Action.WHISTLE, Words(note=note), change)
    return [_view(case, call) for call in blown.calls]


def _locked(stamp: Stamp, number: str, call_id: int) -> tuple[Case, WhistleCall]:
    case = lock_case(stamp, number)
    call = db.session.scalars(select(WhistleCall).where(WhistleCall.id == call_id, WhistleCall.case_id == case.id)).first()
    if call is None:
        raise WhistleNotFound
    return case, call


def _belongs(stamp: Stamp, call: WhistleCall) -> bool:
    """Say whether the actor works at the unit that was called, or below it."""
    return any(path.startswith(call.unit.path) for path in stamp.actor.paths())


def _blew(stamp: Stamp, blown: Whistle) -> bool:
    blower = blown.staff_id if stamp.actor.kind is ActorKind.STAFF else blown.resident_id
    return blower is not None and blower == stamp.actor.id


def calls_page(
    stamp: Stamp, *, mine: bool = False, waiting: bool = False, cursor: str | None = None, limit: int = LIMIT
) -> Page[CallView]:
    """Give the calls of cases that the actor sees, the newest first; `mine` are those of one's own unit."""
    query = select(WhistleCall, Case).join(Case, Case.id == WhistleCall.case_id).join(Whistle, Whistle.id == WhistleCall.whistle_id)
    query = query.join(Unit, Unit.id == WhistleCall.unit_id).where(visible(stamp.actor))
    if mine:
        query = query.where(or_(*(Unit.path.startswith(path) for path in stamp.actor.paths())))
    if waiting:
        query = query.where(WhistleCall.arrived_at.is_(None), Whistle.cancelled_at.is_(None))
    rows = db.session.execute(paged(query, key=[(WhistleCall.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].id])
    return Page([_view(case, call) for call, case in page.items], page.next_cursor)


def _view(case: Case, call: WhistleCall) -> CallView:
    place = call.whistle
    same = ("id", "due_at", "arrived_at", "metres_off", "helped", "justified", "ruling")
    return CallView(
        **{name: getattr(call, name) for name in same},
        number=case.number,
        title=case.title,
        unit=call.unit.code,
        unit_name=call.unit.name,
        place=place.place,
        latitude=place.latitude,
        longitude=place.longitude,
        blown_at=place.at,
        far_off=call.metres_off is not None and call.metres_off > county().whistle_metres,
        cancelled=place.cancelled_at is not None,
    )
