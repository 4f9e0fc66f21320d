"""Keeps who heads a household group: named and ended by the village's cadres, joined to an account by a code, known at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.stamp import Role, Stamp
from app.filings.heads.models import HeadAccount
from app.ledger.numbers import WrongClaimCode, check_claim_code, new_claim_code
from app.people.identity import masked, open_person
from app.people.models import Resident
from app.people.roster.models import GroupHead
from app.territory.models import Grid, Household, HouseholdGroup, Unit

JOIN_WITHIN = timedelta(days=7)


class GroupNotFound(NotFound):
    """没有找到这个户区"""


class HeadNotFound(NotFound):
    """没有找到这位户长"""


class CadresNameHeads(NotAllowed):
    """户长由村干部确定"""


class HeadUnfit(Invalid):
    """请选择本户区在册的居民"""


class HeadAlready(Conflict):
    """这位居民已经是本户区的户长"""


class WrongHeadCode(NotFound):
    """户长登记码不正确或已失效，请联系村干部"""


class NotAHead(NotAllowed):
    """您现在不是户长"""


@dataclass(frozen=True, kw_only=True)
class HeadNamed:
    """A head as named: the code (shown once) by which they join their account, to be handed to them in person."""

    id: int
    name: str | None
    code: str


@dataclass(frozen=True, kw_only=True)
class HeadShown:
    """A head of a group, masked; `joined`: their account is known."""

    id: int
    name: str | None
    since: datetime
    joined: bool


def headed(stamp: Stamp) -> list[GroupHead]:
    """Give the groups that the signed-in resident heads now; raises NotAHead. The only place that asks, once where it matters."""
    me = stamp.actor.id
    query = select(GroupHead).outerjoin(HeadAccount, HeadAccount.head_id == GroupHead.id)
    query = query.join(HouseholdGroup, HouseholdGroup.id == GroupHead.group_id).options(contains_eager(GroupHead.group))
    whose = or_(GroupHead.resident_id == me, HeadAccount.resident_id == me)
    query = query.where(whose, GroupHead.ended_at.is_(None), HouseholdGroup.ended_at.is_(None)).order_by(GroupHead.id)
    found = list(db.session.scalars(query).unique())
    if not found:
        raise NotAHead
    return found


def name_head(stamp: Stamp, code: str, *, resident_id: int) -> HeadNamed:
    """Name a resident of a group as its head, as a cadre of its village; a group may have several.

    Raises CadresNameHeads, GroupNotFound, HeadUnfit (nobody on the roster of that group), HeadAlready.
    """
    group = _locked_group(stamp, code)
    home = select(Household.id).where(Household.group_id == group.id, Household.ended_at.is_(None))
    here = (Resident.id == resident_id, Resident.ended_at.is_(None), Resident.household_id.in_(home))
    resident = db.session.scalars(select(Resident).where(*here)).first()
    if resident is None:
        raise HeadUnfit(errors={"resident_id": ["请选择本户区在册的居民"]})
    open_ = (GroupHead.group_id == group.id, GroupHead.resident_id == resident.id, GroupHead.ended_at.is_(None))
    if db.session.scalars(select(GroupHead.id).where(*open_)).first() is not None:
        raise HeadAlready
    head = GroupHead(group_id=group.id, resident_id=resident.id, since=stamp.at)
    db.session.add(head)
    db.session.flush()
    fresh = new_claim_code()
    db.session.add(HeadAccount(head_id=head.id, code_index=_index(fresh), code_until=stamp.at + JOIN_WITHIN))
    db.session.flush()
    return HeadNamed(id=head.id, name=masked(open_person(resident.identity)).name, code=fresh)


def renew_head_code(stamp: Stamp, code: str, head_id: int) -> HeadNamed:
    """Make a new code for a head who lost theirs or has another account; whoever joined by the old one is head no more.

    Raises CadresNameHeads, GroupNotFound, HeadNotFound.
    """
    head = _head(_locked_group(stamp, code), head_id)
    account = db.session.get(HeadAccount, head.id)
    if account is None:
        account = HeadAccount(head_id=head.id)
        db.session.add(account)
    fresh = new_claim_code()
    account.code_index, account.code_until = _index(fresh), stamp.at + JOIN_WITHIN
    account.resident_id = account.joined_at = None
    db.session.flush()
    return HeadNamed(id=head.id, name=masked(open_person(head.resident.identity)).name, code=fresh)


def end_head(stamp: Stamp, code: str, head_id: int) -> HeadShown:
    """End a head, who from now on neither sees nor does anything for the group.

    Raises CadresNameHeads, GroupNotFound, HeadNotFound (also for one who was ended before).
    """
    head = _head(_locked_group(stamp, code), head_id)
    head.ended_at = stamp.at
    db.session.flush()
    return HeadShown(id=head.id, name=masked(open_person(head.resident.identity)).name, since=head.since, joined=False)


def heads_of(stamp: Stamp, code: str) -> list[HeadShown]:
    """Give the heads of a group of one's village or grids, masked; raises GroupNotFound."""
    group = db.session.scalars(_group(code).where(reached_groups(stamp))).first()
    if group is None:
        raise GroupNotFound
    query = select(GroupHead, HeadAccount.resident_id).outerjoin(HeadAccount, HeadAccount.head_id == GroupHead.id)
    query = query.options(joinedload(GroupHead.resident).joinedload(Resident.identity))
    rows = db.session.execute(query.where(GroupHead.group_id == group.id, GroupHead.ended_at.is_(None)).order_by(GroupHead.id))
    return [
        HeadShown(id=head.id, name=masked(open_person(head.resident.identity)).name, since=head.since, joined=account is not None)
        for head, account in rows
    ]


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


def reached_groups(stamp: Stamp) -> ColumnElement[bool]:
    """Give the condition for the groups in a cadre's villages or a grid worker's grids."""
    village = select(Grid.id).join(Unit, Unit.id == Grid.unit_id)
    ways: list[ColumnElement[bool]] = [HouseholdGroup.grid_id.in_(sorted(stamp.actor.grid_ids))]
    ways += [HouseholdGroup.grid_id.in_(village.where(Unit.path.startswith(path))) for path in stamp.actor.paths(Role.CADRE)]
    return or_(*ways)


def _group(code: str) -> Select[HouseholdGroup]:
    return select(HouseholdGroup).where(HouseholdGroup.code == code, HouseholdGroup.ended_at.is_(None))


def _locked_group(stamp: Stamp, code: str) -> HouseholdGroup:
    """Lock a group of the cadre's villages, so that nobody is named twice at once."""
    found = db.session.scalars(_group(code).where(reached_groups(stamp))).first()
    if stamp.actor.holds((Role.CADRE,)) is None:
        raise CadresNameHeads
    village = select(Unit.path).join(Grid, Grid.unit_id == Unit.id)
    path = db.session.scalar(village.where(Grid.id == found.grid_id)) if found is not None else None
    if found is None or path is None or not path.startswith(stamp.actor.paths(Role.CADRE)):
        raise GroupNotFound
    return lock_rows(HouseholdGroup, [found.id])[0]


def _head(group: HouseholdGroup, head_id: int) -> GroupHead:
    query = select(GroupHead).where(GroupHead.id == head_id, GroupHead.group_id == group.id, GroupHead.ended_at.is_(None))
    head = db.session.scalars(query.options(joinedload(GroupHead.resident))).first()
    if head is None:
        raise HeadNotFound
    return head


def _index(code: str) -> bytes:
    return keyring().blind(code, field="head_code")
