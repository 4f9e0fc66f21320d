"""Closing an account: never while it owns open clocks; all of them pass to a colleague first; sessions end."""

import pytest
from sqlalchemy import select

from app.core.stamp import Role
from app.ledger.clocks import Deadline
from app.ledger.deadlines import is_open
from app.people.models import Staff
from app.people.staff import enrol_hashed
from tests.ledger.test_straight_road import road

__all__ = ["road"]


def post(desk, login, path, body, *, expect=200, **more):
    answer = desk(login).post(path, body, **more)
    assert answer.status_code == expect, answer.text
    return answer.json


@pytest.fixture
def colleague(cast, session):
    posts = [(Role.HANDLER, cast.units["城市管理局"].id)]
    cast.staff["bei"] = enrol_hashed(login="bei", name="贝城", password_hash="-", posts=posts)
    return cast.staff["bei"]


def owners(road):
    road.session.expire_all()
    query = select(Deadline).where(Deadline.case_id == road.case.id, Deadline.owner_staff_id.is_not(None))
    return {clock.owner_staff_id for clock in road.session.scalars(query) if is_open(clock)}


def test_an_account_that_owns_open_clocks_is_not_closed_and_says_which(road, desk):
    road.in_progress()
    refused = post(desk, "admin", "/accounts/he/closure", {}, expect=409)
    assert (refused["code"], refused["facts"]["cases"], refused["facts"]["numbers"]) == ("owns_open_clocks", 1, [road.number])
    assert road.session.scalar(select(Staff.active).where(Staff.login == "he"))


def test_after_handing_over_it_closes_and_its_sessions_end(road, desk, colleague):
    road.in_progress()
    assert desk("he").get("/me").status_code == 200
    handed = post(desk, "admin", "/accounts/he/hand-over", {"colleague": "bei"})
    assert handed == {"cases": 1, "elsewhere": [], "left": 0}
    assert owners(road) == {colleague.id}
    assert [part.handler_id for part in road.case.assignments] == [colleague.id]
    closed = post(desk, "admin", "/accounts/he/closure", {})
    assert (closed["login"], closed["sessions"] >= 1) == ("he", True)
    assert post(desk, "admin", "/accounts/he/closure", {}, expect=409)["code"] == "account_closed"
    listed = desk("admin").get("/accounts", limit=200).json["items"]
    assert "he" not in [row["login"] for row in listed]
    assert ("he", False) in [
        (r["login"], r["active"]) for r in desk("admin").get("/accounts", limit=200, closed=True).json["items"]
    ]


def test_a_closed_accounts_token_opens_nothing(road, desk, client, cast):
    he = desk("he")
    assert he.get("/me").status_code == 200
    post(desk, "admin", "/accounts/he/closure", {})
    assert he.get("/me").status_code == 401


def test_what_the_colleague_is_recused_from_goes_to_the_head(road, desk, colleague, cast):
    road.in_progress()
    road.case.against_staff_id = colleague.id
    road.session.flush()
    assert post(desk, "admin", "/accounts/he/hand-over", {"colleague": "bei"}) == {
        "cases": 1,
        "elsewhere": [road.number],
        "left": 0,
    }
    assert owners(road) == {cast.staff["gao"].id}


@pytest.mark.parametrize("other", ["shui", "he", "fang"])
def test_only_a_colleague_of_the_same_unit_takes_over(road, desk, other):
    road.in_progress()
    assert post(desk, "admin", "/accounts/he/hand-over", {"colleague": other}, expect=422)["code"] == "colleague_unfit"


def test_an_administrator_who_is_recused_leaves_the_case_and_is_not_shown_its_number(road, desk, colleague, cast):
    road.in_progress()
    road.case.against_staff_id = cast.staff["admin"].id
    road.session.flush()
    assert post(desk, "admin", "/accounts/he/hand-over", {"colleague": "bei"}) == {"cases": 0, "elsewhere": [], "left": 1}
    refused = post(desk, "admin", "/accounts/he/closure", {}, expect=409)
    assert (refused["facts"]["cases"], refused["facts"]["numbers"]) == (1, [])


@pytest.mark.parametrize("login", ["he", "gao", "sun", "ma"])
def test_nobody_else_touches_accounts(desk, login):
    assert desk(login).get("/accounts").status_code == 403
    assert post(desk, login, "/accounts/shui/closure", {}, expect=403)["code"] == "accounts_are_the_administrators"
    assert post(desk, login, "/accounts/shui/hand-over", {"colleague": "he"}, expect=403)


def test_nobody_closes_their_own_account_nor_one_that_is_not(desk):
    assert post(desk, "admin", "/accounts/admin/closure", {}, expect=409)["code"] == "not_yourself"
    assert post(desk, "admin", "/accounts/nobody/closure", {}, expect=404)["code"] == "staff_not_found"


def test_a_townships_administrator_sees_its_own_accounts_alone(desk, cast, session):
    posts = [(Role.ADMINISTRATOR, cast.units["柳河镇"].id)]
    cast.staff["zhen"] = enrol_hashed(login="zhen", name="甄管", password_hash="-", posts=posts)
    logins = {row["login"] for row in desk("zhen").get("/accounts", limit=200).json["items"]}
    assert {"liu", "hua", "zhen"} <= logins
    assert not logins & {"he", "fang", "admin"}
    assert post(desk, "zhen", "/accounts/he/closure", {}, expect=404)["code"] == "staff_not_found"
