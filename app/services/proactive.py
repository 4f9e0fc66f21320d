"""Keeps proactive lists: whom a unit goes to before they ask, counted by village, until everybody was attended to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.database import db, lock_rows
from app.core.errors import Invalid, NotAllowed, NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import Actor, Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.models import Case
from app.ledger.recusal import prefixes
from app.ledger.vocabulary import OPEN, State
from app.people.accounts_known import RosterAccount
from app.people.identity import masked, note_list, open_person
from app.people.models import Resident
from app.people.roster.models import PopulationTag, ResidentTag
from app.services.catalogue import age_on, current_item
from app.services.models import Benefit, ProactiveList, ServiceOrder
from app.territory.models import Grid, Level, Unit

MAKES = (Role.HANDLER, Role.UNIT_HEAD, Role.DISPATCHER, Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR, Role.CADRE)
NEAR = (Role.CADRE, Role.GRID_WORKER, Role.DISPATCHER)
"""Who goes to the people of a list, or sends somebody, whichever unit over their villages made it."""


class ListNotFound(NotFound):
    """没有找到这份主动服务清单"""


class ListUnfit(Invalid):
    """主动服务清单填写有误"""


class ListsOfOthers(NotAllowed):
    """只能为本单位辖区建立主动服务清单"""


class PersonsStayWithVillages(NotAllowed):
    """名单由村（社区）和网格员查看，部门看各村人数，可以转为走访任务"""


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
    """Define a list for a unit's territory; a department's is that of the unit above it, as it serves all who live there.

    Raises ListsOfOthers, ListUnfit, ItemNotFound.
    """
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
    """Put a list of one's units out of use; a second time changes nothing. Raises ListNotFound, ListsOfOthers."""
    row = find_list(stamp, list_id)
    if not is_own(stamp.actor, row):
        raise ListsOfOthers
    (row,) = lock_rows(ProactiveList, [row.id])
    row.ended_at = row.ended_at or stamp.at
    return _shown(row)


def lists_page(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[ListShown]:
    """Give the standing lists of the actor's units and those over the actor's villages, the latest first."""
    query = select(ProactiveList).join(Unit, Unit.id == ProactiveList.unit_id).options(joinedload(ProactiveList.unit))
    query = query.where(_seen(stamp.actor), ProactiveList.ended_at.is_(None))
    rows = list(db.session.scalars(paged(query, key=[(ProactiveList.id, True)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda row: (row.id,))
    return Page([_shown(row) for row in page.items], page.next_cursor)


def _seen(actor: Actor) -> ColumnElement[bool]:
    """Give the condition for the lists that one sees: of one's units, and those that reach over the villages one serves."""
    own = [Unit.path.startswith(path) for path in actor.paths(*MAKES)]
    above = {each for path in actor.paths(*NEAR) for each in prefixes(path)}
    makers = select(Unit).where(or_(Unit.path.in_(above), Unit.level == Level.DEPARTMENT))
    makers = makers.where(Unit.id.in_(select(ProactiveList.unit_id)))
    over = [unit.id for unit in db.session.scalars(makers) if territory_of(unit) in above] if above else []
    return or_(*own, Unit.id.in_(over))


def is_own(actor: Actor, row: ProactiveList) -> bool:
    """Say whether a list is of one of the actor's units, to be kept by them."""
    return any(row.unit.path.startswith(path) for path in actor.paths(*MAKES))


def territory_of(unit: Unit) -> str:
    """Give the path of the unit whose people a unit's lists are of."""
    while unit.level is Level.DEPARTMENT and unit.parent_id is not None:
        unit = db.session.get_one(Unit, unit.parent_id)
    return unit.path


def find_list(stamp: Stamp, list_id: int) -> ProactiveList:
    """Give a list that the actor sees; raises ListNotFound, also for one elsewhere."""
    query = select(ProactiveList).join(Unit, Unit.id == ProactiveList.unit_id)
    query = query.where(_seen(stamp.actor), ProactiveList.id == list_id)
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

    On the roster in the list's territory; of every population of the list, by a naming that holds or by age; old enough; with no
    order of the item that is under way or was closed as done, by the account that they joined either; not noted as having it.
    """
    conditions = [Resident.ended_at.is_(None), Unit.path.startswith(territory_of(row.unit))]
    conditions += [_belongs(code, today) for code in row.tags]
    if row.age_from is not None:
        conditions.append(Resident.birth_month <= born_by(row.age_from, today))
    done = and_(Case.state == State.CLOSED, Case.unit_solved.is_not(False))
    ordered = (ServiceOrder.item_code == row.item_code, Case.id == ServiceOrder.case_id, or_(Case.state.in_(OPEN), done))
    account = (RosterAccount.roster_id == Resident.id, RosterAccount.resident_id == ServiceOrder.resident_id)
    has_it = exists().where(Benefit.resident_id == Resident.id, Benefit.item_code == row.item_code)
    lacks = (exists().where(ServiceOrder.resident_id == Resident.id, *ordered), exists().where(*account, *ordered), has_it)
    return and_(*conditions, *(~each.correlate(Resident) for each in lacks))


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


def listed(row: ProactiveList, stamp: Stamp, within: ColumnElement[bool]) -> Select[Resident]:
    """Give the query of those who stand on a list now, of one part of its territory; it joins their Grid and Unit."""
    today = stamp.at.astimezone(CHINA).date()
    query = select(Resident).join(Grid, Grid.id == Resident.grid_id).join(Unit, Unit.id == Grid.unit_id)
    return query.where(on_list(row, today), within)


def part_of(actor: Actor, row: ProactiveList) -> ColumnElement[bool]:
    """Give the condition for the part of a list's territory that one answers for: all of one's own, else one's villages."""
    return true() if is_own(actor, row) else in_villages(actor, NEAR)


def in_villages(actor: Actor, roles: Sequence[Role]) -> ColumnElement[bool]:
    """Give the condition that a grid lies below one of the units at which the actor holds a role, or is looked after by them."""
    below = [Unit.path.startswith(path) for path in actor.paths(*(role for role in roles if role is not Role.GRID_WORKER))]
    mine = [Grid.id.in_(sorted(actor.grid_ids))] if Role.GRID_WORKER in roles and actor.grid_ids else []
    return or_(*below, *mine, false())


def counts(stamp: Stamp, list_id: int) -> list[VillageCount]:
    """Give how many of each village stand on a list now, within one's villages where it is another unit's. Raises ListNotFound."""
    row = find_list(stamp, list_id)
    people = listed(row, stamp, part_of(stamp.actor, row))
    query = people.with_only_columns(Unit.code, Unit.name, func.count().label("people"))
    rows = db.session.execute(query.group_by(Unit.code, Unit.name).order_by(Unit.code))
    return [VillageCount(row.code, row.name, row.people) for row in rows]


def listed_page(stamp: Stamp, list_id: int, *, cursor: str | None, limit: int) -> Page[Listed]:
    """Give who stands on a list now in the villages below one's units, masked; what was read goes on record.

    It tells who belongs to a population, illness and want among them. Raises ListNotFound, PersonsStayWithVillages.
    """
    row = find_list(stamp, list_id)
    paths = stamp.actor.paths(*MAKES)
    if not stamp.actor.grid_ids and not any(grid.startswith(path) for grid in catalogue().grids.values() for path in paths):
        raise PersonsStayWithVillages
    query = listed(row, stamp, in_villages(stamp.actor, (*MAKES, Role.GRID_WORKER))).options(joinedload(Resident.identity))
    rows = list(db.session.scalars(paged(query, key=[(Resident.id, False)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda resident: (resident.id,))
    if page.items:
        scope = f"proactive list {row.id}"
        note_list(stamp, scope=scope, count=len(page.items), fields=("masked name", "age", "tags"), reason=f"主动服务：{row.name}")
    places = select(Grid.id, Grid.code, Grid.name, Unit.name.label("village")).join(Unit, Unit.id == Grid.unit_id)
    grids = {each.id: each for each in db.session.execute(places.where(Grid.id.in_({row.grid_id for row in page.items})))}
    today = stamp.at.astimezone(CHINA).date()
    shown = []
    for resident in page.items:
        at = grids[resident.grid_id or 0]
        name = masked(open_person(resident.identity)).name
        shown.append(Listed(resident.id, name, age_on(resident.birth_month, today), at.code, at.name, at.village))
    return Page(shown, page.next_cursor)
