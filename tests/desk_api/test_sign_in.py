"""Sign-in of staff: who they are is told only to themselves, guessing is slow, and the answer never tells who exists."""

from statistics import median
from time import perf_counter

import pytest

from app.demo.cast import PASSWORD
from tests.desk_api.conftest import DESK, DeskCaller


@pytest.fixture
def sign_in(client):
    def post(login: str, password: str = PASSWORD, address: str = "127.0.0.1"):
        body = {"login": login, "password": password}
        return client.post(f"{DESK}/sign-in", json=body, environ_base={"REMOTE_ADDR": address})

    return post


def test_staff_sign_in_and_see_who_they_are(client, sign_in, cast):
    answer = sign_in("he")
    assert answer.status_code == 201
    me = DeskCaller(client, DESK, answer.json["token"]).get("/me").json
    assert (me["login"], me["name"]) == ("he", "何城")
    unit = cast.units["城市管理局"]
    assert me["posts"] == [{"role": "handler", "role_label": "承办人", "unit_code": unit.code, "unit": "城市管理局"}]


def test_signing_out_ends_the_session(client, sign_in):
    caller = DeskCaller(client, DESK, sign_in("fang").json["token"])
    assert caller.post("/sign-out", key=None).status_code == 204
    refused = caller.get("/me")
    assert (refused.status_code, refused.json["code"]) == (401, "token_invalid")


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(sign_in):
    wrong, unknown = sign_in("fang", "wrong"), sign_in("nobody", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    same = ("type", "title", "status", "code")
    assert {name: wrong.json[name] for name in same} == {name: unknown.json[name] for name in same}
    assert wrong.json.get("detail") == unknown.json.get("detail")


def test_a_wrong_password_and_an_unknown_login_take_the_same_time(sign_in):
    def seconds(login: str) -> float:
        started = perf_counter()
        sign_in(login, "wrong")
        return perf_counter() - started

    pairs = [(seconds("fang"), seconds("nobody")) for _ in range(3)]
    wrong, unknown = (median(times) for times in zip(*pairs, strict=True))
    assert unknown > wrong / 2  # a login that is not looked into would be done in a tenth of the time


@pytest.mark.parametrize("login", ["fang", "nobody"])
def test_after_five_failures_the_login_is_locked_whether_it_exists_or_not(sign_in, clock, login):
    for _ in range(5):
        assert sign_in(login, "wrong").status_code == 401
    locked = sign_in(login, "wrong")
    assert (locked.status_code, locked.json["code"]) == (429, "sign_in_locked")
    assert 0 < int(locked.headers["Retry-After"]) <= 61


def test_the_right_password_opens_once_the_lock_is_over(sign_in, clock):
    for _ in range(5):
        sign_in("fang", "wrong")
    assert sign_in("fang").status_code == 429
    clock.advance(seconds=61)
    assert sign_in("fang").status_code == 201


def test_one_address_cannot_try_many_accounts(sign_in):
    answers = [sign_in(f"login{number}", "wrong", "10.0.0.9") for number in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {401}
    assert answers[60].status_code == 429
    assert int(answers[60].headers["Retry-After"]) > 0
    assert sign_in("fang", PASSWORD, "10.0.0.9").status_code == 429  # the count was kept though the tries were refused
    assert sign_in("fang", PASSWORD, "10.0.0.10").status_code == 201


@pytest.mark.parametrize("body", [{}, {"login": "fang"}, {"login": "", "password": "x"}, {"login": "fang", "password": 5}, []])
def test_a_sign_in_without_its_words_is_refused_by_shape(client, body):
    assert client.post(f"{DESK}/sign-in", json=body).status_code == 422
