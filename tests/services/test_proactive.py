"""Proactive lists: equal to a count by hand, made into orders and visits once, and left by whoever was attended to."""

from datetime import date
from random import Random

import pytest
from sqlalchemy import func, select

from app.core.database import db
from app.core.errors import Refusal
from app.ledger.clocks import Deadline
from app.ledger.handling import pass_result
from app.ledger.models import Case
from app.ledger.vocabulary import Clock, State
from app.people.identity import Person, enrol_resident
from app.people.models import EndedBy, Resident
from app.people.roster.models import PopulationTag, ResidentTag
from app.services.catalogue import age_on
from app.services.models import Benefit, ServiceOrder
from app.services.ordering import Wanted, order_for
from app.services.proactive import counts, end_list, homes_of, listed_page, make_list, make_orders, note_benefit
from app.services.taking import finish_order, pass_station, take_order
from app.visits.models import VisitTask
from app.visits.proactive import make_proactive_tasks
from tests.services.conftest import name_tag

TODAY = date(2026, 11, 23)


@pytest.fixture
def old_zheng(cast):
    zheng = cast.residents["zheng"]
    zheng.birth_month = date(1946, 11, 1)
    db.session.flush()
    return zheng


@pytest.fixture
def allowance(cast, as_staff, old_zheng):
    """Who is over 80 in 柳林村 and does not have the allowance."""
    unit = cast.units["柳林村"].id
    return make_list(as_staff("wu"), name="高龄津贴未享受", unit_id=unit, item="old_age_allowance", tags=["over_80"]).id


def people(stamp, list_id: int) -> list[int]:
    return [each.resident_id for each in listed_page(stamp, list_id, cursor=None, limit=200).items]


def by_hand(row_tags: list[str], age_from: int | None, item: str, unit_path: str, paths: dict[int, str]) -> dict[int, None]:
    """Who stands on a list, told person by person."""
    named: dict[int, set[str]] = {}
    from_age = {tag.code: tag.from_age for tag in db.session.scalars(select(PopulationTag))}
    for tag in db.session.scalars(select(ResidentTag)):
        if tag.ended_at is None and (tag.expires_on is None or tag.expires_on >= TODAY):
            named.setdefault(tag.resident_id, set()).add(tag.tag.code)
    found = {}
    for resident in db.session.scalars(select(Resident).order_by(Resident.id)):
        age = age_on(resident.birth_month, TODAY)
        of_age = {code for code, least in from_age.items() if least is not None and age is not None and age >= least}
        if resident.ended_at is not None or resident.grid_id is None or not paths[resident.grid_id].startswith(unit_path):
            continue
        if not set(row_tags) <= named.get(resident.id, set()) | of_age:
            continue
        if age_from is not None and (age is None or age < age_from):
            continue
        if db.session.get(Benefit, (resident.id, item)) is not None:
            continue
        orders = db.session.scalars(
            select(ServiceOrder).where(ServiceOrder.resident_id == resident.id, ServiceOrder.item_code == item)
        )
        if any(order.case.state not in (State.REJECTED, State.WITHDRAWN, State.VOID) for order in orders):
            continue
        found[resident.id] = None
    return found


def test_a_list_equals_a_count_by_hand(cast, as_staff, stamp, clock):
    chance = Random(7)
    grids = [cast.grids[f"{village}{word}网格"] for village in ("柳林村", "河湾村", "东岭村") for word in "一二"]
    for place in range(120):
        resident = enrol_resident(stamp, Person(name=f"老{place}"), grid_id=chance.choice(grids).id)
        resident.birth_month = chance.choice([None, date(1946, 11, 1), date(1946, 12, 1), date(1940, 3, 1), date(1980, 1, 1)])
        for code in ("over_80", "living_alone", "disabled"):
            if chance.random() < 0.3:
                name_tag(resident.id, code, clock(), until=chance.choice([None, date(2026, 11, 23), date(2026, 11, 22)]))
        if chance.random() < 0.1:
            resident.ended_at, resident.ended_by = clock(), EndedBy.MOVED_AWAY
        elif chance.random() < 0.15:
            note_benefit(as_staff("du"), resident.id, item="old_age_allowance", source="民政台账")
        elif chance.random() < 0.15:
            made = order_for(as_staff("du"), Wanted(item="old_age_allowance"), resident_id=resident.id)
            if chance.random() < 0.5:
                case = db.session.scalars(select(Case).where(Case.number == made.number)).one()
                case.state = State.WITHDRAWN
    db.session.flush()
    paths = {grid.id: grid.unit.path for grid in cast.grids.values()}
    for unit, tags, age in (
        ("云溪县", ["over_80"], None),
        ("柳河镇", ["living_alone"], 80),
        ("柳河镇", ["living_alone", "over_80"], None),
        ("石桥镇", [], 80),
    ):
        row = make_list(as_staff("du"), name="清单", unit_id=cast.units[unit].id, item="old_age_allowance", tags=tags, age_from=age)
        wanted = by_hand(tags, age, "old_age_allowance", cast.units[unit].path, paths)
        assert people(as_staff("du"), row.id) == list(wanted)
        assert wanted
        assert sum(each.count for each in counts(as_staff("du"), row.id)) == len(wanted)


def test_orders_are_made_once_and_who_was_served_leaves(cast, as_staff, allowance, old_zheng):
    assert people(as_staff("wu"), allowance) == [old_zheng.id]
    (listed,) = listed_page(as_staff("wu"), allowance, cursor=None, limit=10).items
    assert (listed.name, listed.age) == ("郑**", 80)
    assert (make_orders(as_staff("wu"), allowance).made, make_orders(as_staff("wu"), allowance).made) == (1, 0)
    assert people(as_staff("wu"), allowance) == []
    number = db.session.scalars(select(Case.number).join(ServiceOrder, ServiceOrder.case_id == Case.id)).one()
    take_order(as_staff("wu"), number)
    pass_station(as_staff("wu"), number, words="齐")
    pass_station(as_staff("liu"), number, words="齐")
    finish_order(as_staff("min"), number, reply="已批准")
    pass_result(as_staff("qin"), number, note="核对无误")
    assert people(as_staff("wu"), allowance) == []


def test_visits_are_made_once(cast, as_staff, allowance, old_zheng):
    def visit() -> int:
        homes = [(home.resident_id, home.household_id, home.grid_id) for home in homes_of(as_staff("wu"), allowance)]
        return make_proactive_tasks(as_staff("wu"), homes, source=f"list:{allowance}", note="高龄津贴", due_on=date(2026, 11, 30))

    assert (visit(), visit()) == (1, 0)
    task = db.session.scalars(select(VisitTask)).one()
    assert (task.why, task.resident_id, task.state) == ("proactive", old_zheng.id, "open")
    assert db.session.scalar(select(func.count()).where(Deadline.clock == Clock.VISIT, Deadline.subject_id == task.id)) == 1


def test_a_mark_takes_somebody_off_the_list(as_staff, allowance, old_zheng):
    note_benefit(as_staff("zhou"), old_zheng.id, item="old_age_allowance", source="本人存折")
    note_benefit(as_staff("zhou"), old_zheng.id, item="old_age_allowance", source="再说一次")
    assert people(as_staff("wu"), allowance) == []
    with pytest.raises(Refusal) as refused:
        note_benefit(as_staff("zhao"), old_zheng.id, item="old_age_allowance", source="邻村")
    assert refused.value.code() == "resident_not_found"


@pytest.mark.parametrize("login", ["zhao", "zhou", "min", "shi2"])
def test_a_list_of_another_unit_does_not_exist(as_staff, allowance, login, cast):
    stranger = as_staff("tang" if login == "shi2" else login)
    for deed in (counts, make_orders, homes_of, end_list):
        with pytest.raises(Refusal) as refused:
            deed(stranger, allowance)
        assert refused.value.code() == "list_not_found"
    with pytest.raises(Refusal) as refused:
        make_list(stranger, name="偷看", unit_id=cast.units["柳林村"].id, item="old_age_allowance", tags=["over_80"])
    assert refused.value.code() == "lists_of_others"


def test_a_list_that_was_ended_makes_nothing(as_staff, allowance):
    end_list(as_staff("wu"), allowance)
    with pytest.raises(Refusal) as refused:
        make_orders(as_staff("wu"), allowance)
    assert refused.value.code() == "list_ended"
