"""What hangs on somebody who was on the roster twice: it goes over to whom they are, once, with the accounts."""

import pytest
from sqlalchemy import select

from app.core.stamp import Actor, ActorKind, Door, Role, Stamp
from app.filings.heads.heading import headed, join_as_head, make_head_code
from app.people.accounts_known import RosterAccount, join_account, make_account_code, on_roster
from app.people.identity import Person, enrol_resident
from app.people.models import EndedBy
from app.people.roster import care, groups
from app.people.roster.commands import enter_household
from app.people.roster.models import Care, CareBy, GroupHead, RosterChange
from app.people.roster.residents import ResidentGiven, end_resident, enter_resident


@pytest.fixture
def grid(cast):
    return cast.grids["柳林村一网格"].code


@pytest.fixture
def enter(stamp, grid):
    """Enters somebody in a household of their own."""

    def put(name):
        home = enter_household(stamp, grid=grid, head_name=name, place="一组")
        return enter_resident(stamp, home.id, ResidentGiven(person=Person(name=name)))

    return put


@pytest.fixture
def by_phone(clock):
    """Makes the stamp of a resident by id."""
    return lambda ident: Stamp(Actor(ActorKind.RESIDENT, ident), Role.RESIDENT, clock(), Door.MINI_PROGRAM)


@pytest.fixture
def merge(session, stamp):
    def run(twin, into):
        end_resident(stamp, twin.id, why=EndedBy.DUPLICATE, merged_into_id=into.id)
        session.expire_all()

    return run


def test_headships_go_over_with_the_account_that_was_joined(session, stamp, grid, enter, merge, by_phone):
    man, twin = enter("郭大山"), enter("郭大衫")
    first, second = (groups.add_group(stamp, grid=grid, name=name).code for name in ("一户区", "二户区"))
    for code in (first, second):
        groups.name_head(stamp, code, resident_id=twin.id)
    groups.name_head(stamp, second, resident_id=man.id)
    phone = enrol_resident(stamp, Person())
    join_as_head(by_phone(phone.id), make_head_code(stamp, first, twin.id).code)
    merge(twin, man)
    open_now = session.execute(select(GroupHead.resident_id).where(GroupHead.ended_at.is_(None))).scalars().all()
    assert open_now == [man.id, man.id]
    assert [head.group.code for head in headed(by_phone(phone.id))] == [first]
    lines = session.scalars(select(RosterChange).where(RosterChange.what == "head_named").order_by(RosterChange.id.desc()))
    assert lines.first().facts == {"resident_id": man.id, "merged": twin.id}


def test_care_goes_over_and_nobody_cares_twice(session, stamp, enter, merge):
    man, twin, other = enter("郭大山"), enter("郭大衫"), enter("赵六")
    for one in (man, twin):
        care.put_care(stamp, one.id, by=CareBy.CADRE, staff="wu")
        care.put_care(stamp, one.id, by=CareBy.VOLUNTEER, carer_id=other.id)
        care.put_care(stamp, other.id, by=CareBy.FAMILY, carer_id=one.id)
    care.put_care(stamp, twin.id, by=CareBy.GRID_WORKER, staff="zhou")
    third = enter("孙七")
    care.put_care(stamp, third.id, by=CareBy.FAMILY, carer_id=twin.id)
    merge(twin, man)
    rows = session.scalars(select(Care).where(Care.ended_at.is_(None)))
    found = sorted((row.resident_id, row.by.value, row.carer_id or 0) for row in rows)
    assert found == sorted(
        [
            (man.id, "cadre", 0),
            (man.id, "grid_worker", 0),
            (man.id, "volunteer", other.id),
            (other.id, "family", man.id),
            (third.id, "family", man.id),
        ]
    )


@pytest.mark.parametrize("survivor", ["nothing", "code", "joined"])
def test_the_account_of_a_duplicate_is_the_survivors_who_has_none(session, stamp, enter, merge, by_phone, survivor):
    man, twin = enter("郭大山"), enter("郭大衫")
    phone, other = (enrol_resident(stamp, Person()) for _ in range(2))
    if survivor != "nothing":
        make_account_code(stamp, man.id, code="11111111")
    if survivor == "joined":
        join_account(by_phone(other.id), "11111111")
    make_account_code(stamp, twin.id, code="22222222")
    join_account(by_phone(phone.id), "22222222")
    merge(twin, man)
    assert on_roster(phone.id) == (phone.id if survivor == "joined" else man.id)
    assert on_roster(other.id) == (man.id if survivor == "joined" else other.id)
    assert session.get(RosterAccount, man.id).resident_id == (other.id if survivor == "joined" else phone.id)
