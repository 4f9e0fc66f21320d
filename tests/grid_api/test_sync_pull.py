"""Catching up at the grid door: all of one's grids once, then what changed, what is gone, and nothing of anybody else's."""

import base64
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, ActorKind, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.models import Case
from app.people.identity import Person, enrol_resident, set_person
from app.people.models import Resident, StaffGrid, StaffGridPast
from app.people.roster.models import Care, CareBy, GroupHead, PopulationTag, ResidentTag
from app.sync.cursors import decode
from app.sync.jobs import count_sync_changes_anew, thin_sync_changes
from app.territory.commands import add_household
from app.territory.models import Household, HouseholdGroup
from app.visits.leaving import move_home, move_to
from app.visits.models import TaskFor, TaskState, Visit, VisitTask
from tests.callers import GRID, Caller
from tests.conftest import MONDAY
from tests.counting import statements
from tests.pocket import Pocket, item
from tests.sessions import open_session

AT = Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.COMMAND_LINE)


@pytest.fixture
def house(committed):
    """An app on a database in which everything is really committed; its context stands open."""
    with committed.app_context():
        yield committed


@pytest.fixture
def folk(house):
    return find_cast()


@pytest.fixture
def caller(house, folk):
    def make(login):
        return Caller(house.test_client(), GRID, open_session(ActorKind.STAFF, folk.staff[login].id, MONDAY))

    return make


@pytest.fixture
def zhou(caller):
    return caller("zhou")


@pytest.fixture
def zhao(caller):
    return caller("zhao")


def here(folk):
    return folk.grids["柳林村一网格"]


def there(folk):
    return folk.grids["河湾村一网格"]


def homes(folk, count, grid=None):
    with transaction():
        for place in range(count):
            home = add_household(MONDAY, code=f"more-{place}", grid=grid or here(folk), head_name="某某", place="某处 8 号")
            enrol_resident(AT, Person(name="某某"), grid_id=(grid or here(folk)).id, household_id=home.id)


def make_task(folk, household, **more):
    facts = {"grid_id": household.grid_id, "household_id": household.id, "why": TaskFor.RULE, "first_on": MONDAY.date()}
    facts |= {"due_on": MONDAY.date() + timedelta(days=7), "created_at": MONDAY, "updated_at": MONDAY, "key": "rule:1"}
    task = VisitTask(**facts | more)
    db.session.add(task)
    db.session.flush()
    return task.id


def report(house, grid, **more):
    """File a report at the residents' door's back: a case in a grid."""
    from app.ledger.intake.submission import Submission
    from app.ledger.intake.taking_in import take_in
    from app.ledger.vocabulary import Channel

    lin = find_cast().residents["lin"].id
    with transaction():
        facts = {"channel": Channel.MINI_PROGRAM, "body": "路灯坏了三天了。", "filer_resident_id": lin, "concerned_id": lin}
        actor = Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.JOB)
        return take_in(actor, Submission(**facts | more, grid_id=grid.id)).case_id


def test_a_phone_gets_all_of_its_grid_once_and_masked(zhou, folk):
    phone = Pocket()
    assert phone.pull(zhou) == 1
    assert [row["head_name"] for name, row in phone.rows.items() if name[0] == "household"] == ["郑**", "林**"]
    (zheng,) = (row for name, row in phone.rows.items() if name[0] == "resident")
    assert (zheng["name"], zheng["phone"]) == ("郑**", "055****0001")
    assert [grid["name"] for grid in phone.catalogues["grids"]] == ["柳林村一网格"]
    answer = zhou.get("/sync", cursor=phone.cursor, catalogue=phone.catalogues["version"]).json
    assert (answer["households"], answer["residents"], answer["gone"], answer["more"]) == ([], [], [], False)
    assert answer["catalogues"] is None


def test_pages_are_bounded_resumable_and_lose_nothing(zhou, folk):
    homes(folk, 30)
    whole, paged = Pocket(), Pocket()
    whole.pull(zhou, limit=500)
    assert paged.pull(zhou, limit=7) >= 9
    assert paged.rows == whole.rows
    assert len(whole.ids("household")) == 32
    assert len(whole.ids("resident")) == 31
    again = Pocket()
    again.take(zhou.get("/sync", limit=7).json)
    lost = zhou.get("/sync", **again.query(7)).json  # an answer that never arrived
    again.take(zhou.get("/sync", **again.query(7)).json)
    assert again.rows.keys() <= whole.rows.keys()
    assert decode(lost["cursor"]) == decode(again.cursor)
    again.pull(zhou, limit=7)
    assert again.rows == whole.rows
    assert zhou.get("/sync", limit=501).status_code == 422


def test_a_page_costs_the_same_however_many_rows_it_has(zhou, folk):
    def cost():
        with statements() as sent:
            Pocket().pull(zhou)
        return len(sent)

    cost()
    before = cost()
    homes(folk, 40)
    assert cost() == before <= 14


def test_what_belongs_to_a_row_marks_it_as_changed(zhou, folk):
    zheng, home = folk.residents["zheng"].id, folk.households["郑守田"].id
    phone = Pocket()
    phone.pull(zhou)
    with transaction():
        set_person(AT, zheng, Person(phone="13900000009"))
    phone.pull(zhou)
    assert phone.rows["resident", zheng]["phone"] == "139****0009"
    with transaction():
        tag = db.session.query(PopulationTag).filter_by(code="living_alone").one().id
        group = HouseholdGroup(code="g-1", name="一组", grid_id=here(folk).id, created_at=MONDAY)
        db.session.add(group)
        db.session.flush()
        db.session.add(ResidentTag(resident_id=zheng, tag_id=tag, source="走访", since=MONDAY.date(), noted_at=MONDAY))
        db.session.add(GroupHead(group_id=group.id, resident_id=zheng, since=MONDAY))
        db.session.add(Care(resident_id=zheng, by=CareBy.GRID_WORKER, staff_id=folk.staff["zhou"].id, since=MONDAY))
    phone.pull(zhou)
    kept = phone.rows["resident", zheng]
    assert [tag["tag"] for tag in kept["tags"]] == ["living_alone"]
    assert (kept["heads"], kept["care"]) == (["g-1"], [{"by": "grid_worker", "own": True}])
    with transaction():
        db.session.get_one(Household, home).group_id = db.session.query(HouseholdGroup).one().id
        db.session.query(ResidentTag).one().ended_at = MONDAY
    phone.pull(zhou)
    assert phone.rows["household", home]["group"] == "g-1"
    assert phone.catalogues["groups"] == [{"grid": here(folk).code, "code": "g-1", "name": "一组"}]
    assert phone.rows["resident", zheng]["tags"] == []


def test_ended_rows_and_done_tasks_go_and_a_fresh_phone_never_hears_of_them(zhou, folk):
    home = folk.households["郑守田"]
    phone = Pocket()
    with transaction():
        task = make_task(folk, home)
    phone.pull(zhou)
    assert phone.rows["task", task]["due_on"] == "2026-11-30"
    with transaction():
        done = db.session.get_one(VisitTask, task)
        done.state, done.ended_at = TaskState.DONE, MONDAY
        db.session.get_one(Household, folk.households["林秀英"].id).ended_at = MONDAY
    page = zhou.get("/sync", cursor=phone.cursor).json
    assert {(gone["kind"], gone["id"]) for gone in page["gone"]} == {("task", task), ("household", folk.households["林秀英"].id)}
    assert zhou.get("/sync").json["gone"] == []


def test_a_resident_who_moves_to_another_grid_is_gone_here_and_there_there(zhou, zhao, folk):
    zheng = folk.residents["zheng"].id
    with transaction():
        far = add_household(MONDAY, code="far-1", grid=there(folk), head_name="河湾人", place="河湾村 3 号").id
    mine, theirs = Pocket(), Pocket()
    mine.pull(zhou)
    theirs.pull(zhao)
    with transaction():
        moved = db.session.get_one(Resident, zheng)
        moved.grid_id, moved.household_id = there(folk).id, far
    page = zhou.get("/sync", cursor=mine.cursor).json
    assert page["gone"] == [{"kind": "resident", "id": zheng}]
    assert "河湾" not in str(page["gone"] + page["residents"])
    theirs.pull(zhao)
    assert theirs.rows["resident", zheng]["household_id"] == far


def test_one_who_looks_after_both_grids_keeps_who_moved_between_them(zhou, folk):
    with transaction():
        db.session.add(StaffGrid(staff_id=folk.staff["zhou"].id, grid_id=there(folk).id))
        far = add_household(MONDAY, code="far-1", grid=there(folk), head_name="河湾人", place="河湾村 3 号").id
    phone = Pocket()
    phone.pull(zhou)
    with transaction():
        moved = db.session.get_one(Resident, folk.residents["zheng"].id)
        moved.grid_id, moved.household_id = there(folk).id, far
    phone.pull(zhou, limit=1)
    assert phone.rows["resident", folk.residents["zheng"].id]["grid"] == there(folk).code


def test_a_grid_got_is_given_whole_and_one_lost_is_forgotten(zhou, folk):
    homes(folk, 5, there(folk))
    phone = Pocket()
    phone.pull(zhou)
    with transaction():
        db.session.add(StaffGrid(staff_id=folk.staff["zhou"].id, grid_id=there(folk).id))
    phone.pull(zhou, limit=3)
    assert len(phone.ids("household")) == 7
    assert len(phone.catalogues["grids"]) == 2
    with transaction():
        db.session.delete(db.session.get_one(StaffGrid, (folk.staff["zhou"].id, here(folk).id)))
    page = zhou.get("/sync", **phone.query(200)).json
    assert page["forget_grids"] == [here(folk).code]
    phone.take(page)
    assert len(phone.ids("household")) == 5
    homes_here = zhou.get("/sync", cursor=phone.cursor).json
    assert homes_here["households"] == []


def test_cases_of_the_grid_come_and_hidden_ones_go_without_a_word_why(house, zhou, zhao, folk):
    case = report(house, here(folk))
    secret = report(house, here(folk), confidential=True)
    against = report(house, here(folk), against_staff_id=folk.staff["zhou"].id)
    phone, cadre = Pocket(), Pocket()
    phone.pull(zhou)
    assert phone.ids("case") == {case}
    assert not {secret, against} & phone.ids("case")
    assert phone.rows["case", case]["title"] == "路灯坏了三天了"
    assert Pocket().pull(zhao) == 1
    never = report(house, here(folk), against_staff_id=folk.staff["zhou"].id)
    with transaction():
        db.session.get_one(Case, case).hidden_from_grid = True
        db.session.get_one(Case, secret).version += 1
        assert never
    page = zhou.get("/sync", cursor=phone.cursor).json
    assert page["gone"] == [{"kind": "case", "id": case}]
    assert set(page["gone"][0]) == {"kind", "id"}
    assert cadre.pull(zhao) == 1
    assert cadre.ids("case") == set()


def test_a_case_sent_to_another_grid_leaves_the_phone(house, zhou, zhao, folk):
    case = report(house, here(folk))
    mine, theirs = Pocket(), Pocket()
    mine.pull(zhou)
    theirs.pull(zhao)
    with transaction():
        db.session.get_one(Case, case).grid_id = there(folk).id
    mine.pull(zhou)
    theirs.pull(zhao)
    assert (mine.ids("case"), theirs.ids("case")) == (set(), {case})


def test_a_change_that_commits_late_is_not_passed_over(zhou, folk, house):
    phone = Pocket()
    phone.pull(zhou)
    with db.engine.connect() as slow:
        slow.execute(text("UPDATE household SET version = 7 WHERE id = :id"), {"id": folk.households["郑守田"].id})
        with transaction():
            db.session.get_one(Household, folk.households["林秀英"].id).version = 8
        phone.pull(zhou)
        slow.commit()
    phone.pull(zhou)
    assert {phone.rows["household", folk.households[name].id]["version"] for name in ("郑守田", "林秀英")} == {7, 8}


def test_a_cursor_of_another_database_person_or_post_starts_anew(zhou, caller, folk):
    phone = Pocket()
    phone.pull(zhou)
    told = caller("zhao").get("/sync", cursor=phone.cursor)
    assert (told.status_code, told.json["code"]) == (409, "sync_start_anew")
    with transaction():
        db.session.execute(text("UPDATE sync_epoch SET epoch = 'where the copy was made'"))
        db.session.execute(text("UPDATE sync_change SET changed_in = changed_in + 1000000000"))
    told = zhou.get("/sync", cursor=phone.cursor)
    assert (told.status_code, told.json["code"], told.headers["Retry-After"]) == (503, "sync_being_counted", "60")
    assert count_sync_changes_anew(lambda: AT) > 0
    assert count_sync_changes_anew(lambda: AT) == 0
    fresh = Pocket()
    fresh.pull(zhou)
    assert fresh.rows.keys() == phone.rows.keys()
    assert db.session.scalar(text("SELECT max(changed_in) FROM sync_change")) == 0
    whole = base64.urlsafe_b64decode(fresh.cursor + "==")
    forged = base64.urlsafe_b64encode(whole[:-1] + bytes([whole[-1] ^ 1])).decode()
    for cursor in (forged, "x", "W10", "WzEsMiwzXQ", "WyJhIiwiYiIseyIxIjpbIngiLDEsMSwxXX1d"):
        told = zhou.get("/sync", cursor=cursor)
        assert (told.status_code, told.json["code"]) == (422, "cursor_unreadable"), cursor


def test_a_cursor_names_nothing_to_its_reader(house, zhou, folk):
    phone = Pocket()
    phone.pull(zhou)
    report(house, here(folk), against_staff_id=folk.staff["zhou"].id)
    phone.pull(zhou)
    assert {(place.row_id, place.kind) for place in decode(phone.cursor).places.values()} == {(0, "")}
    halfway = zhou.get("/sync", limit=1).json["cursor"]
    assert "household" in {place.kind for place in decode(halfway).places.values()}
    assert b"household" not in base64.urlsafe_b64decode(halfway + "==")
    other = Pocket()
    other.pull(zhou)
    assert other.cursor != phone.cursor  # sealed anew each time, so that two are never compared


def test_who_is_on_no_roster_is_not_told_of_by_their_going(zhou, folk):
    phone = Pocket()
    phone.pull(zhou)
    with transaction():
        somebody = enrol_resident(AT, Person(name="某举报人", phone="13900008888"), grid_id=here(folk).id).id
    with transaction():
        set_person(AT, somebody, Person(name="某举报人", phone="13900008889"))
        db.session.get_one(Resident, somebody).updated_at = MONDAY + timedelta(hours=1)
    page = zhou.get("/sync", cursor=phone.cursor).json
    assert (page["gone"], page["residents"]) == ([], [])
    with transaction():
        db.session.get_one(Resident, somebody).household_id = folk.households["林秀英"].id
    phone.take(zhou.get("/sync", cursor=phone.cursor).json)
    assert somebody in phone.ids("resident")
    with transaction():
        db.session.get_one(Resident, somebody).household_id = None
    phone.take(zhou.get("/sync", cursor=phone.cursor).json)
    assert somebody not in phone.ids("resident")


def test_whoever_moved_away_is_nothing_to_their_old_grid_at_once(zhou, folk):
    zheng, home = folk.residents["zheng"].id, folk.households["郑守田"]
    with transaction():
        over = make_task(folk, home, resident_id=zheng, state=TaskState.DONE, ended_at=MONDAY)
        open_ = make_task(folk, home, resident_id=zheng, key="rule:2")
        far = add_household(MONDAY, code="far-1", grid=there(folk), head_name="河湾人", place="河湾村 3 号").id
        tag = db.session.query(PopulationTag).filter_by(code="low_income").one().id
        db.session.add(ResidentTag(resident_id=zheng, tag_id=tag, source="民政局", since=MONDAY.date(), noted_at=MONDAY))
    assert zhou.get(f"/tasks/{over}").json["populations"] == ["低保户"]
    with transaction():
        move_to(AT, zheng, household_id=far)
    assert zhou.get(f"/residents/{zheng}").status_code == 404
    told = zhou.get(f"/tasks/{over}").json
    assert (told["resident"], told["populations"]) == (None, [])
    assert zhou.get(f"/tasks/{open_}").status_code == 404
    task = db.session.get_one(VisitTask, open_)
    assert (task.household_id, task.grid_id) == (far, there(folk).id)


@pytest.mark.parametrize("followed", [True, False])
def test_a_household_that_moved_takes_its_visits_along_at_once(zhou, zhao, folk, followed):
    home = folk.households["郑守田"].id
    with transaction():
        task = make_task(folk, folk.households["郑守田"])
    phone = Pocket()
    phone.pull(zhou)
    assert (phone.ids("task"), len(zhou.get("/tasks").json["items"])) == ({task}, 1)
    with transaction():
        if followed:
            move_home(AT, home, grid=there(folk).code)
        else:  # by a list, which the next planning follows
            db.session.get_one(Household, home).grid_id = there(folk).id
    assert zhou.get("/tasks").json["items"] == []
    assert zhou.get(f"/tasks/{task}").status_code == 404
    fresh = Pocket()
    fresh.pull(zhou)
    assert fresh.ids("task") == set()
    if followed:
        phone.pull(zhou)
        assert phone.ids("task") == set()
        assert [line["household_id"] for line in zhao.get("/tasks").json["items"]] == [home]


def test_what_was_visited_before_a_household_was_moved_is_taken_after_it(house, zhou, folk):
    home, zheng = folk.households["郑守田"].id, folk.residents["zheng"].id
    later = Stamp(SYSTEM, Role.SYSTEM, MONDAY - timedelta(minutes=10), Door.COMMAND_LINE)
    with transaction():
        move_home(later, home, grid=there(folk).code)

    def sent(minutes, **more):
        at = (MONDAY - timedelta(minutes=minutes)).isoformat()
        said = {"household_id": home, "outcome": "met", "visited_at": at, "met_ids": [zheng], "needs": [{"body": "路灯坏了。"}]}
        return item("visit", said | more, phone_at=at)

    question = {
        "body": "高龄津贴怎么办？",
        "category_id": folk.categories["高龄津贴"],
        "kind": "consultation",
        "answer": "到村里登记。",
    }
    before, answered = sent(30), sent(25, needs=[question])
    dead = sent(20, outcome="deceased", resident_id=zheng, met_ids=[], needs=[])
    after = sent(5)
    told = zhou.post("/sync", {"phone_at": MONDAY.isoformat(), "items": [before, answered, dead, after]}, key=None).json["items"]
    assert [each["outcome"] for each in told] == ["created", "created", "created", "invalid"]
    assert told[3]["code"] == "household_not_found"
    assert {visit.grid_id for visit in db.session.query(Visit)} == {there(folk).id}
    assert told[2]["result"]["effect"]["state"] == "proposed"
    again = zhou.post("/sync", {"phone_at": MONDAY.isoformat(), "items": [before]}, key=None).json["items"]
    assert [each["outcome"] for each in again] == ["replayed"]
    assert zhou.get(f"/households/{home}").status_code == 404


def test_what_was_visited_before_a_grid_changed_hands_is_taken_after_it(zhou, zhao, folk):
    home, zheng = folk.households["郑守田"].id, folk.residents["zheng"].id
    with transaction():
        db.session.execute(delete(StaffGrid).where(StaffGrid.staff_id == folk.staff["zhou"].id))
        db.session.add(StaffGrid(staff_id=folk.staff["zhao"].id, grid_id=here(folk).id))
    with transaction():
        assert db.session.scalars(select(StaffGridPast.grid_id)).all() == [here(folk).id]
        db.session.execute(update(StaffGridPast).values(until=MONDAY - timedelta(minutes=10)))

    def sent(minutes, **more):
        at = (MONDAY - timedelta(minutes=minutes)).isoformat()
        said = {"household_id": home, "outcome": "met", "visited_at": at, "met_ids": [zheng], "needs": [{"body": "路灯坏了。"}]}
        return item("visit", said | more, phone_at=at)

    around = sent(20, household_id=None, grid=here(folk).code, met_ids=[])
    items = [sent(30), sent(15, outcome="deceased", resident_id=zheng, met_ids=[], needs=[]), around, sent(5)]
    told = zhou.post("/sync", {"phone_at": MONDAY.isoformat(), "items": items}, key=None).json["items"]
    assert [each["outcome"] for each in told] == ["created", "created", "created", "invalid"]
    assert (told[1]["result"]["effect"]["state"], told[3]["code"]) == ("proposed", "household_not_found")
    assert {visit.grid_id for visit in db.session.query(Visit)} == {here(folk).id}
    assert zhou.get(f"/households/{home}").status_code == 404
    seen = zhao.get("/cases").json["items"]
    assert {told[place]["result"]["needs"][0]["number"] for place in (0, 2)} <= {case["number"] for case in seen}


def test_who_works_in_no_village_has_nothing_to_keep(caller):
    told = caller("he").get("/sync")
    assert (told.status_code, told.json["code"]) == (403, "sync_for_villages")


def test_the_village_cadre_keeps_both_grids_of_the_village(caller, folk, house):
    second = report(house, folk.grids["柳林村二网格"])
    report(house, there(folk))
    phone = Pocket()
    phone.pull(caller("wu"))
    assert (phone.ids("case"), len(phone.catalogues["grids"])) == ({second}, 2)


def test_thinning_leaves_the_last_change_of_a_row_and_phones_miss_nothing(zhou, folk):
    phone = Pocket()
    phone.pull(zhou)
    for version in range(2, 6):
        with transaction():
            db.session.get_one(Household, folk.households["郑守田"].id).version = version
    assert thin_sync_changes(lambda: AT) >= 4
    assert thin_sync_changes(lambda: AT) == 0
    phone.pull(zhou)
    assert phone.rows["household", folk.households["郑守田"].id]["version"] == 5
    fresh = Pocket()
    fresh.pull(zhou)
    assert fresh.rows == phone.rows
