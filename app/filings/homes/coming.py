"""Keeps what the village does with a request to come home: one takes it, comes and answers, or says why nobody can.

The person is told at every step. What they are filed for while somebody is there names the request.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role, Stamp
from app.filings.homes.asking import FARTHEST, start_home_clock
from app.filings.homes.models import HomeRequest, HomeState
from app.filings.homes.taken import HomeRequestNotFound, taken_by
from app.filings.rules import PROXIES
from app.ledger.attachments import EntryFiles, attach_to_entry
from app.ledger.commands import answer_locked
from app.ledger.county import county
from app.ledger.deadlines import is_open, lock_case_clocks, meet
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import Action, Clock, Subject
from app.ledger.workflow import COMES_HOME_IN
from app.people.identity import unmask
from app.territory.models import Unit


class AlreadyTaken(Conflict):
    """已经有人接单上门"""


class HomeRequestOver(Conflict):
    """这个上门代办请求已经结束"""


class NotYourVisit(NotAllowed):
    """只有接单的人可以这样操作"""


class ComingUnfit(Invalid):
    """约定的上门时间不合适"""


def take_home_request(stamp: Stamp, number: str, *, come_by: datetime | None = None) -> HomeRequest:
    """Take a request upon oneself, and say by when one comes; exactly one person does.

    Without `come_by` it is the time that the person wished, else the county's hours from now. Raises HomeRequestNotFound,
    NotYourMove, AlreadyTaken, HomeRequestOver, ComingUnfit.
    """
    case, request = locked_request(stamp, number)
    if request.state is HomeState.TAKEN:
        raise AlreadyTaken
    check_going_on(case, request)
    if come_by is not None and not stamp.at < come_by <= stamp.at + FARTHEST:
        raise ComingUnfit(errors={"come_by": ["上门时间应在今后十四天之内"]})
    wished = request.wished_at if request.wished_at is not None and request.wished_at > stamp.at else None
    due = come_by or wished or stamp.at + timedelta(hours=county().home_come_hours)

    def change(acting: Stamp) -> Step:
        _meet_clock(acting, case)
        request.state, request.staff_id, request.taken_at, request.come_by = HomeState.TAKEN, acting.actor.id, acting.at, due
        start_home_clock(acting, case, request.unit_id, due=due, staff_id=acting.actor.id)
        return Step(facts={"come_by": due.isoformat()})

    move_case(stamp, case, Action.TAKE_VISIT, Words(), change)
    return request


def decline_home_request(stamp: Stamp, number: str, *, reply: str) -> HomeRequest:
    """Say why nobody can come; the person reads it, and the desk goes on with the matter. Once taken, only the taker says so.

    Raises HomeRequestNotFound, NotYourMove, NotYourVisit, HomeRequestOver.
    """
    case, request = locked_request(stamp, number)
    check_going_on(case, request)
    if request.staff_id is not None and request.staff_id != stamp.actor.id:
        raise NotYourVisit

    def change(acting: Stamp) -> Step:
        _meet_clock(acting, case)
        request.state, request.ended_at = HomeState.DECLINED, acting.at
        return Step()

    move_case(stamp, case, Action.DECLINE_VISIT, Words(reply=reply), change)
    return request


def answer_at_home(
    stamp: Stamp, number: str, *, reply: str, category_id: int | None = None, photos: Sequence[int] = ()
) -> HomeRequest:
    """Say what was done at the person's home; the request is answered on the spot, and the person rates it.

    `photos` are for the file. Raises FilesUnfit, HomeRequestNotFound, NotYourVisit, HomeRequestOver, CategoryMissing.
    """
    case, request = locked_request(stamp, number)
    if request.staff_id != stamp.actor.id:
        raise NotYourVisit
    check_going_on(case, request)
    _meet_clock(stamp, case)
    entry = answer_locked(stamp, case, reply=reply, category_id=category_id)
    attach_to_entry(stamp, entry, EntryFiles(after=photos))
    request.state, request.ended_at = HomeState.VISITED, stamp.at
    db.session.flush()
    return request


def where_to_come(stamp: Stamp, number: str) -> tuple[str, str | None]:
    """Give place and phone of a request that the actor has taken, in plain words; put on record with the case as the reason.

    Raises HomeRequestNotFound, HomeRequestOver.
    """
    request = taken_by(stamp, number)
    check_going_on(db.session.get_one(Case, request.case_id), request)
    ring = keyring()
    if request.resident_id is not None:
        unmask(stamp, request.resident_id, fields=("phone",), reason=f"home request {number}")
    phone = ring.decrypt(request.phone, field="home_request.phone") if request.phone is not None else None
    return ring.decrypt(request.place, field="home_request.place"), phone


def contact_of(stamp: Stamp, number: str) -> dict[str, str | None]:
    """Give what `where_to_come` gives, by name."""
    place, phone = where_to_come(stamp, number)
    return {"place": place, "phone": phone}


def locked_request(stamp: Stamp, number: str) -> tuple[Case, HomeRequest]:
    """Lock a case and its request; to those who do not come for its village there is none. Raises HomeRequestNotFound."""
    if stamp.actor.holds(PROXIES) is None:
        raise HomeRequestNotFound
    case = lock_case(stamp, number)
    found = select(HomeRequest.id).join(Unit, Unit.id == HomeRequest.unit_id).where(HomeRequest.case_id == case.id)
    ids = db.session.scalars(found.where(Unit.path.in_(stamp.actor.paths(Role.CADRE, Role.GRID_WORKER)))).all()
    if not ids:
        raise HomeRequestNotFound
    (request,) = lock_rows(HomeRequest, ids)
    return case, request


def check_going_on(case: Case, request: HomeRequest) -> None:
    """Raise HomeRequestOver where nobody is to come any more."""
    if request.state not in (HomeState.WAITING, HomeState.TAKEN) or case.state not in COMES_HOME_IN:
        raise HomeRequestOver


def _meet_clock(stamp: Stamp, case: Case) -> None:
    """Meet the clock of coming home of a locked case; whistles have clocks of their own."""
    for clock in lock_case_clocks([case.id]):
        if is_open(clock) and clock.clock is Clock.ARRIVE and clock.subject is Subject.CASE:
            meet(clock, stamp.at)
    db.session.flush()
