"""Two reach for one order at the same moment: one has it, the other is told so."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from app.core.database import db, transaction
from app.core.errors import Refusal
from app.core.stamp import Actor, ActorKind, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.vocabulary import CallOutcome
from app.people.sessions import staff_actor
from app.services.calls import VillageCall, register_call
from app.services.models import ServiceOrder
from app.services.ordering import Wanted, order_own
from app.services.taking import pass_station, take_order
from tests.conftest import MONDAY
from tests.services.conftest import name_tag

ROUNDS = 30


def test_of_two_takers_one_wins_and_the_other_hears_of_it(committed):
    with committed.app_context(), transaction():
        cast = find_cast()
        grid = cast.grids["柳林村一网格"].id
        cast.residents["lin"].grid_id = cast.residents["chen"].grid_id = grid
        name_tag(cast.residents["chen"].id, "volunteer", MONDAY)
        lin, chen = (
            Stamp(Actor(ActorKind.RESIDENT, cast.residents[who].id), Role.RESIDENT, MONDAY, Door.MINI_PROGRAM)
            for who in ("lin", "chen")
        )
        wu = Stamp(staff_actor(cast.staff["wu"].id), Role.CADRE, MONDAY, Door.GRID)
        numbers = [order_own(lin, Wanted(item="medicine", words=f"第 {place} 盒")).number for place in range(ROUNDS)]
    start = Barrier(2)

    def reach(stamp: Stamp) -> list[str]:
        heard = []
        with committed.app_context():
            for number in numbers:
                start.wait()
                try:
                    with transaction():
                        take_order(stamp, number)
                    heard.append("taken")
                except Refusal as refused:
                    heard.append(refused.code())
                db.session.remove()
        return heard

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(reach, (chen, wu))
    assert Counter(tuple(sorted(pair)) for pair in zip(first, second, strict=True)) == {("order_taken", "taken"): ROUNDS}
    with committed.app_context():
        orders = db.session.query(ServiceOrder).all()
        assert all(order.taken_at and (order.taken_by_staff is None) != (order.taken_by_resident is None) for order in orders)
        db.session.remove()


def test_who_hangs_up_on_two_at_once_is_called_back_once(committed):
    with committed.app_context():
        cast = find_cast()
        staff = [Stamp(staff_actor(cast.staff[login].id), Role.CADRE, MONDAY, Door.GRID) for login in ("wu", "zhou")]
        db.session.remove()
    start = Barrier(2)

    def register(stamp: Stamp) -> list[bool]:
        joined = []
        with committed.app_context():
            for place in range(ROUNDS // 3):
                start.wait()
                with transaction():
                    call = VillageCall(at=MONDAY, outcome=CallOutcome.HUNG_UP, number=f"139000011{place:02d}")
                    joined.append(register_call(stamp, call).joined)
                db.session.remove()
        return joined

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(register, staff)
    assert [sorted(pair) for pair in zip(first, second, strict=True)] == [[False, True]] * (ROUNDS // 3)


def test_of_one_units_two_at_a_station_the_second_does_not_pass_the_next(committed):
    with committed.app_context(), transaction():
        cast = find_cast()
        cast.residents["lin"].grid_id = cast.grids["柳林村一网格"].id
        lin = Stamp(Actor(ActorKind.RESIDENT, cast.residents["lin"].id), Role.RESIDENT, MONDAY, Door.MINI_PROGRAM)
        hua, liu = (Stamp(staff_actor(cast.staff[who].id), Role.HANDLER, MONDAY, Door.DESK) for who in ("hua", "liu"))
        numbers = [order_own(lin, Wanted(item=item)).number for item in ("old_age_allowance", "minimum_living")]
        for number in numbers:
            take_order(hua, number)
            pass_station(hua, number, words="材料齐全")
    start = Barrier(2)

    def reach(_: int) -> list[str]:
        heard = []
        with committed.app_context():
            for number in numbers:
                start.wait()
                try:
                    with transaction():
                        pass_station(liu, number, words="审核通过")
                    heard.append("passed")
                except Refusal as refused:
                    heard.append(refused.code())
                db.session.remove()
        return heard

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(reach, range(2))
    assert {tuple(sorted(pair)) for pair in zip(first, second, strict=True)} == {("passed", "service_order_not_found")}
