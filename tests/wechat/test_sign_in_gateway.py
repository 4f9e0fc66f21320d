"""Keeps what sign-in through WeChat promises: every fault is a typed refusal, no code is sent twice, and no secret comes out."""

import json
import logging
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from threading import Barrier
from typing import Any

import pytest
import requests

from app.core.clock import FrozenClock
from app.core.errors import Refusal
from app.wechat import errors
from app.wechat.choose import gateway_for
from app.wechat.development import DevelopmentGateway
from app.wechat.gateway import WechatLogin
from app.wechat.official import OfficialGateway
from config import ROOT, TestConfig

from .peer import Fault, WechatPeer

APPID = "wx4f4bc4dec97d474b"
SECRET = "5ec7e75ec7e75ec7e75ec7e75ec7e700"
TIMEOUT = 0.4


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))


@pytest.fixture
def peer(clock: FrozenClock) -> Iterator[WechatPeer]:
    with WechatPeer(APPID, SECRET, clock) as running:
        yield running


@pytest.fixture
def gateway(peer: WechatPeer) -> OfficialGateway:
    return OfficialGateway(base_url=peer.url, appid=APPID, secret=SECRET, timeout=TIMEOUT)


def said_by(error: BaseException | None) -> str:
    """Give all that an error, its causes and its contexts could tell a log, a person or a crash reporter."""
    if error is None:
        return ""
    words = [str(error), repr(error), repr(error.args), repr(vars(error)), "".join(traceback.format_exception(error))]
    return "\n".join([*words, said_by(error.__cause__), said_by(error.__context__)])


def refused(gateway: OfficialGateway, code: str) -> Refusal:
    """Sign in, expect a refusal, and give it after looking it over for secrets."""
    with pytest.raises(Refusal) as caught:
        gateway.code_to_session(code)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    for secret in (SECRET, code, "secret=", "js_code="):
        assert secret not in said_by(error)
    return error


def test_a_fresh_code_signs_in(peer: WechatPeer, gateway: OfficialGateway) -> None:
    assert gateway.code_to_session(peer.issue_code("openid-lin", "union-lin")) == WechatLogin(APPID, "openid-lin", "union-lin")


def test_a_resident_without_a_unionid_signs_in(peer: WechatPeer, gateway: OfficialGateway) -> None:
    assert gateway.code_to_session(peer.issue_code("openid-lin")).unionid is None


def test_an_errcode_of_0_is_a_success(peer: WechatPeer, gateway: OfficialGateway) -> None:
    peer.errcode_in_success = True
    assert gateway.code_to_session(peer.issue_code("openid-lin")).openid == "openid-lin"


def test_only_the_four_documented_parameters_are_sent_and_no_access_token(peer: WechatPeer, gateway: OfficialGateway) -> None:
    code = peer.issue_code("openid-lin")
    gateway.code_to_session(code)
    (call,) = peer.calls
    assert (call.method, call.path) == ("GET", "/sns/jscode2session")
    assert call.query == {"appid": APPID, "secret": SECRET, "js_code": code, "grant_type": "authorization_code"}


def test_the_session_key_is_nowhere_in_what_comes_back(peer: WechatPeer, gateway: OfficialGateway) -> None:
    login = gateway.code_to_session(peer.issue_code("openid-lin"))
    assert peer.session_keys
    assert peer.session_keys[0] not in repr(login) + repr(vars(login)) + repr(vars(gateway))


def test_a_code_works_once(peer: WechatPeer, gateway: OfficialGateway) -> None:
    code = peer.issue_code("openid-lin")
    gateway.code_to_session(code)
    assert type(refused(gateway, code)) is errors.LoginCodeSpent


def test_a_code_is_dead_after_five_minutes(peer: WechatPeer, gateway: OfficialGateway, clock: FrozenClock) -> None:
    early, late = peer.issue_code("openid-lin"), peer.issue_code("openid-lin")
    clock.advance(minutes=5)
    gateway.code_to_session(early)
    clock.advance(seconds=1)
    assert type(refused(gateway, late)) is errors.LoginCodeInvalid


@pytest.mark.parametrize("code", ["", "the code is a mock one", "换", "a\r\nHost: x", "x" * 513])
def test_what_cannot_be_a_code_is_not_sent(peer: WechatPeer, gateway: OfficialGateway, code: str) -> None:
    with pytest.raises(errors.LoginCodeInvalid):
        gateway.code_to_session(code)
    assert peer.calls == []


@pytest.mark.parametrize(
    ("fault", "refusal", "status"),
    [
        (Fault.BUSY, errors.WechatBusy, 503),
        (Fault.TOO_OFTEN, errors.WechatTooOften, 429),
        (Fault.RISKY_USER, errors.WechatRefusedUser, 403),
        (Fault.BAD_GATEWAY, errors.WechatBusy, 503),
        (Fault.REDIRECT, errors.WechatBusy, 503),
        (Fault.HTML, errors.LoginCodeSpent, 401),
        (Fault.CUT_BODY, errors.LoginCodeSpent, 401),
        (Fault.ANSWER_LOST, errors.LoginCodeSpent, 401),
        (Fault.SILENCE, errors.LoginCodeSpent, 401),
        (Fault.DRIP, errors.LoginCodeSpent, 401),
        (b"", errors.LoginCodeSpent, 401),
        (b"[]", errors.LoginCodeSpent, 401),
        (b"{}", errors.LoginCodeSpent, 401),
        (b'{"openid": ""}', errors.LoginCodeSpent, 401),
        (b'{"openid": 7}', errors.LoginCodeSpent, 401),
        (b'{"openid": "a\\u0000b"}', errors.LoginCodeSpent, 401),
        (b'{"openid": "a", "unionid": ["b"]}', errors.LoginCodeSpent, 401),
        (b'{"openid": "a", "errcode": "x"}', errors.LoginCodeSpent, 401),
        (b'{"openid": "a", "errcode": null}', errors.LoginCodeSpent, 401),
        (b'{"openid": "\xff"}', errors.LoginCodeSpent, 401),
        (b"[" * 20_000, errors.LoginCodeSpent, 401),
        (b'{"openid": "a"}' + b" " * 70_000, errors.LoginCodeSpent, 401),
        (b'{"errcode": 87014, "errmsg": "not documented here"}', errors.WechatBusy, 503),
        (b'{"errcode": 40001, "errmsg": "invalid credential"}', errors.WechatMisconfigured, 503),
        (b'{"errcode": "40029", "errmsg": "invalid code"}', errors.LoginCodeInvalid, 401),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else repr(value)[:40],
)
def test_a_fault_is_a_typed_refusal_within_the_time_out_and_the_code_is_sent_once(
    peer: WechatPeer, gateway: OfficialGateway, fault: Fault | bytes, refusal: type[Refusal], status: int
) -> None:
    peer.misbehave(fault)
    began = time.monotonic()
    error = refused(gateway, peer.issue_code("openid-lin"))
    assert time.monotonic() - began < TIMEOUT + 1
    assert type(error) is refusal
    assert error.status == status
    assert not any(key in said_by(error) for key in peer.session_keys)
    if status in {429, 503}:
        assert vars(error)["retry_after"] > 0
    assert [call.path for call in peer.calls] == ["/sns/jscode2session"]


def test_after_a_lost_answer_the_same_code_is_spent_and_a_new_one_signs_in(peer: WechatPeer, gateway: OfficialGateway) -> None:
    lost = peer.issue_code("openid-lin")
    peer.misbehave(Fault.ANSWER_LOST)
    refused(gateway, lost)
    assert type(refused(gateway, lost)) is errors.LoginCodeSpent
    assert gateway.code_to_session(peer.issue_code("openid-lin")).openid == "openid-lin"


@pytest.mark.parametrize("wrong", [{"appid": "wx0000000000000000"}, {"secret": SECRET[::-1]}])
def test_a_wrong_appid_or_secret_is_the_operators_fault(peer: WechatPeer, wrong: dict[str, str]) -> None:
    settings = {"base_url": peer.url, "appid": APPID, "secret": SECRET} | wrong
    error = refused(OfficialGateway(**settings, timeout=TIMEOUT), peer.issue_code("openid-lin"))
    assert type(error) is errors.WechatMisconfigured
    assert settings["secret"] not in said_by(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_wechat_that_is_down_is_busy(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = OfficialGateway(base_url=f"{scheme}://127.0.0.1:{port}", appid=APPID, secret=SECRET, timeout=TIMEOUT)
    assert type(refused(nowhere, "0a")) is errors.WechatBusy


def test_a_peer_without_tls_never_hears_the_secret(peer: WechatPeer) -> None:
    gateway = OfficialGateway(base_url=peer.url.replace("http:", "https:"), appid=APPID, secret=SECRET, timeout=TIMEOUT)
    assert type(refused(gateway, peer.issue_code("openid-lin"))) is errors.WechatBusy
    assert peer.calls == []


@pytest.mark.parametrize("fault", [None, *Fault])
def test_no_log_record_holds_a_secret_even_at_debug(
    peer: WechatPeer, gateway: OfficialGateway, caplog: pytest.LogCaptureFixture, fault: Fault | None
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3.connectionpool")
    caplog.set_level(logging.DEBUG, logger="wechatpy")
    code = peer.issue_code("openid-lin")
    if fault is None:
        gateway.code_to_session(code)
    else:
        peer.misbehave(fault)
        refused(gateway, code)
    told = "\n".join(logging.Formatter().format(record) + repr(vars(record)) for record in caplog.records)
    assert "urllib3.connectionpool" in told
    if fault not in {Fault.ANSWER_LOST, Fault.SILENCE}:
        assert "/sns/jscode2session?…" in told
    for secret in (SECRET, code, *peer.session_keys):
        assert secret not in told
    assert ("WeChat did not sign anybody in" in told) is (fault is not None)


def at_once(calls: list[Callable[[], WechatLogin]]) -> list[WechatLogin | Refusal]:
    """Make all calls at the same moment, each on a thread of its own, and give what came of each."""
    start = Barrier(len(calls))

    def one(call: Callable[[], WechatLogin]) -> WechatLogin | Refusal:
        start.wait(10)
        try:
            return call()
        except Refusal as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


def test_twenty_residents_sign_in_at_once_and_none_becomes_another(peer: WechatPeer) -> None:
    gateway = OfficialGateway(base_url=peer.url, appid=APPID, secret=SECRET, timeout=10)
    codes = {f"openid-{n}": peer.issue_code(f"openid-{n}") for n in range(20)}
    came = at_once([partial(gateway.code_to_session, code) for code in codes.values()])
    assert came == [WechatLogin(APPID, openid) for openid in codes]


def test_of_twenty_with_the_same_code_one_signs_in(peer: WechatPeer) -> None:
    gateway = OfficialGateway(base_url=peer.url, appid=APPID, secret=SECRET, timeout=10)
    code = peer.issue_code("openid-lin")
    came = at_once([partial(gateway.code_to_session, code)] * 20)
    assert came.count(WechatLogin(APPID, "openid-lin")) == 1
    assert sum(type(one) is errors.LoginCodeSpent for one in came) == 19


def test_proxies_of_the_environment_are_not_told_the_secret(
    peer: WechatPeer, gateway: OfficialGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nosy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{nosy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        assert gateway.code_to_session(peer.issue_code("openid-lin")).openid == "openid-lin"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("wechat_base_url", "http://api.weixin.qq.com"),
        ("wechat_base_url", ""),
        ("wechat_appid", ""),
        ("wechat_secret", ""),
        ("wechat_timeout", 0.0),
    ],
)
def test_official_names_the_setting_that_it_lacks(setting: str, value: str | float) -> None:
    settings: dict[str, Any] = {"wechat_gateway": "official", "wechat_appid": APPID, "wechat_secret": SECRET, setting: value}
    with pytest.raises(errors.WechatMisconfigured) as caught:
        gateway_for(TestConfig(**settings))
    assert setting.upper() in str(caught.value)
    assert SECRET not in said_by(caught.value)


def test_official_is_chosen_by_name_and_takes_the_settings(peer: WechatPeer) -> None:
    config = TestConfig(wechat_gateway="official", wechat_base_url=peer.url, wechat_appid=APPID, wechat_secret=SECRET)
    assert gateway_for(config).code_to_session(peer.issue_code("openid-lin")) == WechatLogin(APPID, "openid-lin")


def test_a_development_code_signs_in_as_its_name() -> None:
    gateway = gateway_for(TestConfig(wechat_gateway="development"))
    assert gateway.code_to_session("dev:lin") == WechatLogin("wx-test", "dev-lin")


@pytest.mark.parametrize("code", ["", "lin", "dev:", "dev:lin chen", "dev:林", "dev:lin\n", "xdev:lin"])
def test_the_development_gateway_believes_no_other_code(code: str) -> None:
    with pytest.raises(errors.LoginCodeInvalid):
        gateway_for(TestConfig(wechat_gateway="development")).code_to_session(code)


def test_the_development_gateway_refuses_production() -> None:
    with pytest.raises(errors.WechatMisconfigured, match="WECHAT_GATEWAY=development"):
        gateway_for(TestConfig(environment="production", wechat_gateway="development"))
    with pytest.raises(errors.WechatMisconfigured):
        DevelopmentGateway(appid=APPID, production=True)


def test_switched_off_nobody_signs_in() -> None:
    with pytest.raises(errors.WechatSwitchedOff) as caught:
        gateway_for(TestConfig(wechat_gateway="off")).code_to_session("dev:lin")
    assert caught.value.status == 503


@pytest.mark.parametrize("name", ["", "Development", "on"])
def test_a_gateway_must_be_named_rightly(name: str) -> None:
    with pytest.raises(errors.WechatMisconfigured, match="WECHAT_GATEWAY"):
        gateway_for(TestConfig(wechat_gateway=name))


def test_who_does_not_sign_in_through_wechat_does_not_load_its_library() -> None:
    program = (
        "import sys; from app.wechat.choose import gateway_for; from config import TestConfig; "
        "gateway_for(TestConfig()); print({'wechatpy', 'requests'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


def test_the_peer_gives_one_stable_token_until_its_last_five_minutes(peer: WechatPeer, clock: FrozenClock) -> None:
    asked = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}

    def token(**more: object) -> dict[str, object]:
        with requests.post(f"{peer.url}/cgi-bin/stable_token", data=json.dumps(asked | more), timeout=5) as response:
            return dict(response.json())

    first = token()
    assert first["expires_in"] == 7200
    clock.advance(seconds=6800)
    assert token() == {"access_token": first["access_token"], "expires_in": 400}
    clock.advance(seconds=100)
    renewed = token()
    assert renewed["access_token"] != first["access_token"]
    assert token(force_refresh=True)["access_token"] != renewed["access_token"]
    assert token(secret="x")["errcode"] == 40125
    assert token(grant_type="x")["errcode"] == 40002
