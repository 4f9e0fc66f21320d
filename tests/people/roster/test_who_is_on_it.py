"""Who is on the roster: one number one living person, whoever enters them at once; who moved away comes back as themselves."""

import threading

import pytest
from sqlalchemy import func, select, text

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Actor, ActorKind, Door, Role, Stamp
from app.filings.heads.heading import NotAHead, headed
from app.people.identity import Person, enrol_resident, find_or_enrol
from app.people.models import EndedBy, Resident, ResidentIdentity
from app.people.roster import commands, groups, residents
from app.people.roster.commands import HouseholdOver, enter_household
from app.people.roster.lists.importing import Order, import_people
from app.people.roster.numbers import EnteredMeanwhile
from app.people.roster.residents import ResidentElsewhere, ResidentGiven, ResidentOnRoster, ResidentToRestore, enter_resident
from app.territory.models import Grid
from tests.people.roster.conftest import LI

GRID = "柳林村一网格"
NUMBERED = ResidentGiven(person=Person(name="李大田", id_number=LI))


def living(home_ids):
    query = select(func.count()).select_from(Resident).join(ResidentIdentity)
    return db.session.scalar(query.where(Resident.household_id.in_(home_ids), Resident.ended_at.is_(None)))


def test_two_workers_who_enter_one_person_at_once_enter_one(committed):
    with committed.app_context():
        stamp = Stamp(SYSTEM, Role.SYSTEM, committed.extensions["minhu"].clock(), Door.IMPORT)
        with transaction():
            codes = list(db.session.scalars(select(Grid.code).order_by(Grid.code).limit(2)))
            homes = [enter_household(stamp, grid=code, head_name="李大田", place="一组").id for code in codes]
        db.session.remove()
    refused, entered, go_on = [], threading.Event(), threading.Event()

    def first():
        with committed.app_context():
            with transaction():
                enter_resident(stamp, homes[0], NUMBERED)
                entered.set()
                go_on.wait(10)
            db.session.remove()

    def second():
        with committed.app_context():
            entered.wait(10)
            try:
                with transaction():
                    enter_resident(stamp, homes[1], NUMBERED)
            except ResidentOnRoster as refusal:
                refused.append(refusal)
            db.session.remove()

    threads = [threading.Thread(target=each) for each in (first, second)]
    for thread in threads:
        thread.start()
    entered.wait(10)
    threads[1].join(0.5)  # it waits for the first
    assert threads[1].is_alive()
    go_on.set()
    for thread in threads:
        thread.join()
    with committed.app_context():
        assert (living(homes), len(refused)) == (1, 1)
        db.session.remove()


def test_a_list_does_not_double_whom_a_worker_entered_meanwhile(committed, workbook, lis):
    with committed.app_context():
        stamp = Stamp(SYSTEM, Role.SYSTEM, committed.extensions["minhu"].clock(), Door.IMPORT)
        with transaction():
            code = db.session.scalars(select(Grid.code).order_by(Grid.code.desc()).limit(1)).one()
            home = enter_household(stamp, grid=code, head_name="李大田", place="一组").id

        def meanwhile(done, known):
            def enter():
                with committed.app_context():
                    with transaction():
                        enter_resident(stamp, home, NUMBERED)
                    db.session.remove()

            thread = threading.Thread(target=enter)
            thread.start()
            thread.join()

        with pytest.raises(EnteredMeanwhile), transaction():
            import_people(stamp, workbook({GRID: lis}), Order(source="x"), progress=meanwhile)
        with transaction():
            again = import_people(stamp, workbook({GRID: lis}), Order(source="x"))
        assert (again.counts["residents_moved"], again.counts["residents_new"]) == (1, 2)
        db.session.remove()


def test_whom_a_list_changes_may_be_referred_to_meanwhile(committed, workbook, lis):
    with committed.app_context():
        stamp = Stamp(SYSTEM, Role.SYSTEM, committed.extensions["minhu"].clock(), Door.IMPORT)
        with transaction():
            import_people(stamp, workbook({GRID: lis}), Order(source="x"))
        seen = []

        def meanwhile(done, known):
            with db.engine.connect() as aside:
                aside.execute(text("SET lock_timeout = 1500"))
                seen.append(len(aside.execute(text("SELECT id FROM resident FOR KEY SHARE")).all()))

        lis[1][5] = "13800000099"
        with transaction():
            outcome = import_people(stamp, workbook({GRID: lis}), Order(source="x"), progress=meanwhile)
        assert outcome.counts["residents_changed"] == 1
        assert seen[0] >= 3
        db.session.remove()


@pytest.fixture
def away(session, cast, as_staff):
    """李大田, who lived in 柳林村一网格 and left the roster, and an empty household there."""

    def make(why):
        wu = as_staff("wu", Door.GRID)
        home = enter_household(wu, grid=cast.grids[GRID].code, head_name="李大田", place="一组 1 号")
        resident = enter_resident(wu, home.id, NUMBERED)
        residents.end_resident(wu, resident.id, why=why)
        other = enter_household(wu, grid=cast.grids[GRID].code, head_name="李二", place="一组 2 号")
        return resident, home, other

    return make


def test_whoever_moved_away_and_comes_back_is_the_same_resident(session, away, as_staff, stamp):
    resident, _, other = away(EndedBy.MOVED_AWAY)
    back = enter_resident(as_staff("wu", Door.GRID), other.id, NUMBERED)
    assert (back.id, back.ended_at, back.ended_by, back.household_id) == (resident.id, None, None, other.id)
    assert find_or_enrol(stamp, Person("李大田", None, LI)).id == resident.id


def test_the_dead_are_not_entered_anew_but_restored(session, away, as_staff):
    resident, _, other = away(EndedBy.DECEASED)
    with pytest.raises(ResidentToRestore) as refusal:
        enter_resident(as_staff("wu", Door.GRID), other.id, NUMBERED)
    assert refusal.value.facts["resident_id"] == resident.id
    assert residents.restore_resident(as_staff("wu", Door.GRID), resident.id).ended_at is None


def test_the_dead_of_another_village_are_known_elsewhere_and_no_more_is_told(session, away, stamp, as_staff, cast):
    away(EndedBy.DECEASED)
    elsewhere = enter_household(stamp, grid=cast.grids["河湾村一网格"].code, head_name="李大田", place="三组")
    clerk = next(login for login in cast.staff if _reaches(as_staff(login, Door.GRID), cast, "河湾村一网格", not_=GRID))
    with pytest.raises(ResidentElsewhere):
        enter_resident(as_staff(clerk, Door.GRID), elsewhere.id, NUMBERED)


def _reaches(stamp, cast, grid, *, not_):
    return cast.grids[grid].id in stamp.actor.grid_ids and cast.grids[not_].id not in stamp.actor.grid_ids


def test_a_filing_is_of_the_living_where_two_have_one_number(session, away, stamp):
    resident, _, other = away(EndedBy.MOVED_AWAY)
    living_one = enrol_resident(stamp, NUMBERED.person, grid_id=other.grid_id, household_id=other.id)
    assert resident.id < living_one.id
    assert find_or_enrol(stamp, Person("李大田", None, LI)).id == living_one.id


def test_nobody_is_restored_into_a_household_that_has_ended(session, away, as_staff):
    resident, home, other = away(EndedBy.MOVED_AWAY)
    wu = as_staff("wu", Door.GRID)
    commands.end_household(wu, home.id, reason="空")
    with pytest.raises(HouseholdOver):
        residents.restore_resident(wu, resident.id)
    assert enter_resident(wu, other.id, NUMBERED).id == resident.id


def test_a_head_who_moves_with_the_household_heads_the_old_group_no_more(session, workbook, bring_in, lis, as_staff, cast):
    bring_in(workbook({GRID: lis}))
    wu = as_staff("wu", Door.GRID)
    man = session.scalars(select(Resident).where(Resident.relation == "户主")).first()
    group = groups.add_group(wu, grid=cast.grids[GRID].code, name="一区")
    groups.name_head(wu, group.code, resident_id=man.id)
    as_head = Stamp(Actor(ActorKind.RESIDENT, man.id), Role.RESIDENT, wu.at, Door.MINI_PROGRAM)
    assert len(headed(as_head)) == 1
    commands.move_household(wu, man.household_id, grid=cast.grids["柳林村二网格"].code)
    assert groups.own_group(wu, group.code).heads == []
    with pytest.raises(NotAHead):
        headed(as_head)


def test_a_headship_left_over_in_another_grid_opens_nothing(session, workbook, bring_in, lis, as_staff, cast):
    bring_in(workbook({GRID: lis}))
    wu = as_staff("wu", Door.GRID)
    man = session.scalars(select(Resident).where(Resident.relation == "户主")).first()
    group = groups.add_group(wu, grid=cast.grids[GRID].code, name="一区")
    groups.name_head(wu, group.code, resident_id=man.id)
    man.grid_id = cast.grids["柳林村二网格"].id
    session.flush()
    with pytest.raises(NotAHead):
        headed(Stamp(Actor(ActorKind.RESIDENT, man.id), Role.RESIDENT, wu.at, Door.MINI_PROGRAM))
