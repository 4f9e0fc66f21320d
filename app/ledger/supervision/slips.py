"""Keeps how a slip is addressed, numbered and issued: an urging or a supervision order becomes an entry of its case.

Numbers are given at issuing, in the same transaction, one series a kind and year without gaps. Cases are locked first, the
series after them, so that two who issue at once wait for each other and never in a ring.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, not_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from app.core.clock import CHINA
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotFound
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.deadlines import ClockFor, is_open, lock_case_clocks, meet, start_clock
from app.ledger.dispatching.eligible import UnitRecused, UnknownUnit
from app.ledger.labels import label
from app.ledger.models import Case, Entry
from app.ledger.moves import Step, Words, move_case
from app.ledger.recusal import is_recused, is_unit_recused
from app.ledger.roles import roles_for
from app.ledger.scope import CaseNotFound, visible, written
from app.ledger.supervision.models import CaseListing, SlipSeries, SupervisionOrder, Urging
from app.ledger.vocabulary import Action, Clock, Listing, PressMode, SlipKind, SlipState, Subject
from app.ledger.workflow import NotYourMove
from app.people.models import Staff
from app.people.staff import posts_held
from app.territory.models import Unit

Slip = Urging | SupervisionOrder

MOST = 100
"""So many cases are urged, or drafts issued, at once."""


class UnitNotInvolved(Invalid):
    """这个单位没有承办这个工单"""


class UnknownAddressee(Invalid):
    """没有这个工作人员，或不属于这个单位"""


class FewerPersonTimes(Invalid):
    """人次不能少于写明的人数"""


class NothingChosen(Invalid):
    """请选择工单"""


class SlipNotFound(NotFound):
    """没有找到这份单子"""


class SlipNotDraft(Conflict):
    """这份单子已经签发或不再采用"""


@dataclass(frozen=True, kw_only=True)
class Addressed:
    """To whom: a unit by code (None: the lead's), staff by login, others by name or post, and how many person-times in all."""

    unit: str | None = None
    staff: Sequence[str] = ()
    others: Sequence[str] = ()
    person_times: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Addressee:
    unit_id: int
    staff_ids: list[int]
    others: list[str]
    person_times: int


def next_number(kind: SlipKind, at: datetime) -> str:
    """Take the next number of a kind of slip in the year (in China) of a moment: `催〔2026〕0001号`."""
    year = at.astimezone(CHINA).year
    take = insert(SlipSeries).values(kind=kind, year=year, last=1)
    take = take.on_conflict_do_update(index_elements=["kind", "year"], set_={"last": SlipSeries.last + 1})
    serial = db.session.scalars(take.returning(SlipSeries.last)).one()
    return f"{label(kind)[0]}〔{year}〕{serial:04d}号"


def lock_cases(stamp: Stamp, numbers: Collection[str]) -> list[Case]:
    """Lock cases that the actor sees, in id order; raises CaseNotFound when one is not there, NothingChosen without any."""
    wanted = {written(number) for number in numbers}
    if not wanted:
        raise NothingChosen(errors={"numbers": ["请选择工单"]})
    found = db.session.scalars(select(Case.id).where(Case.number.in_(wanted), visible(stamp.actor))).all()
    if len(found) != len(wanted):
        raise CaseNotFound
    return lock_rows(Case, found)


def acting(stamp: Stamp, case: Case, action: Action, roles: Sequence[Role]) -> Stamp:
    """Give the stamp in the first of `roles` in which the actor reaches a case; raises NotYourMove."""
    reached = roles_for(stamp, case, action)
    role = next((role for role in roles if role in reached), None)
    if role is None:
        raise NotYourMove(f"“{label(action)}”需要由其他岗位办理")
    return stamp.acting_as(role)


def addressee(case: Case, to: Addressed, *, mode: PressMode | None = None) -> _Addressee:
    """Give whom a slip goes to: a unit that has a part in the case, one above it, or the county's own.

    Who is visited or interviewed may also be a unit that stands on that list, though the case is in other hands now.

    Raises UnknownUnit, UnitRecused, UnitNotInvolved, UnknownAddressee, FewerPersonTimes.
    """
    unit = _unit(case, to.unit)
    check_unit(case, unit, listing=_LISTING_OF.get(mode) if mode is not None else None)
    staff_ids = [_staff(case, unit, login) for login in dict.fromkeys(to.staff)]
    others = list(dict.fromkeys(name.strip() for name in to.others))
    named = len(staff_ids) + len(others)
    if to.person_times is not None and to.person_times < named:
        raise FewerPersonTimes(errors={"person_times": ["人次不能少于写明的人数"]})
    times = to.person_times or max(1, named)
    return _Addressee(unit_id=unit.id, staff_ids=staff_ids, others=others, person_times=times)


def check_unit(case: Case, unit: Unit, *, listing: Listing | None = None) -> None:
    """Raise UnitRecused or UnitNotInvolved for a unit that a slip of a case must not go to."""
    if is_unit_recused(unit.path, case):
        raise UnitRecused(f"“{unit.name}”是被反映的单位或其下属，需要回避")
    parts = [assignment.unit.path for assignment in case.assignments if assignment.ended_at is None]
    if listing is not None:
        listed = select(Unit.path).join(CaseListing, CaseListing.unit_id == Unit.id)
        standing = (CaseListing.case_id == case.id, CaseListing.listing == listing, CaseListing.settled_at.is_(None))
        parts += db.session.scalars(listed.where(*standing))
    if unit.id != catalogue().county_id and not any(path.startswith(unit.path) for path in parts):
        raise UnitNotInvolved(errors={"unit": [f"“{unit.name}”没有承办这个工单"]})


def _unit(case: Case, code: str | None) -> Unit:
    if code is None:
        return db.session.get_one(Unit, unit_of(case))
    unit = db.session.scalars(select(Unit).where(Unit.code == code)).first()
    if unit is None:
        raise UnknownUnit(errors={"unit": [f"没有这个编号：{code}"]})
    return unit


def unit_of(case: Case) -> int:
    """Give the unit that answers for a case now: the lead's, else the county's own."""
    unit_id = case.lead_unit_id or catalogue().county_id
    assert unit_id is not None
    return unit_id


def _staff(case: Case, unit: Unit, login: str) -> int:
    staff_id = db.session.scalars(select(Staff.id).where(Staff.login == login, Staff.active)).first()
    paths = posts_held().paths.get(staff_id, ()) if staff_id is not None else ()
    if staff_id is None or not any(path.startswith(unit.path) for path in paths) or is_recused(staff_id, case):
        raise UnknownAddressee(errors={"staff": [f"没有这个工作人员，或不属于这个单位：{login}"]})
    return staff_id


_LISTING_OF = {PressMode.ONSITE: Listing.ONSITE, PressMode.INTERVIEW: Listing.INTERVIEW}


def issue_urging(stamp: Stamp, case: Case, urging: Urging) -> Entry:
    """Issue an urging of a locked case: number where it is written, entry, count; the one who works on the case is told."""

    def change(now: Stamp) -> Step:
        _issue(now, case, urging, SlipKind.URGING)
        case.urgings += 1
        return Step(facts=_facts(urging), unit_id=urging.unit_id)

    return _noted(urging, move_case(stamp, case, Action.URGE, Words(note=urging.words), change))


def issue_order(stamp: Stamp, case: Case, order: SupervisionOrder, *, action: Action, due: datetime | None) -> Entry:
    """Issue a supervision order of a locked case; its clock runs until the unit answers, to `due` or by the policy.

    A decision of a progress meeting without a date has no clock.
    """

    def change(now: Stamp) -> Step:
        _issue(now, case, order, SlipKind.SUPERVISION if order.meeting_id is None else SlipKind.ORDER)
        if due is not None or order.meeting_id is None:
            start_reply_clock(case, order, now.at, due)
        return Step(facts=_facts(order) | {"order": order.id}, unit_id=order.unit_id)

    return _noted(order, move_case(stamp, case, action, Words(note=order.words), change))


def _issue(stamp: Stamp, case: Case, slip: Slip, kind: SlipKind) -> None:
    slip.state, slip.issued_at, slip.by_staff_id = SlipState.ISSUED, stamp.at, stamp.actor.id
    if slip.mode is PressMode.WRITTEN or kind is SlipKind.ORDER:
        slip.number = next_number(kind, stamp.at)
    db.session.add(slip)
    db.session.flush()
    listing = _LISTING_OF.get(slip.mode) if slip.mode is not None else None
    if listing is not None:
        _settle(stamp.at, case, listing, slip.unit_id)


def _settle(at: datetime, case: Case, listing: Listing, unit_id: int) -> None:
    """Settle what stands on a list because of a unit, or, below the county, because of one under it."""
    standing = (CaseListing.case_id == case.id, CaseListing.listing == listing, CaseListing.settled_at.is_(None))
    meant = [unit_id]
    if unit_id != catalogue().county_id:
        path = db.session.get_one(Unit, unit_id).path
        meant += db.session.scalars(
            select(Unit.id).join(CaseListing, CaseListing.unit_id == Unit.id).where(*standing, Unit.path.startswith(path))
        )
    db.session.execute(update(CaseListing).where(*standing, CaseListing.unit_id.in_(meant)).values(settled_at=at))


def still_late() -> ColumnElement[bool]:
    """Give the condition for an urging that its ladder's clock, or a newer version of it, is late and runs."""
    first, now = aliased(Deadline), aliased(Deadline)
    same = (now.subject == first.subject, now.subject_id == first.subject_id, now.clock == first.clock)
    running = (now.breached_at.is_not(None), now.met_at.is_(None), now.cancelled_at.is_(None))
    return exists().where(first.id == Urging.deadline_id, *same, *running)


def discard_outlived(at: datetime, case_ids: Collection[int]) -> None:
    """Put aside the drafts of ladders, of cases that the caller has locked, whose clock is not late any more."""
    waiting = (Urging.case_id.in_(case_ids), Urging.state == SlipState.DRAFT, Urging.deadline_id.is_not(None))
    change = update(Urging).where(*waiting, not_(still_late())).values(state=SlipState.DISCARDED, discarded_at=at)
    db.session.execute(change.execution_options(synchronize_session="fetch"))


def _facts(slip: Slip) -> dict[str, object]:
    return {
        "mode": slip.mode,
        "slip": slip.number,
        "unit": db.session.get_one(Unit, slip.unit_id).code,
        "person_times": slip.person_times,
    }


def _noted(slip: Slip, entry: Entry) -> Entry:
    slip.entry_seq = entry.seq
    db.session.flush()
    return entry


def start_reply_clock(case: Case, order: SupervisionOrder, at: datetime, due: datetime | None) -> None:
    """Start the clock by which an order is to be answered; its due moment is noted on the order."""
    owner = order.staff_ids[0] if order.staff_ids else None
    about = (case.kind, case.urgency, case.category_id, label(Clock.SUPERVISION))
    wanted = ClockFor(
        Clock.SUPERVISION, Subject.SUPERVISION_ORDER, *about, order.unit_id, owner, case.round, due=due
    )  # fmt: skip
    order.reply_by = start_clock(wanted, at, subject_id=order.id, case_id=case.id).due_at


def meet_reply_clock(case: Case, order: SupervisionOrder, at: datetime) -> None:
    """Meet the clock of an order that is accepted without an answer on paper."""
    for deadline in lock_case_clocks([case.id]):
        if is_open(deadline) and (deadline.subject, deadline.subject_id) == (Subject.SUPERVISION_ORDER, order.id):
            meet(deadline, at)
