"""Enrolling staff from the command line: above all the first administrator."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import Role
from app.people.models import Staff
from app.people.sessions import try_password
from app.people.staff import enrol_hashed
from tests.ledger.test_straight_road import road

__all__ = ["road"]

ADD = ("staff", "add", "--login", "root", "--name", "甄管", "--password-stdin")


def test_the_first_administrator_can_sign_in(run, session, cast, stamp):
    run(*ADD, "--post", "administrator@990101", stdin="a long enough one\n")
    member = session.scalars(select(Staff).where(Staff.login == "root")).one()
    assert [(post.role, post.unit_id) for post in member.posts] == [(Role.ADMINISTRATOR, cast.units["云溪县"].id)]
    assert try_password(stamp, "root", "a long enough one").signed_in.principal_id == member.id
    assert try_password(stamp, "root", "another one here").signed_in is None


def test_what_is_not_given_is_asked_for_and_the_password_is_not_shown(run, session, cast):
    answers = ("first", "甄管", "administrator", "云溪县", "a long enough one", "a long enough one")
    result = run("staff", "add", stdin="\n".join(answers) + "\n")
    assert "a long enough one" not in result.output
    assert session.scalars(select(Staff.name).where(Staff.login == "first")).all() == ["甄管"]


def test_a_grid_worker_gets_several_posts_and_grids(run, session, cast):
    posts = ("--post", "grid_worker@东岭村", "--post", "cadre@东岭村")
    grid = cast.grids["东岭村一网格"]
    run(*ADD, *posts, "--grid", grid.code, stdin="a long enough one\n")
    member = session.scalars(select(Staff).where(Staff.login == "root")).one()
    assert {post.role for post in member.posts} == {Role.GRID_WORKER, Role.CADRE}
    assert [held.grid_id for held in member.grids] == [grid.id]


@pytest.mark.parametrize(
    ("more", "password", "told"),
    [
        (("--post", "king@990101"), "a long enough one", "“king@990101” is no post"),
        (("--post", "resident@990101"), "a long enough one", "is no post"),
        (("--post", "administrator"), "a long enough one", "is no post"),
        (("--post", "administrator@77"), "a long enough one", "There is no unit “77”"),
        (("--post", "administrator@990101"), "short", "at least 10 characters"),
        (("--post", "administrator@990101", "--grid", "77"), "a long enough one", "There is no grid “77”"),
        (("--post", "administrator@990101", "--login", "fang"), "a long enough one", "login_taken"),
        (("--post", "administrator@990101", "--login", " "), "a long enough one", "must not be empty"),
    ],
)
def test_what_does_not_fit_is_told_and_nobody_is_enrolled(run, session, cast, more, password, told):
    assert told in run(*ADD, *more, stdin=f"{password}\n", fails=True).stderr
    assert session.scalars(select(Staff).where(Staff.login == "root")).first() is None


def test_a_forgotten_password_is_replaced_and_the_lock_taken_off(run, session, cast, clock, stamp):
    he = cast.staff["he"]
    he.failed_count, he.locked_until = 9, clock() + timedelta(hours=1)
    assert "locked" in next(line for line in run("staff", "list").stdout.splitlines() if line.startswith("he "))
    assert "0 sessions ended" in run("staff", "reset-password", "he", "--password-stdin", stdin="a long enough one\n").output
    assert try_password(stamp, "he", "a long enough one").signed_in.principal_id == he.id
    assert "1 sessions ended" in run("staff", "reset-password", "he", "--password-stdin", stdin="another long one\n").output


def test_a_lock_is_taken_off(run, session, cast, clock):
    cast.staff["he"].locked_until = clock() + timedelta(hours=1)
    run("staff", "unlock", "he")
    session.refresh(cast.staff["he"])
    assert cast.staff["he"].locked_until is None
    assert "staff_not_found" in run("staff", "unlock", "nobody", fails=True).stderr


def test_an_account_is_closed_once_its_cases_are_handed_over(run, session, cast, road):
    road.in_progress()
    posts = [(Role.HANDLER, cast.units["城市管理局"].id)]
    enrol_hashed(login="bei", name="贝城", password_hash="-", posts=posts)
    session.commit()  # a refused command rolls back what it found unstored
    told = run("staff", "close", "he", fails=True).stderr
    assert "owns_open_clocks" in told
    assert road.number in told
    assert "1 cases handed over, 0 left" in run("staff", "hand-over", "he", "bei").output
    assert "he is closed" in run("staff", "close", "he").output
    session.refresh(cast.staff["he"])
    assert not cast.staff["he"].active
    assert "he  " not in run("staff", "list").stdout
    assert "closed" in next(line for line in run("staff", "list", "--closed").stdout.splitlines() if line.startswith("he "))
