"""Keeps what becomes of a proactive list: visits, orders with slips that the village hands over, notes of who has it already."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from app.core.database import db, lock_rows
from app.core.errors import Conflict, NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.intake.taking_in import claim_index
from app.ledger.models import Case, Entry, Report
from app.ledger.moves import Step, Words, move_case
from app.ledger.numbers import new_claim_code
from app.ledger.scope import visible, written
from app.ledger.vocabulary import OPEN, Action, Audience, Channel
from app.people.identity import ResidentNotFound, masked, open_person
from app.people.models import Resident
from app.services.catalogue import current_item
from app.services.models import Benefit, ProactiveList, ServiceOrder
from app.services.ordering import Wanted, place_order
from app.services.proactive import find_list, in_villages, listed, part_of, territory_of
from app.services.taking import ServiceOrderNotFound
from app.services.wording import order_slip
from app.territory.models import Grid, Unit

ORDERS = (Role.CADRE, Role.DISPATCHER)
"""Who may turn a list into orders, within their villages: of these a report may be filed."""
HANDS_OVER = (Role.CADRE, Role.GRID_WORKER)
"""Who brings people the slips of their orders."""
NOTES = (Role.CADRE, Role.GRID_WORKER, Role.HANDLER, Role.UNIT_HEAD, Role.DISPATCHER)
MOST = 50
"""So many orders or slips are made at once, a second or two of work; the rest at the next time."""


class OrdersByOthers(NotAllowed):
    """批量点单由村干部或派单员办理，其他岗位可以转为走访任务"""


class SlipsByTheVillage(NotAllowed):
    """查询码由村干部或网格员打印送到本人"""


class ListEnded(Conflict):
    """这份清单已停用"""


@dataclass(frozen=True)
class Home:
    """Somebody on a list who has a household, as a visit task needs them."""

    resident_id: int
    household_id: int
    grid_id: int


def homes_of(stamp: Stamp, list_id: int, *, most: int = 100_000) -> list[Home]:
    """Give those of a list who have a household, for visits: all of one's own list, of another's those of one's villages.

    Raises ListNotFound, ListEnded.
    """
    row = find_list(stamp, list_id)
    if row.ended_at is not None:
        raise ListEnded
    query = listed(row, stamp, part_of(stamp.actor, row)).where(Resident.household_id.is_not(None))
    query = query.order_by(Resident.id).limit(most)
    rows = db.session.execute(query.with_only_columns(Resident.id, Resident.household_id, Resident.grid_id))
    return [Home(each.id, each.household_id, each.grid_id) for each in rows]


@dataclass(frozen=True)
class OrdersMade:
    """How many orders a list made now; how many people are `left` to be ordered for.

    `skipped` are those who still lack it although the list has made their order: it ended without result, and is not made again
    by itself.
    """

    made: int
    left: int
    skipped: int


def make_orders(stamp: Stamp, list_id: int, *, most: int = MOST) -> OrdersMade:
    """Make an order of the item for everybody on a list in one's villages, some at once; nobody gets a second one.

    Their claim codes are seen by nobody: the village makes the slips (`make_slips`). Raises ListNotFound, ListEnded,
    OrdersByOthers, NotOffered.
    """
    row = find_list(stamp, list_id)
    role, territory = stamp.actor.holds(ORDERS), territory_of(row.unit)
    paths = stamp.actor.paths(*ORDERS)
    grids = [grid for grid in catalogue().grids.values() if grid.startswith(territory)]
    if role is None or not any(grid.startswith(path) for grid in grids for path in paths):
        raise OrdersByOthers
    lock_rows(ProactiveList, [row.id])
    if row.ended_at is not None:
        raise ListEnded
    acting = stamp.acting_as(role)
    query = listed(row, stamp, in_villages(stamp.actor, ORDERS))
    known = exists().where(ServiceOrder.key == _key(row)).correlate(Resident)
    people = list(db.session.scalars(query.where(~known).order_by(Resident.id).with_only_columns(Resident.id).limit(most)))
    for resident_id in people:
        wanted = Wanted(item=row.item_code, words=f"主动服务：{row.name}")
        place_order(acting, wanted, resident_id=resident_id, channel=Channel.VISIT, key=f"list:{row.id}:{resident_id}")
    still = query.with_only_columns(func.count().filter(~known), func.count().filter(known))
    left, skipped = db.session.execute(still).one()
    return OrdersMade(len(people), left, skipped)


def _key(row: ProactiveList) -> ColumnElement[str]:
    """Give the key of the order that a list makes for a resident."""
    return func.concat(f"list:{row.id}:", Resident.id)


@dataclass(frozen=True)
class OrderSlip:
    """The number and a fresh claim code (shown once) of somebody's order, in words to be printed and handed to them."""

    number: str
    claim_code: str
    person: str | None
    village_name: str
    grid_name: str
    words: str


@dataclass(frozen=True)
class SlipsMade:
    """Slips by village and grid, and of how many orders of the list nobody has had a slip yet."""

    slips: list[OrderSlip]
    left: int


def make_slips(stamp: Stamp, list_id: int, *, numbers: Sequence[str] = (), most: int = MOST) -> SlipsMade:
    """Make slips for the running orders of a list in one's village that have had none, some at once; for `numbers`, once more.

    Each makes a fresh claim code and voids the one before; the person is told, and what is said by a code that the village has
    had in hand counts once the centre's call confirms it. Raises ListNotFound, SlipsByTheVillage, ServiceOrderNotFound.
    """
    row = find_list(stamp, list_id)
    role = stamp.actor.holds(HANDS_OVER)
    if role is None:
        raise SlipsByTheVillage
    acting, wanted = stamp.acting_as(role), {written(number) for number in numbers}
    lock_rows(ProactiveList, [row.id])
    had = exists().where(Entry.case_id == Case.id, Entry.action == Action.REISSUE_CODE).correlate(Case)
    orders = _running(stamp, row)
    chosen = orders.where(Case.number.in_(wanted)) if wanted else orders.where(~had)
    found = db.session.scalars(chosen.order_by(Unit.code, Grid.code, ServiceOrder.id).limit(most)).all()
    if wanted and len(found) < len(wanted):
        raise ServiceOrderNotFound
    lock_rows(Case, [order.case_id for order in found])
    slips = [_slip(acting, order) for order in found]
    left = db.session.scalar(orders.where(~had).with_only_columns(func.count()).order_by(None)) or 0
    return SlipsMade(slips, left)


def _running(stamp: Stamp, row: ProactiveList) -> Select[ServiceOrder]:
    """Give the query of a list's orders under way whose people live in one's village, but for those that became confidential."""
    query = select(ServiceOrder).join(Case, Case.id == ServiceOrder.case_id)
    query = query.join(Resident, Resident.id == ServiceOrder.resident_id)
    query = query.join(Grid, Grid.id == ServiceOrder.grid_id).join(Unit, Unit.id == Grid.unit_id)
    query = query.options(joinedload(ServiceOrder.resident).joinedload(Resident.identity), joinedload(ServiceOrder.item))
    fit = (ServiceOrder.item_code == row.item_code, ServiceOrder.key == _key(row), in_villages(stamp.actor, HANDS_OVER))
    return query.where(*fit, visible(stamp.actor), Case.state.in_(OPEN), ~Case.confidential)


def _slip(stamp: Stamp, order: ServiceOrder) -> OrderSlip:
    case, code = order.case, new_claim_code()
    report = db.session.scalars(select(Report).where(Report.source_key == order.key)).one()

    def change(_: Stamp) -> Step:
        report.claim_index = claim_index(case.number, code)
        return Step(facts={"report": report.id, "by": "print"}, templates={Audience.PERSONS: "slip_made"})

    move_case(stamp, case, Action.REISSUE_CODE, Words(), change)
    village = db.session.get_one(Unit, order.grid.unit_id)
    name = masked(open_person(order.resident.identity)).name
    return OrderSlip(case.number, code, name, village.name, order.grid.name, order_slip(case.number, code, order.item.name))


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
