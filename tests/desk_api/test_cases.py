"""The work queue: what is in it, in which order, for whom; and that a longer list asks the database no more often."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Channel, Kind, Urgency
from tests.counting import statements


@pytest.fixture
def taken(as_resident, cast):
    """Takes in a report of Lin's; gives the number."""

    def make(**more) -> str:
        lin = cast.residents["lin"].id
        said = {"channel": Channel.MINI_PROGRAM, "body": "路灯坏了，请来修", "filer_resident_id": lin, "concerned_id": lin} | more
        return take_in(as_resident("lin"), Submission(**said)).number

    return make


@pytest.fixture
def queue(desk):
    """Reads the queue; gives the numbers."""

    def read(login: str = "fang", **query) -> list[str]:
        answer = desk(login).get("/cases", **query)
        assert answer.status_code == 200, answer.text
        return [row["number"] for row in answer.json["items"]]

    return read


def test_a_row_says_what_it_is_and_what_falls_due(taken, desk, cast, clock):
    number = taken(grid_id=cast.grids["柳林村一网格"].id, category_id=cast.categories["路灯照明"], kind=Kind.HELP)
    (row,) = desk("fang").get("/cases").json["items"]
    assert row["number"] == number
    assert row["number_in_fours"] == " ".join(number[at : at + 4] for at in range(0, 16, 4))
    assert (row["state"], row["state_label"], row["channel_label"], row["kind_label"]) == ("submitted", "待受理", "小程序", "求助")
    assert row["category"] == "城乡建设/市政管理/路灯照明"
    assert row["grid"] == {"code": cast.grids["柳林村一网格"].code, "name": "柳林村一网格"}
    assert row["lead_unit"] is None
    assert (row["light"], row["due_clock"], row["due_clock_label"]) == ("green", "accept", "受理时限")
    assert row["due_at"] == "2026-11-23T11:00:00+08:00"  # two working hours after nine
    assert row["opened_at"] == "2026-11-23T09:00:00+08:00"
    assert row["version"] == 1


def test_the_light_turns_amber_and_red(taken, desk, clock):
    taken()
    lights = []
    for minutes in (0, 97, 23):
        clock.advance(minutes=minutes)
        lights.append(desk("fang").get("/cases").json["items"][0]["light"])
    assert lights == ["green", "amber", "red"]


def test_the_newest_come_first_page_by_page(taken, desk, queue):
    numbers = [taken() for _ in range(5)]
    first = desk("fang").get("/cases", limit=2).json
    second = desk("fang").get("/cases", limit=2, cursor=first["next_cursor"]).json
    third = desk("fang").get("/cases", limit=2, cursor=second["next_cursor"]).json
    assert [row["number"] for page in (first, second, third) for row in page["items"]] == numbers[::-1]
    assert third["next_cursor"] is None


def test_a_new_case_does_not_shift_the_next_page(taken, desk):
    numbers = [taken() for _ in range(3)]
    first = desk("fang").get("/cases", limit=2).json
    taken()
    second = desk("fang").get("/cases", limit=2, cursor=first["next_cursor"]).json
    assert [row["number"] for row in second["items"]] == numbers[:1]


def test_what_falls_due_first_comes_first_page_by_page(taken, desk, clock, queue):
    slow = taken()
    clock.advance(minutes=1)
    urgent = taken(urgency=Urgency.URGENT)
    clock.advance(minutes=1)
    later = taken()
    assert queue(order="due") == [urgent, slow, later]
    first = desk("fang").get("/cases", order="due", limit=2).json
    second = desk("fang").get("/cases", order="due", limit=2, cursor=first["next_cursor"]).json
    assert [row["number"] for row in second["items"]] == [later]


def test_a_case_whose_clocks_stand_still_or_ended_is_not_in_the_order_of_due(road, queue):
    waiting = road.registered().number
    road.do("fang", "/question", {"question": "哪一盏？"})
    assert queue(order="due") == [waiting]  # the info clock runs
    answered = road.registered(answer="好的").number
    assert queue(order="due") == [waiting]
    assert answered in queue()


def test_a_case_with_many_clocks_comes_once_in_the_order_of_due(road, desk, taken):
    busy = road.dispatched(assists=("水利局", "民政局", "供水公司")).number
    quiet = [taken() for _ in range(3)]
    found, cursor = [], None
    while True:
        page = desk("fang").get("/cases", order="due", limit=1, **({"cursor": cursor} if cursor else {})).json
        found += [row["number"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [busy, *quiet]


def test_few_or_many_the_same_cases_are_found(road, queue, taken, clock, as_system, monkeypatch):
    taken()
    clock.advance(hours=3)
    road.signed()
    taken(confidential=True)
    sweep(as_system)
    asked = [
        (login, query)
        for login in ("fang", "he", "shui", "liu", "zhou", "wu", "gong")
        for query in ({}, {"mine": True}, {"late": True}, {"order": "due"}, {"mine": True, "order": "due"})
    ]
    few = [queue(login, **query) for login, query in asked]
    monkeypatch.setattr("app.ledger.showing.narrowing.FEW", 0)
    assert [queue(login, **query) for login, query in asked] == few
    assert len({tuple(numbers) for numbers in few}) > 4


def test_each_filter_finds_its_cases_alone(taken, queue, cast):
    categories, grids = cast.categories, cast.grids
    lamp = taken(category_id=categories["路灯照明"], grid_id=grids["柳林村一网格"].id, kind=Kind.HELP)
    leak = taken(category_id=categories["燃气泄漏"], grid_id=grids["南门社区一网格"].id, kind=Kind.COMPLAINT)
    assert queue(kind="help") == [lamp]
    assert queue(urgency="urgent") == [leak]
    assert queue(category_id=categories["路灯照明"]) == [lamp]
    assert queue(category_id=categories["城乡建设"]) == [leak, lamp]
    assert queue(grid=grids["柳林村一网格"].code) == [lamp]
    assert queue(number=leak) == [leak]
    assert queue(channel="mini_program") == [leak, lamp]
    assert queue(channel="hotline") == []
    assert queue(state="submitted", kind="help", grid=grids["柳林村一网格"].code) == [lamp]
    assert queue(state="accepted") == []


def test_the_lead_unit_and_ones_own_cases_are_found(road, queue, taken):
    taken()
    number = road.signed().number
    unit = road.code("城市管理局")
    assert queue(lead_unit=unit) == [number]
    assert queue(lead_unit=road.code("水利局")) == []
    assert queue("he", mine=True) == [number]
    assert queue("fang", mine=True) == [number]  # she registered it
    assert queue("du", mine=True) == []


def test_late_cases_are_those_with_a_breached_open_clock(taken, queue, clock, as_system):
    late = taken()
    clock.advance(hours=3)
    taken()
    assert queue(late=True) == []
    sweep(as_system)
    assert queue(late=True) == [late]
    assert queue(late=True, order="due") == [late]


def test_archived_cases_show_only_when_they_are_asked_for(taken, queue, session):
    old, new = taken(), taken()
    session.execute(text('UPDATE "case" SET archived = true WHERE number = :number'), {"number": old})
    session.commit()
    assert queue() == [new]
    assert queue(archived=True) == [old]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "lost"},
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
        {"cursor": "x"},
        {"cursor": "W3RydWVd"},
        {"number": "123"},
        {"late": "perhaps"},
        {"order": "random"},
        {"stat": "submitted"},
        {"phone": "13800000001"},
    ],
)
def test_a_filter_that_does_not_exist_is_refused(desk, query):
    assert desk("fang").get("/cases", **query).status_code == 422


class TestScope:
    """Who sees what: territory, handling, recusal, confidence."""

    def test_a_township_sees_its_own_villages(self, taken, queue, cast):
        here, there = (taken(grid_id=cast.grids[name].id) for name in ("柳林村一网格", "南门社区一网格"))
        assert queue("liu") == [here]
        assert queue("zhou") == [here]
        assert queue("wu") == [here]
        assert queue("sun") == [there, here]

    def test_a_department_sees_what_it_handles(self, road, queue):
        number = road.accepted().number
        assert queue("he") == queue("shui") == []
        road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局"), "assist_units": [road.code("水利局")]})
        assert queue("he") == queue("shui") == [number]
        assert queue("xu") == []

    def test_whom_it_is_against_and_their_own_do_not_see_it(self, taken, queue, cast):
        number = taken(against_unit_id=cast.units["柳河镇"].id, grid_id=cast.grids["柳林村一网格"].id)
        assert queue("liu") == queue("zhou") == queue("wu") == []
        assert queue("fang") == [number]

    def test_a_confidential_case_is_seen_by_the_desk_and_its_handlers(self, road, queue):
        number = road.dispatched(confidential=True).number
        assert queue("fang") == queue("he") == [number]
        assert queue("zhou") == queue("wu") == queue("liu") == []

    def test_an_administrator_sees_no_cases(self, taken, queue):
        taken()
        assert queue("admin") == []


@pytest.mark.parametrize("order", ["newest", "due"])
def test_fifty_rows_take_no_more_statements_than_one(taken, desk, cast, order):
    caller = desk("fang")

    def count() -> int:
        with statements() as sent:
            assert caller.get("/cases", order=order).status_code == 200
        return len(sent)

    for place in range(50):
        grid = cast.grids[list(cast.grids)[place % len(cast.grids)]]
        taken(grid_id=grid.id, category_id=cast.categories["路灯照明"])
        if place == 0:
            caller.get("/cases")  # the catalogue is loaded once
            one = count()
    assert len(caller.get("/cases", order=order).json["items"]) == 50
    assert count() == one == 4  # session, posts, cases, clocks


def test_find_by_phone_takes_the_number_and_the_last_four_digits(road, desk, taken):
    number, other = road.registered().number, taken()
    found = desk("ding").post("/cases/by-phone", {"phone": "138 0000 1234", "last_four": number[-4:]}, key=None)
    assert [row["number"] for row in found.json["items"]] == [number]
    wrong = desk("ding").post("/cases/by-phone", {"phone": "13800001234", "last_four": other[-4:]}, key=None)
    assert wrong.json["items"] == ([] if other[-4:] != number[-4:] else [number])
    lin = desk("ding").post("/cases/by-phone", {"phone": "+86 13800000001", "last_four": other[-4:]}, key=None)
    assert [row["number"] for row in lin.json["items"]] == [other]


def test_find_by_phone_finds_what_a_call_from_there_made(road, desk, clock):
    call = desk("fang").post(
        "/calls", {"at": (clock() - timedelta(minutes=1)).isoformat(), "number": "0557-7654321", "outcome": "hung_up"}
    )
    number = road.registered(call_id=call.json["id"]).number
    found = desk("ding").post("/cases/by-phone", {"phone": "05577654321", "last_four": number[-4:]}, key=None)
    assert [row["number"] for row in found.json["items"]] == [number]


def test_find_by_phone_is_the_desks_and_needs_both(road, desk):
    number = road.dispatched(confidential=True).number
    wanted = {"phone": "13800001234", "last_four": number[-4:]}
    assert desk("he").post("/cases/by-phone", wanted, key=None).json["code"] == "phone_search_is_the_desks"
    for body in ({"phone": "13800001234"}, {"last_four": "1234"}, wanted | {"last_four": "12"}, wanted | {"phone": "12"}):
        assert desk("fang").post("/cases/by-phone", body, key=None).status_code == 422


def test_find_by_phone_hides_what_is_against_the_agent(road, desk):
    number = road.registered(against_staff="ding").number
    wanted = {"phone": "13800001234", "last_four": number[-4:]}
    assert desk("ding").post("/cases/by-phone", wanted, key=None).json["items"] == []
    assert len(desk("fang").post("/cases/by-phone", wanted, key=None).json["items"]) == 1


def test_no_phone_stands_in_an_address_or_a_log(road, desk, caplog):
    caplog.set_level("DEBUG")
    number = road.registered().number
    desk("ding").post("/cases/by-phone", {"phone": "13800001234", "last_four": number[-4:]}, key=None)
    assert "13800001234" not in caplog.text


def test_an_unknown_place_or_category_is_an_error_that_names_the_field(desk):
    for field, value in (("grid", "000"), ("lead_unit", "000"), ("category_id", 999_999)):
        answer = desk("fang").get("/cases", **{field: value})
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_several_states_stand_for_any_of_them(taken, queue, desk, cast):
    first, second = taken(), taken(body="水管坏了，请来修")
    settled = {"kind": "help", "category_id": cast.categories["路灯照明"], "grid": cast.grids["柳林村一网格"].code}
    assert desk("fang").post(f"/cases/{first}/acceptance", settled).status_code == 200
    assert queue(state="submitted") == [second]
    assert queue(state=["submitted", "accepted"]) == [second, first]


def test_a_light_filter_finds_what_the_rows_show(taken, queue, desk, clock):
    late = taken()
    clock.advance(minutes=20)
    amber = taken(body="水管坏了，请来修")
    clock.advance(minutes=100)
    fresh = taken(body="井盖坏了，请来修")
    shown = {row["number"]: row["light"] for row in desk("fang").get("/cases").json["items"]}
    assert shown == {late: "red", amber: "amber", fresh: "green"}
    for number, light in shown.items():
        assert queue(light=light) == [number]


def test_the_queue_can_be_cut_at_a_moment_by_which_something_is_due(taken, queue, clock):
    first = taken()
    clock.advance(minutes=30)
    taken(body="水管坏了，请来修")
    assert queue(due_before="2026-11-23T11:10:00+08:00") == [first]


def test_a_breach_that_the_sweep_wrote_is_late_until_its_clock_is_met(taken, queue, desk, cast, clock, as_system):
    number = taken()
    clock.advance(hours=3)
    assert queue(late=True) == []
    sweep(as_system)
    assert queue(late=True) == queue(light="red") == [number]
    settled = {"kind": "help", "category_id": cast.categories["路灯照明"], "grid": cast.grids["柳林村一网格"].code}
    assert desk("fang").post(f"/cases/{number}/acceptance", settled).status_code == 200
    assert queue(late=True) == queue(light="red") == []


def test_an_order_is_found_by_the_number_that_upstream_calls_it_by(queue, road):
    road.registered(channel="upstream_12345", upstream_number="SZ-31")
    found = road.number
    road.registered(channel="upstream_12345", upstream_number="SZ-3")
    assert queue(upstream_number="SZ-31") == [found]
    assert queue(upstream_number="SZ") == []
