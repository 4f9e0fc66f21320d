"""Proactive lists: equal to a count by hand, made into orders and visits once, and left by whoever was attended to."""

from datetime import date
from random import Random

import pytest
from sqlalchemy import func, select

from app.core.database import db
from app.core.errors import Refusal
from app.ledger.clocks import Deadline
from app.ledger.handling import pass_result
from app.ledger.intake.codes_seen import seen_by_filer
from app.ledger.intake.taking_in import claim_index
from app.ledger.models import Case, Report
from app.ledger.vocabulary import Clock, State
from app.people.accounts_known import RosterAccount
from app.people.identity import Person, enrol_resident
from app.people.models import EndedBy, IdentityAccess, Resident
from app.people.roster.models import PopulationTag, ResidentTag
from app.services.catalogue import age_on
from app.services.models import Benefit, ServiceOrder
from app.services.ordering import Wanted, order_for, order_own
from app.services.proactive import counts, end_list, listed_page, lists_page, make_list
from app.services.proactive_work import homes_of, make_orders, make_slips, note_benefit
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


@pytest.mark.parametrize("login", ["zhao", "min", "shi2"])
def test_a_list_of_another_unit_does_not_exist(as_staff, allowance, login, cast):
    stranger = as_staff("tang" if login == "shi2" else login)
    for deed in (counts, make_orders, make_slips, homes_of, end_list):
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


@pytest.fixture
def of_department(as_staff, cast, old_zheng):
    """Who is over 80 and does not have the allowance, as 民政局 asks."""
    unit = cast.units["民政局"].id
    return make_list(as_staff("min"), name="高龄津贴未享受", unit_id=unit, item="old_age_allowance", tags=["over_80"]).id


def refusal(deed, *given, **named) -> str:
    with pytest.raises(Refusal) as refused:
        deed(*given, **named)
    return refused.value.code()


def order_case() -> Case:
    return db.session.scalars(select(Case).join(ServiceOrder, ServiceOrder.case_id == Case.id)).one()


def test_a_department_counts_by_village_and_the_villages_know_whom(as_staff, of_department, old_zheng):
    assert [(each.village_name, each.count) for each in counts(as_staff("min"), of_department)] == [("柳林村", 1)]
    assert refusal(listed_page, as_staff("min"), of_department, cursor=None, limit=50) == "persons_stay_with_villages"
    for login in ("wu", "zhou"):
        assert of_department in [each.id for each in lists_page(as_staff(login), cursor=None, limit=50).items]
        assert people(as_staff(login), of_department) == [old_zheng.id]
        assert refusal(end_list, as_staff(login), of_department) == "lists_of_others"
    assert (people(as_staff("zhao"), of_department), counts(as_staff("zhao"), of_department)) == ([], [])
    assert refusal(counts, as_staff("he"), of_department) == "list_not_found"


def test_what_a_department_lists_becomes_visits_by_it_and_orders_by_the_village(as_staff, of_department, old_zheng):
    assert [home.resident_id for home in homes_of(as_staff("min"), of_department)] == [old_zheng.id]
    assert homes_of(as_staff("zhao"), of_department) == []
    assert refusal(make_orders, as_staff("min"), of_department) == "orders_by_others"
    assert refusal(make_orders, as_staff("zhou"), of_department) == "orders_by_others"
    assert make_orders(as_staff("wu"), of_department).made == 1


def test_who_reads_who_stands_on_a_list_leaves_a_line(as_staff, cast, allowance):
    people(as_staff("liu"), make_list(
        as_staff("liu"), name="高龄", unit_id=cast.units["柳河镇"].id, item="old_age_allowance", tags=["over_80"]
    ).id)  # fmt: skip
    line = db.session.scalars(select(IdentityAccess).order_by(IdentityAccess.id.desc())).first()
    assert (line.staff_id, line.count, line.reason) == (cast.staff["liu"].id, 1, "主动服务：高龄")


def test_what_somebody_ordered_from_their_own_phone_is_not_lacking(cast, as_staff, as_resident, clock, allowance, old_zheng):
    own = cast.residents["chen"]
    joined = {"code_index": b"joined", "code_until": clock(), "joined_at": clock()}
    db.session.add(RosterAccount(roster_id=old_zheng.id, resident_id=own.id, **joined))
    db.session.flush()
    assert people(as_staff("wu"), allowance) == [old_zheng.id]
    order_own(as_resident("chen"), Wanted(item="old_age_allowance"))
    assert people(as_staff("wu"), allowance) == []


def test_orders_that_came_to_nothing_are_skipped_and_the_rest_comes_to_an_end(cast, as_staff, stamp, allowance):
    for name in ("甲", "乙"):
        enrol_resident(stamp, Person(name=name), grid_id=cast.grids["柳林村二网格"].id).birth_month = date(1940, 1, 1)
    db.session.flush()
    made = make_orders(as_staff("wu"), allowance, most=2)
    assert (made.made, made.left, made.skipped) == (2, 1, 0)
    for case in db.session.scalars(select(Case).join(ServiceOrder, ServiceOrder.case_id == Case.id)):
        case.state = State.WITHDRAWN
    db.session.flush()
    made = make_orders(as_staff("wu"), allowance, most=2)
    assert (made.made, made.left, made.skipped) == (1, 0, 2)
    made = make_orders(as_staff("wu"), allowance, most=2)
    assert (made.made, made.left, made.skipped) == (0, 0, 2)


def test_the_village_hands_over_what_the_centre_ordered(cast, as_staff, of_department):
    assert make_orders(as_staff("du"), of_department).made == 1
    case = order_case()
    report = db.session.scalars(select(Report).where(Report.case_id == case.id)).one()
    assert not seen_by_filer(report)
    assert refusal(make_slips, as_staff("du"), of_department) == "slips_by_the_village"
    assert make_slips(as_staff("zhao"), of_department).slips == []
    made = make_slips(as_staff("zhou"), of_department)
    (slip,) = made.slips
    assert (slip.number, slip.person, slip.grid_name, made.left) == (case.number, "郑**", cast.grids["柳林村一网格"].name, 0)
    assert report.claim_index == claim_index(case.number, slip.claim_code)
    assert seen_by_filer(report)
    assert make_slips(as_staff("wu"), of_department).slips == []
    (again,) = make_slips(as_staff("wu"), of_department, numbers=[case.number]).slips
    assert report.claim_index == claim_index(case.number, again.claim_code) != claim_index(case.number, slip.claim_code)
    assert refusal(make_slips, as_staff("zhao"), of_department, numbers=[case.number]) == "service_order_not_found"
