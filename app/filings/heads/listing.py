"""Keeps what a head is shown (their groups, its households without names, their own logs), and what heads did, counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import joinedload

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import NotAllowed
from app.core.paging import Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.filings.heads.heading import headed
from app.filings.heads.models import HeadDid, HeadLog
from app.ledger.models import Case, Report
from app.ledger.vocabulary import State
from app.people.roster.scope import GroupNotFound, in_reach
from app.territory.models import Household, HouseholdGroup


class VillageCounts(NotAllowed):
    """户长工作统计由村干部和网格员查看"""


@dataclass(frozen=True, kw_only=True)
class GroupShown:
    """A group that one heads: its code and name, and how many households it has."""

    code: str
    name: str
    households: int


@dataclass(frozen=True, kw_only=True)
class HouseholdLabel:
    """A household as a head is shown it: a label, and the surname of its head; nothing else of who lives there."""

    id: int
    code: str
    group: str
    head: str


@dataclass(frozen=True, kw_only=True)
class LogShown:
    """What a head logged, and where the case stands that it became."""

    id: int
    at: datetime
    what: HeadDid
    words: str
    group: str
    household: str | None
    number: str | None
    state: State | None


@dataclass(frozen=True, kw_only=True)
class HeadWork:
    """What heads did in a group (`code` and `name` None: in all of them): visits, needs, help given, suggestions."""

    code: str | None
    name: str | None
    visits: int
    needs: int
    help: int
    suggestions: int


def own_groups(stamp: Stamp) -> list[GroupShown]:
    """Give the groups that the signed-in resident heads; raises NotAHead."""
    groups = {head.group_id: head.group for head in headed(stamp)}
    query = select(Household.group_id, func.count()).where(Household.group_id.in_(groups), Household.ended_at.is_(None))
    counts = {row[0]: row[1] for row in db.session.execute(query.group_by(Household.group_id))}
    return [GroupShown(code=group.code, name=group.name, households=counts.get(group.id, 0)) for group in groups.values()]


def own_households(stamp: Stamp, *, group: str | None = None, cursor: str | None, limit: int) -> Page[HouseholdLabel]:
    """Give the households of one's own groups; raises NotAHead, GroupNotFound (also for a group that is another's)."""
    groups = {head.group_id: head.group for head in headed(stamp) if group in (None, head.group.code)}
    if not groups:
        raise GroupNotFound
    query = select(Household).where(Household.group_id.in_(groups), Household.ended_at.is_(None))
    query = query.options(joinedload(Household.identity))
    rows = db.session.scalars(paged(query, key=[(Household.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda household: [household.id])
    return Page([_label(household, groups[household.group_id or 0]) for household in page.items], page.next_cursor)


def _label(household: Household, group: HouseholdGroup) -> HouseholdLabel:
    return HouseholdLabel(id=household.id, code=household.code, group=group.name, head=_surname(household))


def _surname(household: Household) -> str:
    name = keyring().decrypt(household.identity.head_name, field="household.head_name") if household.identity is not None else ""
    return f"{name[:1]}*" if name else "*"


def own_logs(stamp: Stamp, *, what: HeadDid | None = None, cursor: str | None, limit: int) -> Page[LogShown]:
    """Give what one has logged as head, newest first, with where its cases stand; raises NotAHead."""
    heads = [head.id for head in headed(stamp)]
    query = select(
        HeadLog.id, HeadLog.at, HeadLog.what, HeadLog.words, HouseholdGroup.name.label("group"), Household.code.label("household"),
        Case.number, Case.state,
    )  # fmt: skip
    query = query.select_from(HeadLog).join(HouseholdGroup, HouseholdGroup.id == HeadLog.group_id)
    query = query.outerjoin(Household, Household.id == HeadLog.household_id).outerjoin(Report, Report.id == HeadLog.report_id)
    opened = func.coalesce(Report.opened_case_id, Report.case_id)
    query = query.outerjoin(Case, Case.id == opened).where(HeadLog.head_id.in_(heads))
    if what is not None:
        query = query.where(HeadLog.what == what)
    rows = db.session.execute(paged(query, key=[(HeadLog.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([LogShown(**row._asdict()) for row in page.items], page.next_cursor)


def work_by_group(
    stamp: Stamp, *, since: datetime | None = None, until: datetime | None = None, cursor: str | None, limit: int
) -> Page[HeadWork]:
    """Give what heads did in each group of one's village or grids, in a span of time; raises VillageCounts."""
    named = select(HouseholdGroup.id, HouseholdGroup.code, HouseholdGroup.name, *_sums()).outerjoin(HeadLog, _within(since, until))
    named = named.where(_reached(stamp)).group_by(HouseholdGroup.id)
    rows = db.session.execute(paged(named, key=[(HouseholdGroup.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([_work(row, row.code, row.name) for row in page.items], page.next_cursor)


def work_in_all(stamp: Stamp, *, since: datetime | None = None, until: datetime | None = None) -> HeadWork:
    """Give what heads did in all groups of one's village or grids, in one statement; raises VillageCounts."""
    whole: Select[*tuple[Any, ...]] = (
        select(*_sums()).select_from(HouseholdGroup).join(HeadLog, _within(since, until)).where(_reached(stamp))
    )
    return _work(db.session.execute(whole).one(), None, None)


def _sums() -> Sequence[ColumnElement[int]]:
    kinds = {HeadDid.VISIT: "visits", HeadDid.NEED: "needs", HeadDid.HELP: "help", HeadDid.SUGGESTION: "suggestions"}
    return [func.count(HeadLog.id).filter(HeadLog.what == what).label(name) for what, name in kinds.items()]


def _within(since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
    bounds = [HeadLog.at >= since] if since is not None else []
    bounds += [HeadLog.at < until] if until is not None else []
    return and_(HeadLog.group_id == HouseholdGroup.id, *bounds)


def _reached(stamp: Stamp) -> ColumnElement[bool]:
    if stamp.actor.holds((Role.CADRE, Role.GRID_WORKER)) is None:
        raise VillageCounts
    return in_reach(stamp, HouseholdGroup.grid_id)


def _work(row: Any, code: str | None, name: str | None) -> HeadWork:
    sums = {"visits": row.visits, "needs": row.needs, "help": row.help, "suggestions": row.suggestions}
    return HeadWork(code=code, name=name, **sums)
