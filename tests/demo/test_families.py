"""The demo's families and the invented county: the same every time, by the rules that real ones follow."""

from datetime import date
from itertools import islice

from sqlalchemy import func, select

from app.demo.families import FAMILIES, settle_families
from app.demo.people import AREA, County
from app.people.identity import is_id_number
from app.people.models import Resident
from app.people.roster.models import Care, GroupHead, ResidentTag
from app.people.roster.residents import birth_of, sex_of
from app.territory.models import Household, HouseholdGroup

TODAY = date(2026, 11, 23)


def test_invented_people_are_the_same_every_time_and_their_numbers_check():
    families = list(islice(County(1, today=TODAY).families("柳林村"), 300))
    assert families == list(islice(County(1, today=TODAY).families("柳林村"), 300))
    assert families != list(islice(County(2, today=TODAY).families("柳林村"), 300))
    people = [person for family in families for person in family.people]
    assert all(family.people[0].relation == "户主" for family in families)
    assert all(is_id_number(one.id_number) and one.id_number.startswith(AREA) for one in people)
    assert all((birth_of(one.id_number), sex_of(one.id_number)) == (one.born, one.sex) for one in people)
    assert all(one.born <= TODAY for one in people)
    assert len({one.id_number for one in people}) == len(people)
    phones = [one.phone for one in people if one.phone]
    assert len(set(phones)) == len(phones)


def test_the_commonest_surnames_are_the_commonest():
    people = [one for family in islice(County(3, today=TODAY).families("柳林村"), 1500) for one in family.people]
    share = {name: sum(one.name.startswith(name) for one in people) / len(people) for name in "王李张雷"}
    assert min(share[name] for name in "王李张") > 0.05 > share["雷"]


def test_the_demo_has_families_groups_heads_tags_and_carers(session, cast, stamp):
    households, residents = (session.scalar(select(func.count()).select_from(table)) for table in (Household, Resident))
    people = settle_families(stamp, cast)
    session.flush()

    def count(table):
        return session.scalar(select(func.count()).select_from(table))

    assert count(Household) == households + sum(FAMILIES.values())
    assert count(Resident) == residents + people
    assert people > 80
    assert count(HouseholdGroup) == 10
    assert count(GroupHead) > count(HouseholdGroup)
    assert count(ResidentTag) > 10
    assert count(Care) > 0
