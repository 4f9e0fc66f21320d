"""Enrolling staff from the command line: above all the first administrator."""

import pytest
from sqlalchemy import select

from app.core.stamp import Role
from app.people.models import Staff
from app.people.sessions import try_password

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
