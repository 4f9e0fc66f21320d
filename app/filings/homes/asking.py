"""Keeps how somebody asks that the village comes home: for oneself in the mini-program, or for a caller at the desk."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Stamp
from app.filings.consent_codes import PhoneUnfit
from app.filings.homes.models import HomeRequest, HomeState
from app.filings.rules import body_named
from app.ledger.audiences import called_at
from app.ledger.catalogue import catalogue
from app.ledger.county import county
from app.ledger.deadlines import ClockFor, lock_case_clocks, note_due, start_clock
from app.ledger.intake.registration import REGISTRARS
from app.ledger.intake.submission import Receipt, Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case
from app.ledger.showing.outlook import moment
from app.ledger.vocabulary import Channel, Clock, Kind, Subject
from app.ledger.workflow import COMES_HOME_IN
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.people.identity import Person, clean_person, find_or_enrol
from app.people.models import Resident
from app.territory.models import Grid, HouseholdIdentity, Unit

FARTHEST = timedelta(days=14)
"""Nobody is asked to come longer ahead."""

WORDS = "上门代办时限"


class HomeRequestUnfit(Invalid):
    """上门代办的请求需要修改"""


class HomeRequestOpen(Conflict):
    """您已有一个上门代办请求正在处理"""


class AskedAtTheDesk(NotAllowed):
    """来电请求上门由受理员登记"""


@dataclass(frozen=True, kw_only=True)
class HomeAsked:
    """What somebody is to come home for: where (the household on the roster where not said), on which phone, at what time.

    `grid` goes by code; without it, it is the resident's own.
    """

    what: str
    grid: str | None = None
    place: str | None = None
    phone: str | None = None
    wished_at: datetime | None = None


def ask_home(stamp: Stamp, asked: HomeAsked) -> Receipt:
    """Ask, as a signed-in resident, that somebody comes home. One request at a time.

    Raises HomeRequestUnfit, HomeRequestOpen, UnknownGrid, PhoneUnfit, and what `take_in` raises.
    """
    assert stamp.actor.id is not None
    (me,) = lock_rows(Resident, [stamp.actor.id])
    submission = Submission(
        channel=Channel.MINI_PROGRAM,
        body=asked.what,
        kind=Kind.HELP,
        grid_id=_grid_id(asked, me),
        filer_resident_id=me.id,
        concerned_id=me.id,
        household_id=me.household_id,
    )
    return _open(stamp, submission, asked, me)


def ask_home_for(stamp: Stamp, person: Person, asked: HomeAsked) -> Receipt:
    """Ask for a caller at the desk, with the person's name; the claim code is read to them.

    Raises AskedAtTheDesk, WrongIdentity, and as `ask_home`.
    """
    role = stamp.actor.holds(REGISTRARS)
    if role is None:
        raise AskedAtTheDesk
    stamp = stamp.acting_as(role)
    if not (person.name or "").strip():
        raise HomeRequestUnfit(errors={"name": ["请登记需要上门的人的姓名"]})
    found = find_or_enrol(stamp, person, grid_id=catalogue().grid_id(asked.grid) if asked.grid is not None else None)
    (resident,) = lock_rows(Resident, [found.id])
    submission = Submission(
        channel=Channel.HOTLINE,
        body=asked.what,
        kind=Kind.HELP,
        grid_id=_grid_id(asked, resident),
        filer_staff_id=stamp.actor.id,
        concerned_id=resident.id,
        household_id=resident.household_id,
    )
    return _open(stamp, submission, asked, resident)


def _open(stamp: Stamp, submission: Submission, asked: HomeAsked, resident: Resident) -> Receipt:
    """Take the request in, start the clock by which somebody takes it, and tell who is on duty in the village."""
    if asked.wished_at is not None and not stamp.at < asked.wished_at <= stamp.at + FARTHEST:
        raise HomeRequestUnfit(errors={"wished_at": ["希望上门的时间应在今后十四天之内"]})
    assert submission.grid_id is not None
    place, phone = _place(asked, resident, submission.grid_id), _phone(asked, resident)
    _check_none_open(resident.id)
    with body_named("what"):
        receipt = take_in(stamp, submission)
    (case,) = lock_rows(Case, [receipt.case_id])
    grid = db.session.get_one(Grid, submission.grid_id)
    take_by = stamp.at + timedelta(hours=county().home_take_hours)
    request = HomeRequest(
        case_id=case.id,
        unit_id=grid.unit_id,
        grid_id=grid.id,
        resident_id=resident.id,
        place=keyring().encrypt(place, field="home_request.place"),
        phone=keyring().encrypt(phone, field="home_request.phone") if phone is not None else None,
        wished_at=asked.wished_at,
        asked_at=stamp.at,
        take_by=take_by,
        state=HomeState.WAITING,
    )
    db.session.add(request)
    start_home_clock(stamp, case, grid.unit_id, due=take_by)
    call_village(stamp, case, request, key=f"{case.number}:1:home")
    return receipt


def call_village(stamp: Stamp, case: Case, request: HomeRequest, *, key: str) -> None:
    """Tell who is on duty in the village that somebody is to take a request."""
    params = {"number": case.number, "due": moment(request.take_by, stamp.at)}
    to = called_at(case, request.unit_id, stamp.at)
    rows = [
        notice_row(key, to=(Recipient.STAFF, staff), template="home_request", params=params, case_id=case.id, at=stamp.at)
        for staff in to
    ]
    file_notices(rows)


def start_home_clock(stamp: Stamp, case: Case, unit_id: int, *, due: datetime, staff_id: int | None = None) -> None:
    """Start the clock of coming home on a locked case: by when somebody takes it or, once somebody has, by when they come."""
    about = (Clock.ARRIVE, Subject.CASE, case.kind, case.urgency, case.category_id)
    start_clock(ClockFor(*about, WORDS, unit_id, staff_id, due=due), stamp.at, subject_id=case.id, case_id=case.id)
    db.session.flush()
    note_due(case, lock_case_clocks([case.id]))


def _grid_id(asked: HomeAsked, resident: Resident) -> int:
    grid_id = catalogue().grid_id(asked.grid) if asked.grid is not None else resident.grid_id
    if grid_id is None:
        raise HomeRequestUnfit(errors={"grid": ["请选择您家所在的网格"]})
    unit = db.session.get_one(Unit, db.session.get_one(Grid, grid_id).unit_id)
    if not unit.active:
        raise HomeRequestUnfit(errors={"grid": ["这个网格现在没有村（社区）"]})
    return grid_id


def _place(asked: HomeAsked, resident: Resident, grid_id: int) -> str:
    """Give where to come: as said, else the home on the roster where the resident's own grid is meant."""
    if (asked.place or "").strip():
        return (asked.place or "").strip()
    at_home = resident.household_id is not None and resident.grid_id == grid_id
    home = db.session.get(HouseholdIdentity, resident.household_id) if at_home else None
    if home is None:
        raise HomeRequestUnfit(errors={"place": ["请写明到哪里上门"]})
    return keyring().decrypt(home.place, field="household.place")


def _phone(asked: HomeAsked, resident: Resident) -> str | None:
    if asked.phone is None:
        sealed = resident.identity.phone if resident.identity is not None else None
        return keyring().decrypt(sealed, field="resident.phone") if sealed is not None else None
    phone = clean_person(Person(phone=asked.phone)).phone
    if phone is None:
        raise PhoneUnfit("请填写联系电话", errors={"phone": ["请填写联系电话"]})
    return phone


def _check_none_open(resident_id: int) -> None:
    """Raise HomeRequestOpen while somebody is still to come; the caller holds the resident's row, so that two are never one."""
    waiting = (HomeRequest.resident_id == resident_id, HomeRequest.state.in_((HomeState.WAITING, HomeState.TAKEN)))
    query = select(HomeRequest.id).join(Case, Case.id == HomeRequest.case_id).where(*waiting, Case.state.in_(COMES_HOME_IN))
    if db.session.scalars(query.limit(1)).first() is not None:
        raise HomeRequestOpen
