"""Keeps proactive lists: whom a unit goes to before they ask, counted by village, until everybody was attended to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.ledger.models import Case
from app.ledger.vocabulary import OPEN, Channel, State
from app.people.identity import ResidentNotFound, masked, open_person
from app.people.models import Resident
from app.people.roster.models import PopulationTag, ResidentTag
from app.services.catalogue import age_on, current_item
from app.services.models import Benefit, ProactiveList, ServiceOrder
from app.services.ordering import Wanted, place_order
from app.territory.models import Grid, Unit

MAKES = (Role.HANDLER, Role.UNIT_HEAD, Role.DISPATCHER, Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR, Role.CADRE)
ORDERS = frozenset({Role.DISPATCHER, Role.CADRE})
"""Who may turn a list into orders: of these a report may be filed."""
NOTES = (Role.CADRE, Role.GRID_WORKER, Role.HANDLER, Role.UNIT_HEAD, Role.DISPATCHER)
MOST = 200
"""So many orders or tasks are made at once; the rest at the next time."""


class ListNotFound(NotFound):
    """没有找到这份主动服务清单"""


class ListUnfit(Invalid):
    """主动服务清单填写有误"""


class ListsOfOthers(NotAllowed):
    """只能为本单位辖区建立主动服务清单"""


class OrdersByOthers(NotAllowed):
    """批量点单由村干部或派单员办理，其他岗位可以转为走访任务"""


class ListEnded(Conflict):
    """这份清单已停用"""


@dataclass(frozen=True)
class ListShown:
    """A list as it was defined."""

    id: int
    name: str
    unit: str
    unit_name: str
    tags: list[str]
    age_from: int | None
    item: str
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class VillageCount:
    """How many of a village stand on a list."""

    village: str
    village_name: str
    count: int


@dataclass(frozen=True)
class Listed:
    """Somebody on a list, masked."""

    resident_id: int
    name: str | None
    age: int | None
    grid: str
    grid_name: str
    village_name: str


def make_list(
    stamp: Stamp, *, name: str, unit_id: int, item: str, tags: Sequence[str] = (), age_from: int | None = None
) -> ListShown:
    """Define a list for a unit's territory. Raises ListsOfOthers, ListUnfit, ItemNotFound."""
    unit = db.session.get_one(Unit, unit_id)
    if not any(unit.path.startswith(path) for path in stamp.actor.paths(*MAKES)):
        raise ListsOfOthers
    known = set(db.session.scalars(select(PopulationTag.code).where(PopulationTag.code.in_(tags), PopulationTag.active)))
    wrong: dict[str, list[str]] = {}
    if strange := sorted(set(tags) - known):
        wrong["tags"] = [f"没有这个人群：{'、'.join(strange)}"]
    if not tags and age_from is None:
        wrong["tags"] = ["请选择人群或年龄"]
    if wrong:
        raise ListUnfit(errors=wrong)
    assert stamp.actor.id is not None
    row = ProactiveList(
        name=name, unit_id=unit.id, unit=unit, tags=sorted(set(tags)), age_from=age_from, item_code=current_item(item).code,
        made_at=stamp.at, made_by=stamp.actor.id,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return _shown(row)


def end_list(stamp: Stamp, list_id: int) -> ListShown:
    """Put a list out of use; a second time changes nothing. Raises ListNotFound."""
    row = find_list(stamp, list_id)
    (row,) = lock_rows(ProactiveList, [row.id])
    row.ended_at = row.ended_at or stamp.at
    return _shown(row)


def lists_page(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[ListShown]:
    """Give the standing lists of the actor's units, the latest first."""
    query = select(ProactiveList).join(Unit, Unit.id == ProactiveList.unit_id).options(joinedload(ProactiveList.unit))
    query = query.where(_mine(stamp), ProactiveList.ended_at.is_(None))
    rows = list(db.session.scalars(paged(query, key=[(ProactiveList.id, True)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda row: (row.id,))
    return Page([_shown(row) for row in page.items], page.next_cursor)


def _mine(stamp: Stamp) -> ColumnElement[bool]:
    return or_(*(Unit.path.startswith(path) for path in stamp.actor.paths(*MAKES)), false())


def find_list(stamp: Stamp, list_id: int) -> ProactiveList:
    """Give a list of one of the actor's units; raises ListNotFound, also for one elsewhere."""
    query = select(ProactiveList).join(Unit, Unit.id == ProactiveList.unit_id).where(_mine(stamp), ProactiveList.id == list_id)
    row = db.session.scalars(query.options(joinedload(ProactiveList.unit))).first()
    if row is None:
        raise ListNotFound
    return row


def _shown(row: ProactiveList) -> ListShown:
    return ListShown(
        row.id, row.name, row.unit.code, row.unit.name, row.tags, row.age_from, row.item_code, row.made_at, row.ended_at
    )


def born_by(age: int, today: date) -> date:
    """Give the month by which somebody of an age was born at the latest."""
    return date(today.year - age, today.month, 1)


def on_list(row: ProactiveList, today: date) -> ColumnElement[bool]:
    """Give the condition that a resident stands on a list today; the query joins Grid and Unit of the resident.

    On the roster in the unit's territory; of every population of the list, by a naming that holds or by age; old enough; with no
    order of the item that is under way or was closed as done; not noted as having it.
    """
    conditions = [Resident.ended_at.is_(None), Unit.path.startswith(row.unit.path)]
    conditions += [_belongs(code, today) for code in row.tags]
    if row.age_from is not None:
        conditions.append(Resident.birth_month <= born_by(row.age_from, today))
    done = and_(Case.state == State.CLOSED, Case.unit_solved.is_not(False))
    orders = exists().where(
        ServiceOrder.resident_id == Resident.id, ServiceOrder.item_code == row.item_code, Case.id == ServiceOrder.case_id,
        or_(Case.state.in_(OPEN), done),
    )  # fmt: skip
    has_it = exists().where(Benefit.resident_id == Resident.id, Benefit.item_code == row.item_code)
    return and_(*conditions, ~orders.correlate(Resident), ~has_it.correlate(Resident))


def _belongs(code: str, today: date) -> ColumnElement[bool]:
    holds = or_(ResidentTag.expires_on.is_(None), ResidentTag.expires_on >= today)
    named = exists().where(
        ResidentTag.resident_id == Resident.id, ResidentTag.ended_at.is_(None), holds, ResidentTag.tag_id == PopulationTag.id,
        PopulationTag.code == code,
    )  # fmt: skip
    from_age = db.session.scalar(select(PopulationTag.from_age).where(PopulationTag.code == code))
    if from_age is None:
        return named.correlate(Resident)
    return or_(named.correlate(Resident), Resident.birth_month <= born_by(from_age, today))


def _listed(row: ProactiveList, stamp: Stamp) -> Select[Resident]:
    today = stamp.at.astimezone(CHINA).date()
    query = select(Resident).join(Grid, Grid.id == Resident.grid_id).join(Unit, Unit.id == Grid.unit_id)
    return query.where(on_list(row, today))


def counts(stamp: Stamp, list_id: int) -> list[VillageCount]:
    """Give how many of each village stand on a list now. Raises ListNotFound."""
    query = _listed(find_list(stamp, list_id), stamp).with_only_columns(Unit.code, Unit.name, func.count().label("people"))
    rows = db.session.execute(query.group_by(Unit.code, Unit.name).order_by(Unit.code))
    return [VillageCount(row.code, row.name, row.people) for row in rows]


def listed_page(stamp: Stamp, list_id: int, *, cursor: str | None, limit: int) -> Page[Listed]:
    """Give who stands on a list now, masked. Raises ListNotFound."""
    query = _listed(find_list(stamp, list_id), stamp).options(joinedload(Resident.identity))
    rows = list(db.session.scalars(paged(query, key=[(Resident.id, False)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda resident: (resident.id,))
    places = select(Grid.id, Grid.code, Grid.name, Unit.name.label("village")).join(Unit, Unit.id == Grid.unit_id)
    grids = {each.id: each for each in db.session.execute(places.where(Grid.id.in_({row.grid_id for row in page.items})))}
    today = stamp.at.astimezone(CHINA).date()
    shown = []
    for resident in page.items:
        at = grids[resident.grid_id or 0]
        name = masked(open_person(resident.identity)).name
        shown.append(Listed(resident.id, name, age_on(resident.birth_month, today), at.code, at.name, at.village))
    return Page(shown, page.next_cursor)


@dataclass(frozen=True)
class Home:
    """Somebody on a list who has a household, as a visit task needs them."""

    resident_id: int
    household_id: int
    grid_id: int


def homes_of(stamp: Stamp, list_id: int, *, most: int = 100_000) -> list[Home]:
    """Give those of a list who have a household, for visits. Raises ListNotFound, ListEnded."""
    row = find_list(stamp, list_id)
    if row.ended_at is not None:
        raise ListEnded
    query = _listed(row, stamp).where(Resident.household_id.is_not(None)).order_by(Resident.id).limit(most)
    rows = db.session.execute(query.with_only_columns(Resident.id, Resident.household_id, Resident.grid_id))
    return [Home(each.id, each.household_id, each.grid_id) for each in rows]


@dataclass(frozen=True)
class OrdersMade:
    """How many orders a list made now, and how many still stand on it."""

    made: int
    left: int


def make_orders(stamp: Stamp, list_id: int, *, most: int = MOST) -> OrdersMade:
    """Make an order of the item for everybody on a list, some at once; made twice at once or again, nobody gets a second one.

    Raises ListNotFound, ListEnded, OrdersByOthers, NotOffered.
    """
    row = find_list(stamp, list_id)
    role = stamp.actor.holds(tuple(ORDERS))
    if role is None or not any(row.unit.path.startswith(path) for path in stamp.actor.paths(*ORDERS)):
        raise OrdersByOthers
    lock_rows(ProactiveList, [row.id])
    if row.ended_at is not None:
        raise ListEnded
    acting = stamp.acting_as(role)
    known = exists().where(ServiceOrder.key == func.concat(f"list:{row.id}:", Resident.id))
    query = _listed(row, stamp).where(~known.correlate(Resident)).order_by(Resident.id)
    people = list(db.session.scalars(query.with_only_columns(Resident.id).limit(most)))
    for resident_id in people:
        wanted = Wanted(item=row.item_code, words=f"主动服务：{row.name}")
        place_order(acting, wanted, resident_id=resident_id, channel=Channel.VISIT, key=f"list:{row.id}:{resident_id}")
    left = db.session.scalar(_listed(row, stamp).with_only_columns(func.count())) or 0
    return OrdersMade(len(people), left)


def note_benefit(stamp: Stamp, resident_id: int, *, item: str, source: str) -> None:
    """Note that a resident has what an item gives already, or does not want it, by whose word; a second time changes nothing.

    Raises ResidentNotFound (also for one elsewhere), ItemNotFound.
    """
    grid = select(Unit.path, Grid.id).join(Grid, Grid.unit_id == Unit.id).join(Resident, Resident.grid_id == Grid.id)
    at = db.session.execute(grid.where(Resident.id == resident_id, Resident.ended_at.is_(None))).first()
    mine = stamp.actor.paths(*(role for role in NOTES if role is not Role.GRID_WORKER))
    if at is None or not (at.id in stamp.actor.grid_ids or any(at.path.startswith(path) for path in mine)):
        raise ResidentNotFound
    assert stamp.actor.id is not None
    values = {"resident_id": resident_id, "item_code": current_item(item).code, "source": source}
    change = insert(Benefit).values(**values, noted_at=stamp.at, noted_by=stamp.actor.id)
    db.session.execute(change.on_conflict_do_nothing(index_elements=["resident_id", "item_code"]))
