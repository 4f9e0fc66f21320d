"""Lists of orders: what each reader may open and nothing else, page by page, read no further than a page among many."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select, text

from app.core.database import db
from app.ledger.models import Case
from app.ledger.scope import visible
from app.ledger.vocabulary import State
from app.services.models import ServiceItem, ServiceOrder, ServiceStation
from app.services.ordering import Wanted, order_for, order_own
from app.services.queries import orders_page, own_orders
from app.services.taking import pass_station, take_order
from tests.factories.ledger import Made, fill

READERS = ("wu", "zhou", "zhao", "hua", "liu", "min", "he", "tong", "du", "sun", "yan", "shi", "fang")
OTHERS = 3000


@pytest.fixture
def orders(cast, lin, as_staff):
    """Orders in three villages, one of them passed on to 柳河镇, one at another village withdrawn."""
    for grid in ("柳林村一网格", "柳林村二网格", "河湾村一网格", "东岭村一网格"):
        for item in ("medicine", "old_age_allowance"):
            order_own(lin(), Wanted(item=item, grid=cast.grids[grid].code))
    passed = db.session.scalars(select(Case.number).join(ServiceOrder).where(ServiceOrder.item_code == "old_age_allowance")).first()
    take_order(as_staff("wu"), passed)
    pass_station(as_staff("wu"), passed, words="齐")
    db.session.scalars(select(Case).join(ServiceOrder).order_by(Case.id.desc())).first().state = State.WITHDRAWN
    db.session.flush()


def all_of(read, *given, **named) -> list[str]:
    """Every number of a list, two a page."""
    numbers, cursor = [], None
    while True:
        page = read(*given, **named, cursor=cursor, limit=2)
        numbers += [each.number for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return numbers


@pytest.mark.parametrize("login", READERS)
def test_everybody_lists_the_orders_that_they_may_open(orders, as_staff, login):
    stamp = as_staff(login)
    query = select(Case.number).join(ServiceOrder, ServiceOrder.case_id == Case.id).where(visible(stamp.actor))
    mine = list(db.session.scalars(query.order_by(Case.id.desc())))
    assert all_of(orders_page, stamp, running=False) == mine
    running = db.session.scalars(query.where(Case.state != State.WITHDRAWN).order_by(Case.id.desc()))
    assert all_of(orders_page, stamp) == list(running)


def test_what_is_asked_of_a_list_holds_on_every_page(orders, as_staff, cast):
    du = as_staff("du")
    assert len(all_of(orders_page, du, item="medicine")) == 4
    assert len(all_of(orders_page, du, unit_id=cast.units["柳林村"].id)) == 3
    assert len(all_of(orders_page, du, unit_id=cast.units["柳河镇"].id)) == 6
    assert len(all_of(orders_page, du, taken=False)) == 7


def test_a_resident_lists_what_is_for_them_and_what_they_made(orders, lin, as_resident, as_staff, cast):
    made = order_for(as_staff("du"), Wanted(item="medicine", grid=cast.grids["柳林村一网格"].code), resident_id=lin().actor.id)
    order = db.session.get_one(ServiceOrder, made.order_id)
    order.resident_id = cast.residents["chen"].id
    db.session.flush()
    assert all_of(own_orders, as_resident("chen")) == [made.number]
    assert len(all_of(own_orders, lin())) == 8


@pytest.fixture
def many(cast, orders, clock):
    """Thousands of orders of other townships, all newer."""
    path = cast.units["石桥社区"].path
    ids = fill(clock() - timedelta(hours=1), Made(times=OTHERS, territory_path=path, state=State.IN_PROGRESS))
    item = db.session.scalars(select(ServiceItem).where(ServiceItem.code == "haircut")).first()
    grid, unit = cast.grids["石桥社区一网格"].id, cast.units["石桥社区"].id
    same = {"item_id": item.id, "item_code": "haircut", "resident_id": cast.residents["chen"].id, "grid_id": grid}
    rows = [same | {"case_id": case, "village_id": unit, "unit_id": unit} for case in ids]
    db.session.execute(insert(ServiceOrder), rows)
    stays = select(ServiceOrder.id.label("order_id")).where(ServiceOrder.case_id.in_(ids))
    stay = {"place": 0, "name": "上门", "unit_id": unit, "began_at": clock()}
    db.session.execute(insert(ServiceStation), [stay | {"order_id": each} for each in db.session.scalars(stays)])
    for table in ('"case"', "service_order", "case_access", "report", "assignment", "unit", "grid"):
        db.session.execute(text(f"ANALYZE {table}"))


@contextmanager
def first_of(words: str) -> Iterator[list[Any]]:
    """Keep the first statement with some words that is sent inside the block, and its parameters."""
    found: list[Any] = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if words in statement and not found:
            found.extend([statement, parameters])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def rows_taken_up(statement: str, parameters: Any) -> int:
    """How many rows the greediest step of a statement takes up."""
    told = db.session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar()
    return read_most(told[0]["Plan"])


def read_most(plan: dict[str, Any]) -> int:
    taken = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return max(int(taken), *(read_most(each) for each in plan.get("Plans", ())), 0)


@pytest.mark.parametrize("login", ["wu", "zhou", "min"])
def test_orders_of_others_are_not_walked_through(many, as_staff, login):
    stamp = as_staff(login)
    with first_of("FROM service_order") as found:
        assert orders_page(stamp, running=False, limit=50).items
    assert rows_taken_up(*found) < OTHERS / 10
