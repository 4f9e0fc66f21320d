"""Batches at the grid door: each item once by its key and answered in its place, a bad one to nobody's harm."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import func, select

from app.core.clock import CHINA
from app.core.database import db, transaction
from app.core.stamp import ActorKind
from app.demo.cast import find_cast
from app.ledger.models import Case, Entry, Report
from app.ledger.timeline import verify_ledger
from app.people.models import Session
from app.sync.jobs import forget_sync_items
from app.sync.models import SyncItem
from app.visits.models import TaskFor, TaskState, Visit, VisitNeed, VisitTask
from tests.callers import GRID, Caller
from tests.conftest import MONDAY
from tests.counting import statements
from tests.pocket import item
from tests.sessions import open_session

NOW = MONDAY.astimezone(CHINA)


def counts():
    models = (Visit, VisitNeed, Case, Report, Entry, SyncItem)
    return [db.session.scalar(select(func.count()).select_from(model)) for model in models]


def batch(caller, items, *, phone_at=NOW):
    answer = caller.post("/sync", {"phone_at": phone_at.isoformat(), "items": items}, key=None)
    assert answer.status_code == 200, answer.text
    assert len(answer.json["items"]) == len(items)
    return answer.json


def outcomes(told):
    return [each["outcome"] for each in told["items"]]


@pytest.fixture
def trip(visit):
    """What Zhou's phone keeps of the visit to old Zheng: an item."""
    body = {name: value for name, value in visit.items() if name not in ("key", "phone_at")}
    return item("visit", body, phone_at=visit["phone_at"], key=visit["key"])


def visit_of(household_id, place, **more):
    at = (NOW - timedelta(minutes=place + 1)).isoformat()
    body = {"household_id": household_id, "outcome": "met", "visited_at": at, "findings": f"第 {place} 次走访"}
    return item("visit", body | more, phone_at=at)


def test_a_visit_is_stored_with_its_needs_and_the_second_time_answered_the_same(zhou, session, trip):
    first = batch(zhou, [trip])
    assert outcomes(first) == ["created"]
    assert first["clock_off_seconds"] == 0
    needs = first["items"][0]["result"]["needs"]
    assert [need["state"] for need in needs] == ["submitted", "closed"]
    assert all(need["claim_code"] for need in needs)
    before = counts()
    again = batch(zhou, [trip])
    assert outcomes(again) == ["replayed"]
    assert again["items"][0]["result"] == first["items"][0]["result"]
    assert counts() == before
    assert not verify_ledger().breaks


def test_a_bad_item_fails_alone_with_the_words_of_the_single_endpoint(zhou, session, cast, visit):
    home = cast.households["郑守田"].id
    good, last = visit_of(home, 1), visit_of(home, 2)
    wrong = [
        visit_of(home, 3, outcome="flown"),
        visit_of(home, 4, visited_at=(NOW + timedelta(days=2)).isoformat()),
        visit_of(10**9, 5),
        visit_of(home, 6, findings="字" * 25_000),
        visit_of(home, 7, needs=[{"body": "路灯坏了。"}, {"body": "😀"}]),
        {**visit_of(home, 8), "kind": "wish"},
        {"key": "x"},
        "visit",
        visit_of(home, 9, surprise=1),
        visit_of(home, 10, findings="半个字\ud800"),
    ]
    told = batch(zhou, [good, *wrong, last])
    assert outcomes(told) == ["created", *["invalid"] * len(wrong), "created"]
    assert session.scalar(select(func.count()).select_from(Visit)) == 2
    assert session.scalar(select(func.count()).select_from(Case)) == 0
    refused = told["items"][1:-1]
    assert [next(iter(each["errors"]), each["code"]) for each in refused[:-1]] == [
        "outcome", "visited_at", "household_not_found", "findings", "needs.1.body", "kind", "body", "item", "surprise",
    ]  # fmt: skip
    assert not any(each["again"] for each in refused)
    for sent, each in zip(wrong[:5], refused, strict=False):
        single = zhou.post("/visits", sent["body"] | {"key": sent["key"], "phone_at": sent["phone_at"]}).json
        assert (single.get("errors", {}), single["title"]) == (each["errors"], each["title"])
        assert single["code"] == each["code"]


def test_a_household_that_somebody_holds_keeps_no_other_from_being_taken(committed):
    with committed.app_context():
        folk = find_cast()
        held, free = folk.households["郑守田"].id, folk.households["林秀英"].id
        zhou = Caller(committed.test_client(), GRID, open_session(ActorKind.STAFF, folk.staff["zhou"].id, MONDAY))
        url = db.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    sent = [visit_of(held, 1), visit_of(free, 2)]
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM household WHERE id = %s FOR UPDATE", [held])
        told = batch(zhou, sent)
    assert (outcomes(told), told["items"][0]["again"]) == (["invalid", "created"], True)
    assert outcomes(batch(zhou, sent)) == ["created", "replayed"]


def test_the_same_key_with_other_words_is_a_conflict_with_both_versions(zhou, session, trip):
    batch(zhou, [trip])
    before = counts()
    other = trip | {"body": trip["body"] | {"findings": "不一样"}}
    (told,) = batch(zhou, [other])["items"]
    assert (told["outcome"], told["code"]) == ("conflict", "sync_key_reused")
    assert (told["sent"]["findings"], told["stored"]["findings"]) == ("不一样", trip["body"]["findings"])
    assert counts() == before


def test_a_visit_that_came_alone_is_replayed_in_a_batch(zhou, session, visit, trip):
    assert zhou.post("/visits", visit).status_code == 201
    before = counts()[:5]
    (told,) = batch(zhou, [trip])["items"]
    assert (told["outcome"], [need["claim_code"] for need in told["result"]["needs"]]) == ("replayed", [None, None])
    assert counts()[:5] == before
    (told,) = batch(zhou, [{**trip, "key": str(uuid4())}, trip])["items"][1:]
    assert told["outcome"] == "replayed"


def test_a_visit_that_came_alone_and_now_says_otherwise_is_a_conflict(zhou, session, visit, trip):
    zhou.post("/visits", visit)
    (told,) = batch(zhou, [trip | {"body": trip["body"] | {"findings": "不一样"}}])["items"]
    assert (told["outcome"], told["code"]) == ("conflict", "visit_logged_differently")
    assert (told["sent"]["findings"], told["stored"]["findings"]) == ("不一样", visit["findings"])


def test_somebody_elses_key_tells_nothing_of_theirs(zhou, zhao, session, trip, cast):
    batch(zhou, [trip])
    mine = {"grid": cast.grids["河湾村一网格"].code, "outcome": "met", "visited_at": trip["body"]["visited_at"]}
    (told,) = batch(zhao, [trip | {"body": mine}])["items"]
    assert (told["outcome"], told["stored"], told["result"]) == ("conflict", None, None)
    assert "独居" not in str(told)


def test_of_another_grid_one_hears_what_one_hears_of_nothing(zhao, session, cast, visit, trip, zhou):
    number = batch(zhou, [trip])["items"][0]["result"]["needs"][0]["number"]
    missing = batch(zhao, [visit_of(10**9, 1), item("case_supplement", {"number": "not", "words": "x"}, phone_at=NOW.isoformat())])
    theirs = batch(zhao, [visit_of(cast.households["郑守田"].id, 1)])
    hidden = ("key", "result")
    assert {k: v for k, v in theirs["items"][0].items() if k not in hidden} == {
        k: v for k, v in missing["items"][0].items() if k not in hidden
    }
    tries = {"case_supplement": {"words": "补充"}, "case_look": {"solved": True, "words": "好了"}, "case_answer": {"reply": "好"}}
    for kind, body in tries.items():
        (told,) = batch(zhao, [item(kind, body | {"number": number}, phone_at=NOW.isoformat())])["items"]
        assert (told["outcome"], told["code"], told["title"]) == ("invalid", "case_not_found", "没有找到这个工单")
        assert told["stored"] is None


def test_words_for_a_case_are_added_once(zhou, session, trip):
    number = batch(zhou, [trip])["items"][0]["result"]["needs"][0]["number"]
    more = item("case_supplement", {"number": number, "words": "水已经漫进屋里"}, phone_at=NOW.isoformat())
    told = batch(zhou, [more, more])
    assert outcomes(told) == ["created", "replayed"]
    entries = session.scalar(select(func.count()).select_from(Entry))
    assert outcomes(batch(zhou, [more])) == ["replayed"]
    assert session.scalar(select(func.count()).select_from(Entry)) == entries
    stale = item("case_answer", {"number": number, "reply": "已疏通", "version": 1}, phone_at=NOW.isoformat())
    (told,) = batch(zhou, [stale])["items"]
    assert (told["outcome"], told["code"], told["stored"]["version"]) == ("conflict", "stale_version", 2)
    assert told["sent"]["reply"] == "已疏通"


def test_an_item_that_names_one_not_yet_arrived_is_to_be_sent_again(zhou, session, cast):
    waits = visit_of(cast.households["郑守田"].id, 1, resident_key=str(uuid4()))
    (told,) = batch(zhou, [waits])["items"]
    assert (told["outcome"], told["code"], told["again"]) == ("invalid", "not_yet_arrived", True)
    made = visit_of(cast.households["郑守田"].id, 2)
    told = batch(zhou, [made, visit_of(cast.households["郑守田"].id, 3, resident_key=made["key"])])["items"][1]
    assert (told["outcome"], told["again"], list(told["errors"])) == ("invalid", False, ["resident_key"])


def test_a_household_and_its_people_entered_offline_are_visited_in_the_same_batch(zhou, session, cast):
    at = NOW.isoformat()
    home = item(
        "household_add", {"grid": cast.grids["柳林村一网格"].code, "head_name": "新来的", "place": "柳林村二组 3 号"}, phone_at=at
    )
    her = item("resident_add", {"household_key": home["key"], "name": "新来的", "phone": "13800001234"}, phone_at=at)
    call = visit_of(None, 1, household_key=home["key"], resident_key=her["key"])
    del call["body"]["household_id"]
    edit = item("resident_edit", {"resident_key": her["key"], "after_key": her["key"], "relation": "户主"}, phone_at=at)
    again = item("resident_edit", {"resident_key": her["key"], "after_key": edit["key"], "relation": "本人"}, phone_at=at)
    early = batch(zhou, [call, edit])
    assert [(each["outcome"], each["again"]) for each in early["items"]] == [("invalid", True), ("invalid", True)]
    told = batch(zhou, [home, her, call, edit, again])
    assert outcomes(told) == ["created"] * 5, told
    assert told["items"][1]["result"]["name"] == "新**"
    assert told["items"][4]["result"]["version"] == 3
    before = counts()
    assert outcomes(batch(zhou, [again, call, edit, her, home])) == ["replayed"] * 5
    assert counts() == before
    visited = session.scalars(select(Visit)).one()
    assert visited.resident_id == told["items"][1]["result"]["id"]


def test_an_edit_of_what_somebody_else_has_changed_meanwhile_is_a_conflict_with_both_versions(zhou, wu, session, cast):
    home, at = cast.households["郑守田"].id, NOW.isoformat()
    mine = item("household_edit", {"household_id": home, "version": 1, "kind": "floating"}, phone_at=at)
    theirs = item("household_edit", {"household_id": home, "version": 1, "head_name": "郑大田"}, phone_at=at)
    assert outcomes(batch(wu, [theirs])) == ["created"]
    (told,) = batch(zhou, [mine])["items"]
    assert (told["outcome"], told["code"]) == ("conflict", "roster_stale")
    assert told["sent"] == mine["body"]
    assert (told["stored"]["version"], told["stored"]["kind"], told["stored"]["head_name"]) == (2, "ordinary", "郑**")
    decided = item("household_edit", {"household_id": home, "version": 2, "kind": "floating"}, phone_at=at)
    assert outcomes(batch(zhou, [decided])) == ["created"]


def test_people_are_moved_tagged_and_ended_offline(zhou, session, cast):
    zheng, at = cast.residents["zheng"].id, NOW.isoformat()
    chain = [
        item("tag_put", {"resident_id": zheng, "tag": "living_alone", "source": "走访"}, phone_at=at),
        item("resident_move", {"resident_id": zheng, "version": 2, "household_id": cast.households["林秀英"].id}, phone_at=at),
        item("tag_end", {"resident_id": zheng, "tag": "living_alone"}, phone_at=at),
        item("resident_end", {"resident_id": zheng, "version": 4, "why": "moved_away"}, phone_at=at),
        item("household_end", {"household_id": cast.households["郑守田"].id, "version": 1, "reason": "空户"}, phone_at=at),
    ]
    told = batch(zhou, chain)
    assert outcomes(told) == ["created"] * 5, told
    assert told["items"][0]["result"]["tags"][0]["tag"] == "living_alone"
    assert told["items"][3]["result"] == {"id": zheng}


def test_the_roster_of_another_grid_cannot_be_edited_nor_told_from_nothing(zhao, session, cast):
    at = NOW.isoformat()
    zheng, home = cast.residents["zheng"].id, cast.households["郑守田"].id
    bodies = {
        "household_edit": {"version": 1, "kind": "vacant"}, "household_end": {"version": 1, "reason": "空户"},
        "resident_edit": {"version": 1, "relation": "户主"}, "resident_end": {"version": 1, "why": "moved_away"},
        "tag_put": {"tag": "living_alone", "source": "走访"}, "tag_end": {"tag": "living_alone"},
        "resident_add": {"name": "某某"},
    }  # fmt: skip
    for kind, body in bodies.items():
        name, row = ("household_id", home) if kind.startswith("household") or kind == "resident_add" else ("resident_id", zheng)
        real, none = (item(kind, {**body, name: each}, phone_at=at) for each in (row, 10**9))
        told = batch(zhao, [real, none])["items"]
        assert told[0] | {"key": None} == told[1] | {"key": None}
        assert (told[0]["outcome"], told[0]["stored"]) == ("invalid", None)


def test_too_many_or_too_large_is_said_clearly_and_stores_nothing(zhou, session, cast):
    home = cast.households["郑守田"].id
    told = zhou.post("/sync", {"phone_at": NOW.isoformat(), "items": [visit_of(home, 1)] * 201}, key=None)
    assert (told.status_code, told.json["errors"]) == (422, {"items": ["一次最多上传 200 条，请分批上传"]})
    big = [visit_of(home, place, findings="字" * 5000) for place in range(150)]
    assert zhou.post("/sync", {"phone_at": NOW.isoformat(), "items": big}, key=None).status_code == 413
    fits = [visit_of(home, place, findings="字" * 2000) for place in range(80)]
    assert set(outcomes(batch(zhou, fits))) == {"created"}
    assert session.scalar(select(func.count()).select_from(Visit)) == 80
    assert zhou.post("/sync", {"items": []}, key=None).status_code == 422


def test_a_phone_whose_clock_is_off_is_told_so_and_both_times_are_kept(zhou, session, cast):
    slow = batch(zhou, [visit_of(cast.households["郑守田"].id, 1)], phone_at=NOW - timedelta(hours=3))
    assert slow["clock_off_seconds"] == -3 * 3600
    kept = session.scalars(select(SyncItem)).one()
    assert (kept.clock_off, kept.phone_at, kept.at) == (-3 * 3600, MONDAY - timedelta(minutes=2), MONDAY)


def test_replays_cost_few_statements_however_many_they_are(zhou, session, cast):
    items = [visit_of(cast.households["郑守田"].id, place) for place in range(40)]
    batch(zhou, items)

    def cost(sent):
        with statements() as told:
            assert set(outcomes(batch(zhou, sent))) == {"replayed"}
        return len(told)

    assert cost(items) == cost(items[:1]) <= 10


def test_answers_are_forgotten_after_a_week_and_the_items_are_still_known(zhou, session, trip, clock, as_system):
    batch(zhou, [trip])
    assert "claim_code" not in str(bytes(session.scalars(select(SyncItem.sealed)).one()))
    clock.advance(days=8)
    assert forget_sync_items(as_system) == 1
    assert forget_sync_items(as_system) == 0
    zhou.token = open_session(ActorKind.STAFF, find_cast().staff["zhou"].id, clock())
    before = counts()
    (told,) = batch(zhou, [trip], phone_at=clock().astimezone(CHINA))["items"]
    assert (told["outcome"], counts()) == ("replayed", before)


def test_a_revoked_token_stops_a_phone_and_what_it_sent_stays(zhou, session, cast):
    items = [visit_of(cast.households["郑守田"].id, place) for place in range(2)]
    batch(zhou, items[:1])
    session.query(Session).update({"revoked_at": MONDAY})
    session.commit()
    for answer in (zhou.post("/sync", {"phone_at": NOW.isoformat(), "items": items}, key=None), zhou.get("/sync")):
        assert answer.status_code == 401
    zhou.token = open_session(ActorKind.STAFF, cast.staff["zhou"].id, MONDAY)
    assert outcomes(batch(zhou, items)) == ["replayed", "created"]


def test_the_same_batch_from_two_phones_at_once_is_stored_once(committed):
    with committed.app_context():
        folk = find_cast()
        homes = [folk.households[name].id for name in ("郑守田", "林秀英")]
        second = folk.staff["zhao"].id
        with transaction():
            from app.people.models import StaffGrid

            db.session.add(StaffGrid(staff_id=second, grid_id=folk.grids["柳林村一网格"].id))
        tokens = [open_session(ActorKind.STAFF, folk.staff[login].id, MONDAY) for login in ("zhou", "zhou", "zhao")]
    items = [visit_of(homes[place % 2], place, needs=[{"body": f"第 {place} 件事情。"}]) for place in range(12)]
    others = [visit_of(homes[place % 2], place, needs=[{"body": f"另 {place} 件事情。"}]) for place in range(12)]
    ready = Barrier(3)

    def send(token, sent):
        ready.wait()
        return batch(Caller(committed.test_client(), GRID, token), sent)

    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(send, tokens, (items, items[::-1], others)))
    assert sorted([*outcomes(told[0]), *outcomes(told[1])]) == ["created"] * 12 + ["replayed"] * 12
    assert set(outcomes(told[2])) == {"created"}
    numbers = [{each["key"]: each["result"]["needs"][0]["number"] for each in answer["items"]} for answer in told]
    assert numbers[0] == numbers[1]
    with committed.app_context():
        assert counts()[:4] == [24, 24, 24, 24]
        assert not verify_ledger().breaks


def test_a_batch_that_waits_in_a_ring_is_taken_item_by_item(committed, caplog):
    with committed.app_context():
        folk = find_cast()
        zheng, lins = (folk.households[name].id for name in ("郑守田", "林秀英"))
        resident = folk.residents["zheng"].id
        token = open_session(ActorKind.STAFF, folk.staff["zhou"].id, MONDAY)
        url = db.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    at = NOW.isoformat()
    items = [
        item("household_edit", {"household_id": zheng, "version": 1, "kind": "floating"}, phone_at=at),
        item("resident_edit", {"resident_id": resident, "version": 1, "relation": "户主"}, phone_at=at),
        visit_of(lins, 1),
    ]
    with psycopg.connect(url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT 1 FROM resident WHERE id = %s FOR UPDATE", [resident])
        sent = pool.submit(batch, Caller(committed.test_client(), GRID, token), items)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        with psycopg.connect(url, autocommit=True) as eye:
            while eye.execute(waiting).fetchone() == (0,):
                pass
        other.execute("SET deadlock_timeout = '4s'")  # so that the batch is the one that gives way
        other.execute("SELECT 1 FROM household WHERE id = %s FOR UPDATE", [zheng])
        other.commit()
        told = sent.result(30)
    assert outcomes(told) == ["created"] * 3
    assert "item by item" in caplog.text
    with committed.app_context():
        assert counts()[0] == 1


def test_a_visit_does_its_task_and_says_so_also_in_the_second_answer(zhou, session, cast):
    home = cast.households["郑守田"]
    tasks = []
    for place in range(2):
        facts = {"grid_id": home.grid_id, "household_id": home.id, "why": TaskFor.RULE, "first_on": MONDAY.date()}
        facts |= {"due_on": MONDAY.date() + timedelta(days=7), "created_at": MONDAY, "updated_at": MONDAY}
        tasks.append(VisitTask(key=f"rule:{place}", **facts))
    session.add_all(tasks)
    session.commit()
    both = [visit_of(home.id, 5), visit_of(home.id, 50)]
    told = batch(zhou, both)
    assert [each["result"]["done"] for each in told["items"]] == [[], [task.id for task in tasks]]
    assert [each["result"]["done"] for each in batch(zhou, both)["items"]] == [[], [task.id for task in tasks]]
    assert {task.state for task in tasks} == {TaskState.DONE}


def test_the_phones_clock_hours_ahead_puts_no_visit_into_the_future(zhou, session, cast):
    ahead = NOW + timedelta(hours=5)
    early = visit_of(cast.households["郑守田"].id, 1, visited_at=(ahead - timedelta(minutes=30)).isoformat())
    early["phone_at"] = (ahead - timedelta(minutes=20)).isoformat()
    told = batch(zhou, [early], phone_at=ahead)
    assert (told["clock_off_seconds"], outcomes(told)) == (5 * 3600, ["created"])
    visit = session.scalars(select(Visit)).one()
    assert (visit.visited_at, visit.told_at) == (MONDAY - timedelta(minutes=30), MONDAY + timedelta(hours=4, minutes=30))
    assert visit.clock_off


def test_a_cadre_calls_a_visit_off_and_ends_somebody_with_their_tasks(wu, zhou, zhao, session, cast):
    home, zheng = cast.households["郑守田"], cast.residents["zheng"].id
    tasks = []
    for key, whom in (("off", None), ("hers", zheng)):
        facts = {"grid_id": home.grid_id, "household_id": home.id, "resident_id": whom, "why": TaskFor.RULE, "key": key}
        facts |= {"first_on": MONDAY.date(), "due_on": MONDAY.date(), "created_at": MONDAY, "updated_at": MONDAY}
        tasks.append(VisitTask(**facts))
    session.add_all(tasks)
    session.commit()
    off, hers = (task.id for task in tasks)
    at = NOW.isoformat()
    calls = [item("task_cancel", {"task_id": off, "reason": "外出", "version": 1}, phone_at=at)]
    calls.append(item("resident_end", {"resident_id": zheng, "version": 1, "why": "deceased"}, phone_at=at))
    missing = item("task_cancel", {"task_id": 10**9, "reason": "外出", "version": 1}, phone_at=at)
    theirs, nothing = batch(zhao, [calls[0], missing])["items"]
    assert theirs | {"key": None} == nothing | {"key": None}
    assert outcomes(batch(wu, calls)) == ["created", "created"]
    session.expire_all()
    assert [session.get_one(VisitTask, task).state for task in (off, hers)] == [TaskState.CANCELLED] * 2
    late = item("task_cancel", {"task_id": off, "reason": "外出", "version": 1}, phone_at=at)
    (told,) = batch(wu, [late])["items"]
    assert (told["outcome"], told["stored"]["state"]) == ("conflict", "cancelled")
