"""Keeps the closing of an account: never while it owns open clocks, which pass to a colleague of the same unit first."""

from dataclasses import dataclass

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid
from app.core.held import forget_all
from app.core.stamp import Stamp
from app.ledger.models import Case
from app.ledger.recusal import is_recused
from app.ledger.shifts.passing_on import numbers_owned, owned_cases, pass_on
from app.people.models import Staff
from app.people.sessions import StaffNotFound
from app.people.staff_accounts import check_administers, end_sessions

SHOWN = 20
BATCH = 200


class OwnsOpenClocks(Conflict):
    """名下还有未办结的工单，请先移交给同一单位的同事"""


class AccountClosed(Conflict):
    """这个账号已经停用"""


class ColleagueUnfit(Invalid):
    """请移交给同一单位的另一位在岗人员"""


class NotYourself(Conflict):
    """不能停用自己的账号"""


@dataclass(frozen=True, kw_only=True)
class Closed:
    """An account that was closed, and how many sessions ended with it."""

    login: str
    name: str
    sessions: int


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """What passed from an account: how many cases, and the numbers of the first of those that went past the colleague."""

    cases: int
    elsewhere: list[str]
    left: int


def close_account(stamp: Stamp, staff_id: int) -> Closed:
    """Close an account and end its sessions.

    Raises StaffNotFound, AccountsAreTheAdministrators, AccountClosed, NotYourself, and OwnsOpenClocks with the list.
    """
    staff = next(iter(lock_rows(Staff, [staff_id])), None)
    if staff is None:
        raise StaffNotFound
    check_administers(stamp, staff)
    if not staff.active:
        raise AccountClosed
    if stamp.actor.id == staff_id:
        raise NotYourself
    count, numbers = numbers_owned(stamp, staff_id, most=SHOWN)
    if count:
        shown = "、".join(numbers) + ("……" if count > len(numbers) else "")
        raise OwnsOpenClocks(f"名下还有 {count} 件未办结的工单：{shown}，请先移交给同一单位的同事", cases=count, numbers=numbers)
    staff.active = False
    sessions = end_sessions(staff_id, stamp.at)
    db.session.flush()
    forget_all()
    return Closed(login=staff.login, name=staff.name, sessions=sessions)


def hand_over_account(stamp: Stamp, staff_id: int, *, colleague_id: int) -> HandedOver:
    """Pass all that an account owns in open cases to a colleague of the same unit, each case with an entry.

    Where the colleague is recused or may not handle it, the unit's head takes a case over, else one level up. Cases from which
    the actor is recused are left to somebody else. Raises StaffNotFound, AccountsAreTheAdministrators, ColleagueUnfit.
    """
    staff = db.session.get(Staff, staff_id)
    if staff is None:
        raise StaffNotFound
    check_administers(stamp, staff)
    if colleague_id == staff_id or not _of_its_unit(staff, colleague_id):
        raise ColleagueUnfit(errors={"colleague_id": ["请选同一单位的另一位在岗人员"]})
    colleague = db.session.get_one(Staff, colleague_id)
    cases, elsewhere, last = 0, list[str](), 0
    while ids := list(db.session.scalars(owned_cases(staff_id).where(Case.id > last).order_by(Case.id).limit(BATCH))):
        last = ids[-1]
        for case in lock_rows(Case, ids):
            if stamp.actor.id is not None and is_recused(stamp.actor.id, case):
                continue
            passed = pass_on(stamp, case, staff_id, colleague_id, note=lambda to: _words(staff, colleague, to))
            cases += bool(passed)
            elsewhere += [case.number] if any(each.to_staff_id != colleague_id for each in passed) else []
    left, _ = numbers_owned(stamp, staff_id, most=0)
    return HandedOver(cases=cases, elsewhere=elsewhere[:SHOWN], left=left)


def _words(staff: Staff, colleague: Staff, to: int) -> str:
    if to == colleague.id:
        return f"{staff.name}移交给{colleague.name}"
    return f"{staff.name}移交，{colleague.name}需要回避或不能办理，转由{db.session.get_one(Staff, to).name}接续办理"


def _of_its_unit(staff: Staff, colleague_id: int) -> bool:
    """Say whether an active colleague holds a post at a unit of an account, which itself may be closed."""
    units = {post.unit_id for post in staff.posts}
    colleague = db.session.get(Staff, colleague_id)
    return colleague is not None and colleague.active and any(post.unit_id in units for post in colleague.posts)
