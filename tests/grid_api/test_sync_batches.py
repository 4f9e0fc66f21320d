"""Batches as wholes: what is asked once for all of their visits is as right as if each had been sent alone."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.clock import CHINA
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.people.identity import Person, enrol_resident
from app.people.models import StaffPost
from app.territory.commands import add_household
from app.visits.models import TaskFor, TaskState, Visit, VisitTask
from tests.conftest import MONDAY
from tests.counting import statements
from tests.pocket import item

NOW = MONDAY.astimezone(CHINA)


@pytest.fixture
def home_of(session, cast):
    """Makes a household in Zhou's grid with people in it; gives its id and theirs."""

    def make(code, *names):
        grid = cast.grids["柳林村一网格"]
        home = add_household(MONDAY, code=code, grid=grid, head_name=names[0] if names else "空户", place=f"三组 {code}")
        stamp = Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.COMMAND_LINE)
        people = [enrol_resident(stamp, Person(name), grid_id=grid.id, household_id=home.id).id for name in names]
        session.commit()
        return home.id, people

    return make


@pytest.fixture
def task_of(session, cast):
    """Makes a visit that is to be made to a household, about a resident of it or none."""

    def make(home_id, resident_id=None):
        facts = {"grid_id": cast.grids["柳林村一网格"].id, "household_id": home_id, "resident_id": resident_id}
        facts |= {"why": TaskFor.RULE, "first_on": MONDAY.date() - timedelta(days=5), "due_on": MONDAY.date() + timedelta(days=7)}
        task = VisitTask(key=f"rule:{home_id}:{resident_id}", created_at=MONDAY, updated_at=MONDAY, **facts)
        session.add(task)
        session.commit()
        return task.id

    return make


def visit_of(home_id, place, **more):
    at = (NOW - timedelta(minutes=place)).isoformat()
    return item("visit", {"household_id": home_id, "outcome": "met", "visited_at": at} | more, phone_at=at)


def sent(caller, items):
    answer = caller.post("/sync", {"phone_at": NOW.isoformat(), "items": items}, key=None)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def met(session, *items):
    """Whom the visits of some items met."""
    visits = {str(visit.key): visit for visit in session.scalars(select(Visit).execution_options(populate_existing=True))}
    return [sorted(each.resident_id for each in visits[item["key"]].met) for item in items]


@pytest.mark.parametrize("how", ["nobody named", "all named", "a need each", "moved away since"])
def test_a_visit_more_in_a_batch_costs_a_few_statements_whatever_must_be_known_of_it(
    zhou, wu, cast, session, home_of, task_of, how
):
    homes = [home_of(f"N{place}", f"甲{place}", f"乙{place}") for place in range(26)]
    for home, (first, _) in homes[::2]:
        task_of(home, first)
    more = {"met_ids": lambda people: {"met_ids": people}, "needs": lambda _: {"needs": [{"body": "门前水沟堵了。"}]}}
    told = {"all named": more["met_ids"], "a need each": more["needs"]}.get(how, lambda _: {})
    if how == "moved away since":
        there = next(grid.code for grid in cast.grids.values() if grid.name == "柳林村二网格")
        moves = [
            item("household_move", {"household_id": home, "version": 1, "grid": there}, phone_at=NOW.isoformat())
            for home, _ in homes
        ]
        assert {each["outcome"] for each in sent(wu, moves)} == {"created"}

    def cost(visited):
        with statements() as asked:
            items = [visit_of(home, 3, **told(people)) for home, people in visited]
            assert {each["outcome"] for each in sent(zhou, items)} == {"created"}
        return len(asked)

    one, many = cost(homes[:1]), cost(homes[1:])
    assert (many - one) / 24 <= {"a need each": 6}.get(how, 3)


def test_whoever_dies_in_a_batch_is_met_by_no_later_visit_of_it(zhou, session, home_of):
    home, (old, young) = home_of("T1", "老人", "年轻人")
    before, dead, after = visit_of(home, 30), visit_of(home, 20, outcome="deceased", resident_id=old), visit_of(home, 10)
    assert [each["outcome"] for each in sent(zhou, [before, dead, after])] == ["created"] * 3
    assert met(session, before, dead, after) == [[], [], [young]]


@pytest.mark.parametrize("apart", [False, True])
def test_a_visit_before_a_death_met_whom_it_met_also_when_it_comes_after_it(zhou, session, home_of, apart):
    home, (old,) = home_of("T6", "老人")
    dead, before = visit_of(home, 10, outcome="deceased", resident_id=old), visit_of(home, 30)
    for items in [[dead], [before]] if apart else [[dead, before]]:
        assert {each["outcome"] for each in sent(zhou, items)} == {"created"}
    assert met(session, dead, before) == [[], [old]]
    assert zhou.get(f"/households/{home}").json["residents"] == []


def test_whoever_is_entered_or_ended_between_two_visits_of_a_batch_counts_from_then_on(zhou, session, home_of):
    home, (old,) = home_of("T2", "老人")
    at = NOW.isoformat()
    new = item("resident_add", {"household_id": home, "name": "新人"}, phone_at=at)
    alone, both, again = visit_of(home, 30), visit_of(home, 20), visit_of(home, 10)
    gone = item("resident_end", {"resident_id": old, "version": 1, "why": "moved_away"}, phone_at=at)
    told = sent(zhou, [alone, new, both, gone, again])
    assert [each["outcome"] for each in told] == ["created"] * 5
    assert met(session, alone, both, again) == [[old], [], [told[1]["result"]["id"]]]


def test_who_is_met_after_a_death_told_in_the_same_batch_is_on_the_roster_again(zhou, session, home_of):
    home, (old, _) = home_of("T3", "老人", "年轻人")
    dead, other = visit_of(home, 30, outcome="deceased", resident_id=old), visit_of(home, 20, met_ids=[old])
    assert [each["outcome"] for each in sent(zhou, [dead, other])] == ["created"] * 2
    (kept,) = [each for each in zhou.get(f"/households/{home}").json["residents"] if each["id"] == old]
    assert kept["name"] == "老*"


def test_what_a_refused_visit_had_written_is_known_to_no_later_one(zhou, session, home_of):
    home, (old,) = home_of("T4", "老人")
    person = {"name": "客人", "phone": "13800001111"}
    refused = visit_of(home, 30, person=person, needs=[{"body": "路灯坏了。"}, {"body": "😀"}])
    fits = visit_of(home, 20)
    assert [each["outcome"] for each in sent(zhou, [visit_of(home, 40), refused, fits])] == ["created", "invalid", "created"]
    assert met(session, fits) == [[old]]


def test_a_visit_called_off_after_it_was_made_is_refused_in_a_batch_as_it_is_alone(zhou, session, cast, home_of, task_of):
    session.add(StaffPost(staff_id=cast.staff["zhou"].id, role=Role.CADRE, unit_id=cast.grids["柳林村一网格"].unit_id))
    session.commit()
    home, _ = home_of("T5", "老人")
    task_id = task_of(home)
    off = item("task_cancel", {"task_id": task_id, "reason": "外出", "version": 1}, phone_at=NOW.isoformat())
    made, late = sent(zhou, [visit_of(home, 30), off])
    assert (made["outcome"], made["result"]["done"]) == ("created", [task_id])
    assert (late["outcome"], late["code"], late["stored"]["state"]) == ("conflict", "visit_task_changed", "done")
    session.expire_all()
    assert session.get_one(VisitTask, task_id).state is TaskState.DONE
