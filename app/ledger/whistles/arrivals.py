"""Keeps what comes of a whistle: checking in (报到) by position, and the judgement of both sides.

Source: the rules of a case, section 3.
"""

from collections.abc import Callable

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.audiences import recipients
from app.ledger.intake.places import Point, placed
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.scope import reaches
from app.ledger.vocabulary import Action, Audience, Subject
from app.ledger.whistles.blowing import WhistleNotFound, WhistleOver
from app.ledger.whistles.models import WhistleCall
from app.ledger.whistles.sides import NotCalled, NotTheBlower, is_blower, is_called
from app.ledger.whistles.view import CallView, call_view
from app.ledger.workflow import NotYourMove
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.territory.datum import metres_between


class AlreadyArrived(Conflict):
    """已经报到过"""


class TooEarlyToJudge(Conflict):
    """还没有报到，也没有到报到时间，暂时不能评价"""


class NothingToRule(Conflict):
    """被叫单位没有异议，不需要裁定"""


class AlreadyRuled(Conflict):
    """这次吹哨已经裁定"""


class NotYourRuling(NotYourMove):
    """吹哨有争议时，由没有参与的督办员裁定"""


def arrive(stamp: Stamp, number: str, call_id: int, *, point: Point | None = None, note: str | None = None) -> CallView:
    """Check in for one's unit; a position far from the place is noted and never refused, a late arrival counts as late.

    Raises WhistleNotFound, NotCalled, WhistleOver, AlreadyArrived.
    """
    case, call = _locked(stamp, number, call_id)
    if not is_called(stamp, call):
        raise NotCalled
    if call.arrived_at is not None:
        raise AlreadyArrived
    if call.whistle.cancelled_at is not None:
        raise WhistleOver

    def change(acting: Stamp) -> Step:
        call.arrived_at, call.arrived_by = acting.at, acting.actor.id
        if point is not None:
            for name, value in placed(point).items():
                setattr(call, name, value)
        call.metres_off = _metres_off(call)
        db.session.flush()
        facts = {"call": call.id, "unit": call.unit.code, "metres_off": call.metres_off, "in_time": acting.at <= call.due_at}
        return Step(facts=facts, about=(Subject.WHISTLE_CALL, call.id))

    entry = move_case(stamp, case, Action.ARRIVE, Words(note=note), change)
    _tell_the_blower(stamp, case, call, key=f"{case.number}:{entry.seq}:arrive")
    return call_view(call, stamp.at)


def _metres_off(call: WhistleCall) -> int | None:
    place = call.whistle
    if call.latitude is None or call.longitude is None or place.latitude is None or place.longitude is None:
        return None
    return round(metres_between((place.latitude, place.longitude), (call.latitude, call.longitude)))


def _tell_the_blower(stamp: Stamp, case: Case, call: WhistleCall, *, key: str) -> None:
    blown = call.whistle
    to = (Recipient.STAFF, blown.staff_id) if blown.staff_id is not None else (Recipient.RESIDENT, blown.resident_id or 0)
    params = {"number": case.number, "unit": call.unit.name, "place": blown.place}
    file_notices([notice_row(key, to=to, template="arrive", params=params, case_id=case.id, at=stamp.at)])


def assess_help(stamp: Stamp, number: str, call_id: int, *, helped: bool, note: str) -> CallView:
    """Say, on the side that blew, whether the unit came and helped; once it has checked in or should have.

    Raises WhistleNotFound, NotTheBlower, TooEarlyToJudge, WhistleOver.
    """
    case, call = _locked(stamp, number, call_id)
    if not is_blower(stamp, call.whistle):
        raise NotTheBlower

    def change(_: Stamp, call: WhistleCall) -> Step:
        call.helped = helped
        return Step(facts={"call": call.id, "unit": call.unit.code, "helped": helped})

    return _assess(stamp, case, call, note, change)


def assess_whistle(stamp: Stamp, number: str, call_id: int, *, justified: bool, note: str) -> CallView:
    """Say, as a unit that was called, whether the whistle was justified; where it says no the supervisors are told.

    Raises WhistleNotFound, NotCalled, TooEarlyToJudge, WhistleOver, AlreadyRuled.
    """
    case, call = _locked(stamp, number, call_id)
    if not is_called(stamp, call):
        raise NotCalled
    if call.ruling is not None:
        raise AlreadyRuled

    def change(acting: Stamp, call: WhistleCall) -> Step:
        call.justified = justified
        if not justified:
            _tell_supervisors(acting, case, call)
        return Step(facts={"call": call.id, "unit": call.unit.code, "justified": justified})

    return _assess(stamp, case, call, note, change)


def _tell_supervisors(stamp: Stamp, case: Case, call: WhistleCall) -> None:
    rows = []
    for to in recipients(case, [Audience.SUPERVISORS], stamp.at):
        key, params = f"{case.number}:{call.id}:contested", {"number": case.number}
        rows.append(notice_row(key, to=to, template="whistle_contested", params=params, case_id=case.id, at=stamp.at))
    file_notices(rows)


def rule_on_whistle(stamp: Stamp, number: str, call_id: int, *, justified: bool, note: str) -> CallView:
    """Rule, as a supervisor who stands on neither side, on a whistle that a unit calls unjustified; once and for all.

    Raises WhistleNotFound, NotYourRuling, NothingToRule, AlreadyRuled.
    """
    case, call = _locked(stamp, number, call_id)
    if not may_rule(stamp, case, call):
        raise NotYourRuling
    if call.ruling is not None:
        raise AlreadyRuled
    if call.justified is not False:
        raise NothingToRule

    def change(_: Stamp, call: WhistleCall) -> Step:
        call.ruling = justified
        return Step(facts={"call": call.id, "unit": call.unit.code, "ruling": justified})

    return _assess(stamp.acting_as(Role.SUPERVISOR), case, call, note, change)


def may_rule(stamp: Stamp, case: Case, call: WhistleCall) -> bool:
    """Say whether the actor is a supervisor over the case who stands on neither side of a whistle."""
    over = stamp.actor.holds((Role.SUPERVISOR,)) is not None and reaches(stamp.actor, Role.SUPERVISOR, case.territory_path)
    called = any(post.path.startswith(call.unit.path) for post in stamp.actor.posts)
    return over and not called and not is_blower(stamp, call.whistle)


def may_judge(stamp: Stamp, case: Case, call: WhistleCall) -> bool:
    """Say whether the actor has something to say of a call now: as either side, or to rule on it."""
    if not _is_ripe(stamp, call):
        return False
    called = call.ruling is None and is_called(stamp, call)
    return (
        called
        or is_blower(stamp, call.whistle)
        or (call.ruling is None and call.justified is False and may_rule(stamp, case, call))
    )


def _is_ripe(stamp: Stamp, call: WhistleCall) -> bool:
    return call.arrived_at is not None or (call.whistle.cancelled_at is None and stamp.at > call.due_at)


def _assess(stamp: Stamp, case: Case, call: WhistleCall, note: str, change: Callable[[Stamp, WhistleCall], Step]) -> CallView:
    if call.arrived_at is None and call.whistle.cancelled_at is not None:
        raise WhistleOver
    if call.arrived_at is None and stamp.at <= call.due_at:
        raise TooEarlyToJudge
    move_case(stamp, case, Action.ASSESS_WHISTLE, Words(note=note), lambda acting: change(acting, call))
    return call_view(call, stamp.at)


def _locked(stamp: Stamp, number: str, call_id: int) -> tuple[Case, WhistleCall]:
    """Lock a case, and give one of its calls; to residents there are only those of their own whistles."""
    case = lock_case(stamp, number)
    call = db.session.scalars(select(WhistleCall).where(WhistleCall.id == call_id, WhistleCall.case_id == case.id)).first()
    if call is None or (stamp.actor.kind is ActorKind.RESIDENT and not is_blower(stamp, call.whistle)):
        raise WhistleNotFound
    return case, call
