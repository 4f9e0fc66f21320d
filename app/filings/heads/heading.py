"""Keeps with which account a head of a group signs in: joined by a code that was handed to them, known only while they are head.

Who is a head stands on the roster (`people.roster.groups`).
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, joinedload

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import NotAllowed, NotFound
from app.core.stamp import Stamp
from app.filings.heads.models import HeadAccount
from app.ledger.numbers import WrongClaimCode, check_claim_code, new_claim_code
from app.people.identity import masked, open_person
from app.people.models import Resident
from app.people.roster.models import GroupHead
from app.people.roster.scope import as_editor, find_group
from app.territory.models import HouseholdGroup

JOIN_WITHIN = timedelta(days=7)


class HeadNotFound(NotFound):
    """没有找到这位户长"""


class WrongHeadCode(NotFound):
    """户长登记码不正确或已失效，请联系村干部"""


class NotAHead(NotAllowed):
    """您现在不是户长"""


@dataclass(frozen=True, kw_only=True)
class HeadCode:
    """The code (shown once) by which a head joins their account, to be handed to them in person."""

    name: str | None
    code: str


def headed(stamp: Stamp) -> list[GroupHead]:
    """Give the groups that the signed-in resident heads now; raises NotAHead. The only place that asks, once where it matters."""
    me = stamp.actor.id
    query = select(GroupHead).outerjoin(HeadAccount, HeadAccount.head_id == GroupHead.id)
    query = query.join(HouseholdGroup, HouseholdGroup.id == GroupHead.group_id).options(contains_eager(GroupHead.group))
    whose = or_(GroupHead.resident_id == me, HeadAccount.resident_id == me)
    query = query.where(whose, GroupHead.ended_at.is_(None), HouseholdGroup.ended_at.is_(None))
    here = (Resident.ended_at.is_(None), Resident.grid_id == HouseholdGroup.grid_id)  # as whoever named the head made sure
    query = query.join(Resident, Resident.id == GroupHead.resident_id).where(*here).order_by(GroupHead.id)
    found = list(db.session.scalars(query).unique())
    if not found:
        raise NotAHead
    return found


def make_head_code(stamp: Stamp, group: str, resident_id: int) -> HeadCode:
    """Make a code for a head of a group within reach; whoever joined by an earlier one is head no more.

    Raises RosterIsNotYoursToEdit, GroupNotFound, HeadNotFound.
    """
    (held,) = lock_rows(HouseholdGroup, [find_group(as_editor(stamp), group).id])
    query = select(GroupHead).where(GroupHead.group_id == held.id, GroupHead.resident_id == resident_id)
    query = query.where(GroupHead.ended_at.is_(None)).options(joinedload(GroupHead.resident).joinedload(Resident.identity))
    head = db.session.scalars(query).first()
    if head is None:
        raise HeadNotFound
    account = db.session.get(HeadAccount, head.id)
    if account is None:
        account = HeadAccount(head_id=head.id)
        db.session.add(account)
    code = new_claim_code()
    account.code_index, account.code_until = _index(code), stamp.at + JOIN_WITHIN
    account.resident_id = account.joined_at = None
    db.session.flush()
    return HeadCode(name=masked(open_person(head.resident.identity)).name, code=code)


def join_as_head(stamp: Stamp, code: str) -> list[GroupHead]:
    """Join the signed-in account to the head whose code it is, once; raises WrongHeadCode, which tells nothing more."""
    try:
        index = _index(check_claim_code(code))
    except WrongClaimCode as misread:
        raise WrongHeadCode(misread.detail) from None
    query = select(HeadAccount).join(GroupHead, GroupHead.id == HeadAccount.head_id).where(HeadAccount.code_index == index)
    fit = (HeadAccount.code_until > stamp.at, HeadAccount.resident_id.is_(None), GroupHead.ended_at.is_(None))
    account = db.session.scalars(query.where(*fit).with_for_update(of=HeadAccount)).first()
    if account is None:
        raise WrongHeadCode
    account.resident_id, account.joined_at = stamp.actor.id, stamp.at
    db.session.flush()
    return headed(stamp)


def _index(code: str) -> bytes:
    return keyring().blind(code, field="head_code")
