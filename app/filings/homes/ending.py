"""Keeps how a visit home falls away: given back by who took it or when they leave, or over because the case went elsewhere."""

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.stamp import SYSTEM, Role, Stamp
from app.filings.homes.asking import call_village, start_home_clock
from app.filings.homes.coming import NotYourVisit, check_going_on, locked_request
from app.filings.homes.models import HomeRequest, HomeState
from app.ledger.coming_home import declare_coming_over, declare_letting_go
from app.ledger.deadlines import cancel, is_open, lock_case_clocks
from app.ledger.models import Case
from app.ledger.moves import Step, Words, move_case
from app.ledger.vocabulary import TERMINAL, Action, Clock, State, Subject
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.territory.models import Unit


def give_back_home_request(stamp: Stamp, number: str, *, reason: str) -> HomeRequest:
    """Give a request back that was taken: it waits again for somebody of the village, and the person is told.

    Who took it does, or a cadre of the village for them; anybody of the village once the time of coming is past. Raises
    HomeRequestNotFound, NotYourMove, NotYourVisit, HomeRequestOver.
    """
    case, request = locked_request(stamp, number)
    check_going_on(case, request)
    village = db.session.get_one(Unit, request.unit_id).path
    missed = request.come_by is not None and request.come_by < stamp.at
    if request.state is not HomeState.TAKEN or not (
        missed or request.staff_id == stamp.actor.id or village in stamp.actor.paths(Role.CADRE)
    ):
        raise NotYourVisit
    _give_back(stamp, case, request, reason)
    return request


def _give_back(stamp: Stamp, case: Case, request: HomeRequest, reason: str) -> None:
    """Let a request wait again. The time within which it is to be taken runs on: what of it is left counts from now."""
    assert request.taken_at is not None
    take_by = stamp.at + (request.take_by - request.taken_at)

    def change(acting: Stamp) -> Step:
        for clock in lock_case_clocks([case.id]):
            if is_open(clock) and clock.clock is Clock.ARRIVE and clock.subject is Subject.CASE:
                cancel(clock, acting.at)
        request.state, request.take_by = HomeState.WAITING, take_by
        request.staff_id = request.taken_at = request.come_by = None
        start_home_clock(acting, case, request.unit_id, due=take_by)
        return Step()

    entry = move_case(stamp, case, Action.GIVE_BACK_VISIT, Words(note=reason), change)
    call_village(stamp, case, request, key=f"{case.number}:{entry.seq}:home")


def _lets_go(stamp: Stamp, case: Case, staff_id: int) -> None:
    """Give back the request that somebody who leaves has taken."""
    taken = select(HomeRequest.id).where(HomeRequest.case_id == case.id, HomeRequest.staff_id == staff_id)
    for request in lock_rows(HomeRequest, db.session.scalars(taken.where(HomeRequest.state == HomeState.TAKEN)).all()):
        system = Stamp(SYSTEM, Role.SYSTEM, stamp.at, stamp.door)
        _give_back(system, case, request, "接单人请假或离岗，重新安排上门")


def _is_over(stamp: Stamp, case: Case, target: State) -> None:
    """End the request of a case that ended or went to a unit, and tell who was on the way; a merged one may come back.

    The person is told that the visit is off where nothing else tells them so.
    """
    found = db.session.scalars(select(HomeRequest.id).where(HomeRequest.case_id == case.id)).all()
    for request in lock_rows(HomeRequest, found):
        if request.state not in (HomeState.WAITING, HomeState.TAKEN):
            continue
        to = []
        if request.staff_id is not None and request.staff_id != stamp.actor.id:
            to.append((Recipient.STAFF, request.staff_id, "visit_over"))
        if request.staff_id is not None and request.resident_id is not None and target not in TERMINAL - {State.CLOSED}:
            to.append((Recipient.RESIDENT, request.resident_id, "visit_over_persons"))
        key, params = f"{case.number}:{case.entry_count}:visit_over", {"number": case.number}
        file_notices([
            notice_row(key, to=(kind, who), template=template, params=params, case_id=case.id, at=stamp.at)
            for kind, who, template in to
        ])  # fmt: skip
        if target is not State.MERGED:
            request.state, request.ended_at = HomeState.OVER, stamp.at
    db.session.flush()


declare_letting_go(_lets_go)
declare_coming_over(_is_over)
