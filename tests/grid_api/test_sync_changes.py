"""Changes that are told to phones in the long run: few of them, none of what is long gone, counted anew after a restore."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text, update

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, ActorKind, Door, Role, Stamp
from app.demo.cast import find_cast
from app.people.identity import Person, enrol_resident
from app.sync.jobs import count_sync_changes_anew, forget_gone_sync_changes, thin_sync_changes
from app.territory.commands import add_grid, add_household
from app.territory.models import Household
from app.visits.models import TaskFor, TaskState, VisitTask
from tests.callers import GRID, Caller
from tests.conftest import MONDAY
from tests.counting import statements
from tests.pocket import KINDS, Pocket
from tests.sessions import open_session

AT = Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.COMMAND_LINE)


@pytest.fixture
def folk(committed):
    """The cast in a database in which everything is really committed; its context stands open."""
    with committed.app_context():
        yield find_cast()


@pytest.fixture
def caller(committed, folk):
    def make(login):
        return Caller(committed.test_client(), GRID, open_session(ActorKind.STAFF, folk.staff[login].id, MONDAY))

    return make


@pytest.fixture
def zhou(caller):
    return caller("zhou")


def here(folk):
    return folk.grids["柳林村一网格"]


def there(folk):
    return folk.grids["河湾村一网格"]


def homes(folk, count, grid=None):
    with transaction():
        for place in range(count):
            home = add_household(MONDAY, code=f"more-{place}", grid=grid or here(folk), head_name="某某", place="某处 8 号")
            enrol_resident(AT, Person(name="某某"), grid_id=(grid or here(folk)).id, household_id=home.id)


def make_task(household, **more):
    facts = {"grid_id": household.grid_id, "household_id": household.id, "why": TaskFor.RULE, "first_on": MONDAY.date()}
    facts |= {"due_on": MONDAY.date() + timedelta(days=7), "created_at": MONDAY, "updated_at": MONDAY}
    db.session.add(VisitTask(**facts | more))


def test_a_restored_database_is_counted_anew_in_steps_and_no_writer_waits(zhou, folk):
    homes(folk, 3, there(folk))
    home = folk.households["郑守田"].id
    phone = Pocket()
    phone.pull(zhou)
    with transaction():
        db.session.execute(
            text("UPDATE sync_epoch SET epoch = 'there', counting = sync_place(), counted_to = :grid"), {"grid": here(folk).id}
        )
        db.session.execute(text("DELETE FROM sync_change"))
    url = db.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with psycopg.connect(url) as writer:
        writer.execute("UPDATE household SET version = version + 1 WHERE id = %s", [home])
        assert count_sync_changes_anew(lambda: AT) > 0
    noted = set(db.session.scalars(text("SELECT grid_id FROM sync_change WHERE changed_in = 0")))
    assert there(folk).id in noted  # the grids up to the one named were counted before it was broken off
    assert not {grid for grid in noted if grid <= here(folk).id}
    fresh = Pocket()
    fresh.pull(zhou)
    assert fresh.ids("household") == {home}


def test_what_is_long_gone_is_forgotten_and_who_was_away_meanwhile_starts_anew(zhou, folk):
    def later(days):
        return lambda: AT.moved_to(MONDAY + timedelta(days=days))

    def done(key):
        with transaction():
            for place in range(30):
                make_task(folk.households["郑守田"], key=f"{key}:{place}", state=TaskState.OPEN)
        with transaction():
            db.session.execute(update(VisitTask).where(VisitTask.key.startswith(key)).values(state=TaskState.DONE))

    away, back = Pocket(), Pocket()
    away.pull(zhou)
    done("old")
    back.pull(zhou)
    thin_sync_changes(later(0))
    thin_sync_changes(later(1))
    back.pull(zhou)
    done("new")
    thin_sync_changes(later(20))
    pages = Pocket().pull(zhou, limit=10)
    assert forget_gone_sync_changes(later(29)) == 0
    assert away.pull(zhou) > 0
    assert forget_gone_sync_changes(later(32)) >= 30
    assert forget_gone_sync_changes(later(32)) == 0
    assert Pocket().pull(zhou, limit=10) <= pages - 3
    told = zhou.get("/sync", cursor=back.cursor)
    assert told.status_code == 200
    assert len(told.json["gone"]) == 30


def test_a_phone_that_was_away_for_long_starts_anew(zhou, folk):
    away, half = Pocket(), Pocket()
    away.pull(zhou)
    half.take(zhou.get("/sync", limit=1).json)
    homes(folk, 1)
    thin_sync_changes(lambda: AT)
    forget_gone_sync_changes(lambda: AT.moved_to(MONDAY + timedelta(days=31)))
    for phone in (away, half):
        told = zhou.get("/sync", cursor=phone.cursor)
        assert (told.status_code, told.json["code"]) == (409, "sync_start_anew")
    fresh = Pocket()
    fresh.pull(zhou)
    assert zhou.get("/sync", cursor=fresh.cursor).status_code == 200


def test_thinning_looks_only_at_grids_where_something_changed_since(zhou, folk):
    homes(folk, 2, there(folk))
    thin_sync_changes(lambda: AT)
    home = folk.households["郑守田"]
    with transaction():
        db.session.get_one(Household, home.id).version = 7
    with transaction():
        db.session.get_one(Household, home.id).version = 8
    with statements() as sent:
        assert thin_sync_changes(lambda: AT) == 2
    asked = [each for each in sent if "ranked" in each]
    assert len(asked) == 1
    with statements() as sent:
        assert thin_sync_changes(lambda: AT) == 0
    assert not [each for each in sent if "ranked" in each]


def test_a_cadre_of_many_grids_can_page_with_their_cursor_in_the_address(caller, folk):
    with transaction():
        unit = here(folk).unit
        for place in range(400):
            grid = add_grid(code=f"9901010099{place:04d}", name=f"网格 {place}", unit=unit)
            if place % 7:
                home = add_household(MONDAY, code=f"c-{place}", grid=grid, head_name="某某", place="某处 8 号")
                enrol_resident(AT, Person(name="某某"), grid_id=grid.id, household_id=home.id)
    wu, phone, longest = caller("wu"), Pocket(), 0
    while True:
        page = wu.get("/sync", **phone.query(50)).json
        phone.take(page)
        longest = max(longest, len(page["cursor"]))
        if not page["more"]:
            break
    assert longest < 2000  # of the 4,094 that the web server takes in a line
    assert len(phone.ids("household")) >= 342
    page = wu.get("/sync", **phone.query(50)).json
    assert [page[f"{kind}s"] for kind in KINDS] == [[], [], [], []]
