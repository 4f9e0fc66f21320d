"""Who is found by a typed identity: a number without its name leads to nobody."""

import pytest
from sqlalchemy import func, select

from app.core.database import transaction
from app.people.identity import Person, enrol_resident, find_or_enrol
from app.people.models import Resident

NUMBER = "34132319900101123X"


@pytest.fixture
def known(session, stamp) -> Resident:
    with transaction():
        return enrol_resident(stamp, Person(name="王小满", phone="13900000009", id_number=NUMBER))


def test_name_and_id_number_together_find_the_person(known, stamp):
    assert find_or_enrol(stamp, Person(name="王小满", id_number=NUMBER)).id == known.id


@pytest.mark.parametrize("name", ["李大海", None])
def test_an_id_number_with_another_name_or_none_joins_nobody_and_is_told_like_a_new_one(session, known, stamp, name):
    before = session.scalar(select(func.count()).select_from(Resident))
    with transaction():
        made = find_or_enrol(stamp, Person(name=name, id_number=NUMBER))
    assert made.id != known.id
    assert session.scalar(select(func.count()).select_from(Resident)) == before + 1


def test_of_two_with_one_id_number_each_is_found_by_the_own_name(session, known, stamp):
    with transaction():
        other = find_or_enrol(stamp, Person(name="李大海", id_number=NUMBER))
    assert find_or_enrol(stamp, Person(name="李大海", id_number=NUMBER)).id == other.id
    assert find_or_enrol(stamp, Person(name="王小满", id_number=NUMBER)).id == known.id
