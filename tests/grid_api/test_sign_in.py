"""Sign-in of staff at the grid door: by password, locked after five failures, the same words for whoever does not exist."""

import pytest

from app.demo.cast import PASSWORD
from tests.callers import GRID, MINIPROGRAM, Caller, grid_caller


def sign_in(client, login, password, address="127.0.0.1"):
    body = {"login": login, "password": password}
    return client.post(f"{GRID}/sign-in", json=body, environ_base={"REMOTE_ADDR": address})


def test_zhou_signs_in_and_sees_posts_and_grids(zhou, cast):
    assert zhou.get("/me").json == {
        "login": "zhou",
        "name": "周格",
        "posts": [{"role": "grid_worker", "role_label": "网格员", "unit": "柳林村", "unit_code": cast.units["柳林村"].code}],
        "grids": [{"code": cast.grids["柳林村一网格"].code, "name": "柳林村一网格"}],
    }


def test_a_wrong_password_and_an_unknown_login_are_told_alike(client, cast):
    wrong, unknown = sign_in(client, "zhou", "wrong"), sign_in(client, "nobody", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert {**wrong.json, "request_id": ""} == {**unknown.json, "request_id": ""}


def test_five_failures_lock_the_account_and_the_lock_survives_the_refusals(client, cast, clock):
    assert [sign_in(client, "zhou", "wrong").status_code for _ in range(5)] == [401] * 5
    locked = sign_in(client, "zhou", PASSWORD)
    assert (locked.status_code, locked.json["code"]) == (429, "sign_in_locked")
    assert int(locked.headers["Retry-After"]) > 0
    assert sign_in(client, "wu", PASSWORD).status_code == 201
    clock.advance(minutes=2)
    assert sign_in(client, "zhou", PASSWORD).status_code == 201


def test_who_tries_many_accounts_from_one_address_is_stopped(client, cast):
    answers = [sign_in(client, f"nobody{place}", "wrong", "10.0.0.1").status_code for place in range(61)]
    assert answers == [401] * 60 + [429]
    assert sign_in(client, "zhou", PASSWORD, "10.0.0.2").status_code == 201


@pytest.mark.parametrize(
    "body", [{}, {"login": "zhou"}, {"login": "", "password": ""}, {"login": "zhou", "password": PASSWORD, "x": 1}]
)
def test_a_sign_in_without_shape_is_refused(client, body):
    assert client.post(f"{GRID}/sign-in", json=body).status_code == 422


def test_signing_out_ends_the_token(zhou):
    assert zhou.post("/sign-out", key=None).status_code == 204
    assert zhou.get("/me").status_code == 401


def test_a_residents_token_does_not_open_the_grid_door(client, lin):
    assert Caller(client, GRID, lin.token).get("/cases").status_code == 403


def test_a_grid_workers_token_does_not_open_the_residents_door(client, zhou):
    assert Caller(client, MINIPROGRAM, zhou.token).get("/cases").status_code == 403


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/me"), ("POST", "/sign-out"), ("GET", "/grids"), ("GET", "/households"), ("GET", "/households/1"), ("POST", "/visits"),
    ("GET", "/filings"), ("POST", "/filings"), ("GET", "/cases"), ("GET", "/cases/1"), ("POST", "/cases/1/supplements"),
    ("POST", "/cases/1/information"), ("POST", "/cases/1/answer"),
])  # fmt: skip
def test_without_a_token_nothing_opens(client, method, path):
    assert client.open(GRID + path, method=method, json={}).status_code == 401


def test_a_handler_of_a_department_may_come_in_but_finds_no_grid_of_his(client, cast, visit, filing):
    he = grid_caller(client, "he", PASSWORD)
    assert he.get("/grids").json == []
    assert he.get("/households").json["items"] == []
    assert he.get("/cases").json["items"] == []
    assert (he.post("/visits", visit).status_code, he.post("/filings", filing).status_code) == (403, 403)
