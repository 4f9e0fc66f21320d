"""Sign-in of residents: by a code of WeChat alone, which is asked outside any transaction, and whose secrets stay inside."""

import pytest
from sqlalchemy import func, select, text

from app.core.database import db
from app.people.models import Resident, Session
from app.wechat.errors import LoginCodeSpent, WechatBusy
from app.wechat.gateway import WechatLogin
from tests.callers import GRID, MINIPROGRAM, Caller, resident_caller


def test_a_code_of_wechat_signs_in_and_the_token_is_all_that_comes_back(client, cast):
    answer = client.post(f"{MINIPROGRAM}/sign-in", json={"code": "dev:lin"})
    assert answer.status_code == 201
    assert set(answer.json) == {"token", "ends_at"}
    lin = Caller(client, MINIPROGRAM, answer.json["token"])
    assert lin.get("/me").json["name"] == "林**"


def test_a_newcomer_gets_an_account_at_the_first_sign_in_and_keeps_it(client, session):
    before = session.scalar(select(func.count()).select_from(Resident))
    resident_caller(client, "newcomer").put("/me", {"name": "何小满"})
    assert resident_caller(client, "newcomer").get("/me").json["name"] == "何**"
    assert session.scalar(select(func.count()).select_from(Resident)) == before + 1


@pytest.mark.parametrize("body", [{"code": "not a code"}, {"code": ""}, {}, {"code": 5}, {"code": "dev:lin", "openid": "x"}])
def test_a_bad_code_signs_nobody_in(client, body):
    answer = client.post(f"{MINIPROGRAM}/sign-in", json=body)
    assert answer.status_code in (401, 422)
    assert answer.content_type.startswith("application/problem+json")


class Listening:
    """A gateway that notes whether a transaction is open while it is asked."""

    def __init__(self, failure=None):
        self.failure, self.seen = failure, []

    def code_to_session(self, code):
        idle = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'")
        with db.engine.connect() as other:
            self.seen.append((db.session().in_transaction(), other.scalar(idle)))
        if self.failure:
            raise self.failure
        return WechatLogin("wx-test", "dev-lin")


@pytest.fixture
def with_wechat(committed, make_app):
    """Makes an app with another gateway, on a database in which everything is really committed."""
    made = []

    def make(wechat):
        made.append(make_app(committed.config["SQLALCHEMY_DATABASE_URI"], wechat=wechat))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def test_wechat_is_asked_outside_any_transaction(with_wechat):
    wechat = Listening()
    resident_caller(with_wechat(wechat).test_client(), "whoever")
    assert wechat.seen == [(False, 0)]


@pytest.mark.parametrize(
    ("failure", "status", "code"), [(WechatBusy(retry_after=10), 503, "wechat_busy"), (LoginCodeSpent(), 401, "login_code_spent")]
)
def test_when_wechat_fails_the_phone_is_told_what_to_do(with_wechat, failure, status, code):
    app = with_wechat(Listening(failure))
    with app.app_context():
        before = db.session.scalar(select(func.count()).select_from(Session))
    answer = app.test_client().post(f"{MINIPROGRAM}/sign-in", json={"code": "x"})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Session)) == before


def test_a_flood_of_sign_ins_from_one_address_is_stopped_and_others_are_not(client, cast):
    answers = [client.post(f"{MINIPROGRAM}/sign-in", json={"code": "wrong"}) for _ in range(121)]
    assert [answer.status_code for answer in answers[:120]] == [401] * 120
    assert answers[120].status_code == 429
    assert int(answers[120].headers["Retry-After"]) > 0
    elsewhere = client.post(f"{MINIPROGRAM}/sign-in", json={"code": "dev:lin"}, environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert elsewhere.status_code == 201


def test_signing_out_ends_the_token(lin):
    assert lin.post("/sign-out", key=None).status_code == 204
    assert lin.get("/me").status_code == 401


def test_a_token_ends_when_it_was_not_used_for_a_month(lin, clock):
    clock.advance(days=29)
    assert lin.get("/me").status_code == 200
    clock.advance(days=29)
    assert lin.get("/me").status_code == 200
    clock.advance(days=31)
    assert lin.get("/me").status_code == 401


def test_a_residents_token_opens_no_other_door(client, lin):
    assert Caller(client, GRID, lin.token).get("/me").status_code == 403


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/me"), ("PUT", "/me"), ("POST", "/sign-out"), ("POST", "/reports"), ("POST", "/anonymous-reports"), ("GET", "/cases"),
    ("GET", "/cases/1"), ("POST", "/cases/1/supplements"), ("POST", "/cases/1/information"), ("POST", "/cases/1/rating"),
    ("POST", "/claims"),
])  # fmt: skip
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic bGluOmxpbg=="}])
def test_without_a_token_nothing_of_ones_own_opens(client, method, path, headers):
    answer = client.open(MINIPROGRAM + path, method=method, json={}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_ones_own_phone_comes_back_masked(lin):
    assert lin.put("/me", {"phone": "+86 139 1234 5678"}).json == {"name": "林**", "phone": "139****5678", "grid": None}


@pytest.mark.parametrize(
    ("body", "field"), [({"phone": "12"}, "phone"), ({"name": "长" * 41}, "name"), ({"id_number": "x"}, "id_number")]
)
def test_a_wrong_name_or_phone_is_refused_by_field(lin, body, field):
    answer = lin.put("/me", body)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    assert lin.get("/me").json["phone"] == "138****0001"
