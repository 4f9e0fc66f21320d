"""Populations: named ones hold from their first day through their last, derived ones from the month of the age."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update

from app.core.clock import CHINA
from app.people.identity import Person, enrol_resident
from app.people.models import EndedBy, Resident, ResidentIdentity
from app.people.roster.jobs import index_names
from app.people.roster.models import ResidentTag, RosterChange
from app.people.roster.queries import find_people
from app.people.roster.residents import ResidentGiven, end_resident, enter_resident
from app.people.roster.tags import (
    TagNotFound,
    TagsAreTheCountys,
    WrongTag,
    belonging,
    end_expired_tags,
    later,
    population,
    put_population,
    put_tag,
    tags_of,
)
from app.territory.models import HouseholdIdentity


@pytest.fixture
def zhao_yi(session, cast, stamp):
    """A man born in March 1947, in old Zheng's household."""
    return enter_resident(stamp, cast.households["郑守田"].id, ResidentGiven(person=Person("赵一"), birth_month=date(1947, 3, 1)))


def who(session, tag, on):
    return list(session.scalars(select(Resident.id).where(belonging(tag, on))))


@pytest.mark.parametrize(
    ("day", "months", "told"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 11, 23), 12, date(2027, 11, 23)),
        (date(2026, 3, 1), -12 * 80, date(1946, 3, 1)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
    ],
)
def test_months_later(day, months, told):
    assert later(day, months) == told


def test_an_age_is_reached_in_its_month(session, zhao_yi):
    assert zhao_yi.id not in who(session, "over_80", date(2027, 2, 28))
    assert zhao_yi.id in who(session, "over_80", date(2027, 3, 1))
    assert [tag.code for tag in tags_of([zhao_yi.id], date(2027, 2, 28))[zhao_yi.id]] == ["over_60"]
    assert [tag.code for tag in tags_of([zhao_yi.id], date(2027, 3, 1))[zhao_yi.id]] == ["over_80", "over_60"]
    assert session.scalar(select(func.count()).select_from(ResidentTag)) == 0


def test_a_naming_holds_through_its_last_day(session, zhao_yi, stamp):
    put_tag(stamp, zhao_yi.id, tag="low_income", source="民政局", since=date(2026, 1, 15))
    assert [zhao_yi.id in who(session, "low_income", day) for day in (date(2026, 1, 14), date(2026, 1, 15))] == [False, True]
    assert [zhao_yi.id in who(session, "low_income", day) for day in (date(2027, 1, 14), date(2027, 1, 15))] == [True, False]
    for day in (date(2026, 1, 14), date(2026, 6, 1), date(2027, 1, 15)):
        told = "low_income" in [tag.code for tag in tags_of([zhao_yi.id], day)[zhao_yi.id]]
        assert told == (zhao_yi.id in who(session, "low_income", day))


def test_the_dead_belong_to_nothing_any_more(session, zhao_yi, stamp):
    today = stamp.at.astimezone(CHINA).date()
    put_tag(stamp, zhao_yi.id, tag="veteran", source="本人")
    assert zhao_yi.id in who(session, "veteran", today)
    end_resident(stamp, zhao_yi.id, why=EndedBy.DECEASED)
    assert zhao_yi.id not in who(session, "veteran", today)
    assert zhao_yi.id not in who(session, "over_60", today)


def test_what_is_over_is_ended_once(session, zhao_yi, stamp, clock, as_system):
    put_tag(stamp, zhao_yi.id, tag="living_alone", source="走访", expires_on=date(2026, 11, 24))
    version = session.get_one(Resident, zhao_yi.id).version
    clock.advance(days=1)
    assert end_expired_tags(as_system) == 0
    clock.advance(days=1)
    assert end_expired_tags(as_system) == 1
    assert end_expired_tags(as_system) == 0
    tag = session.scalars(select(ResidentTag)).one()
    assert tag.ended_at == clock()
    line = session.scalars(select(RosterChange).order_by(RosterChange.id.desc())).first()
    assert (line.what, line.facts, line.staff_id) == ("tag_ended", {"tag": "living_alone", "expired": True}, None)
    assert session.get_one(Resident, zhao_yi.id).version == version + 1


def test_dates_that_cannot_be_are_refused(zhao_yi, stamp):
    tomorrow = stamp.at.astimezone(CHINA).date() + timedelta(days=1)
    with pytest.raises(WrongTag):
        put_tag(stamp, zhao_yi.id, tag="veteran", source="本人", since=tomorrow)
    with pytest.raises(WrongTag):
        put_tag(stamp, zhao_yi.id, tag="veteran", source="本人", expires_on=tomorrow - timedelta(days=3))
    with pytest.raises(TagNotFound):
        put_tag(stamp, zhao_yi.id, tag="rich", source="本人")


def test_the_catalogue_is_the_countys(session, cast, zhao_yi, as_staff):
    with pytest.raises(TagsAreTheCountys):
        put_population(as_staff("sun"), "over_90", name="九十岁以上老人", key=True, place=2, from_age=90)
    put_population(as_staff("admin"), "over_75", name="七十五岁以上老人", key=True, place=2, from_age=75)
    assert zhao_yi.id in who(session, "over_75", date(2026, 11, 23))
    with pytest.raises(WrongTag):
        put_population(as_staff("admin"), "over_80", name="八十岁以上老人", key=True, place=1, lasts_months=12)
    with pytest.raises(WrongTag):
        put_population(as_staff("admin"), "new", name="低保户", key=True, place=1)
    put_population(as_staff("admin"), "veteran", name="退役军人", key=False, place=13, active=False)
    assert (population("veteran").active, who(session, "veteran", date(2026, 11, 23))) == (False, [])


def test_names_sealed_before_there_was_an_index_are_found_after_the_job(session, cast, stamp, as_system):
    enrol_resident(stamp, Person("钱二"), grid_id=cast.grids["柳林村一网格"].id, household_id=cast.households["郑守田"].id)
    session.execute(update(ResidentIdentity).values(name_index=None))
    session.execute(update(HouseholdIdentity).values(match_index=None))
    assert find_people(stamp, name="钱二") == []
    assert index_names(as_system) > 0
    assert [each.name for each in find_people(stamp, name="钱二")] == ["钱*"]
    assert index_names(as_system) == 0
