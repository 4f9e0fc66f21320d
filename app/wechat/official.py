"""Keeps the talk with WeChat's own servers, and the secret inside it: no error or log record that leaves here bears a URL."""

import json
import logging
import re
from functools import partial
from io import BytesIO
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError
from urllib3.util import Timeout
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from app.core.errors import Refusal
from app.wechat.errors import (
    LoginCodeInvalid,
    LoginCodeSpent,
    WechatBusy,
    WechatMisconfigured,
    WechatRefusedUser,
    WechatTooOften,
    WechatUnavailable,
)
from app.wechat.gateway import WechatLogin

log = logging.getLogger(__name__)

_LONGEST_ANSWER = 65_536
_CODE = re.compile(r"[!-~]{1,512}")
_ID = re.compile(r"[!-~]{1,128}")
_QUERY = re.compile(r"\?[^\s\"']*")


def _without_query(record: logging.LogRecord) -> bool:
    """Cut every query string from a log record, for there stand the secret and the code."""
    said = record.getMessage()
    if "?" in said:
        record.msg, record.args = _QUERY.sub("?…", said), ()
    return True


# At DEBUG urllib3 logs each request with its whole path.
logging.getLogger("urllib3.connectionpool").addFilter(_without_query)


class OfficialGateway:
    """Signs in through WeChat's servers, with a connection of its own for each call, so any number of threads may use it.

    Sign-ins are rare, and a kept connection that WeChat has just dropped would cost a person their code.
    """

    def __init__(self, *, base_url: str, appid: str, secret: str, timeout: float) -> None:
        """Talk to `base_url` as mini-program `appid`, giving up after `timeout` seconds; raises `WechatMisconfigured`."""
        place = urlsplit(base_url)
        if place.scheme != "https" and not (place.scheme == "http" and place.hostname in {"127.0.0.1", "::1", "localhost"}):
            raise WechatMisconfigured("WECHAT_BASE_URL 必须以 https:// 开头（本机地址除外），否则密钥会被明文传送")
        if not (appid and secret):
            raise WechatMisconfigured("WECHAT_GATEWAY=official 需要设置 WECHAT_APPID 和 WECHAT_SECRET")
        if timeout <= 0:
            raise WechatMisconfigured("WECHAT_TIMEOUT 必须大于 0（秒）")
        self._base_url = base_url.rstrip("/") + "/"
        self._appid = appid
        self._secret = secret
        self._timeout = timeout

    def code_to_session(self, code: str) -> WechatLogin:
        """Exchange the code of `wx.login` for who it is, by `GET /sns/jscode2session`, asked once and never again."""
        if not _CODE.fullmatch(code):
            raise LoginCodeInvalid
        try:
            return self._login(self._ask(code))
        except Exception as error:
            # Whatever requests or wechatpy raise holds the request, and that the secret: nothing of it may go on.
            failure = _failure(error)
        # Raised outside the handler, so that the error of the library is not even its context.
        raise failure

    def _ask(self, code: str) -> Any:
        """Send the code and give WeChat's answer; raises what requests and wechatpy raise."""
        client = WeChatClient(self._appid, self._secret, timeout=Timeout(total=self._timeout), auto_retry=False)
        with client._http as http:
            # Proxies and passwords from the environment are not for the secret: all settings stand in config.py.
            http.trust_env = False
            return client.get(
                "sns/jscode2session",
                api_base_url=self._base_url,
                params={
                    "appid": self._appid,
                    "secret": self._secret,
                    "js_code": code,
                    "grant_type": "authorization_code",
                    # Named, wechatpy fetches none; None, requests sends none.
                    "access_token": None,
                },
                headers={"Accept-Encoding": "identity"},
                allow_redirects=False,
                hooks={"response": partial(_read_answer, give_up_at=monotonic() + self._timeout)},
            )

    def _login(self, answer: Any) -> WechatLogin:
        """Take who signed in out of WeChat's answer; raises `ValueError` for an answer that names nobody."""
        openid, unionid = answer.get("openid"), answer.get("unionid") or None
        for name in [openid] if unionid is None else [openid, unionid]:
            if not (isinstance(name, str) and _ID.fullmatch(name)):
                raise ValueError("the answer names nobody")
        return WechatLogin(self._appid, openid, unionid)


def _read_answer(response: requests.Response, *, give_up_at: float, **_: object) -> None:
    """Read an answer whole, in time, and let only a JSON object with status 200 pass.

    wechatpy would give back an HTML page as if it were a result, and requests' time-out begins anew with every byte.
    """
    try:
        if response.status_code != requests.codes.ok:
            raise requests.HTTPError(str(response.status_code))
        body = b""
        while part := response.raw.read1(_LONGEST_ANSWER, decode_content=False):
            body += part
            if len(body) > _LONGEST_ANSWER or monotonic() > give_up_at:
                raise ValueError("the answer is too long or too slow")
        if not isinstance(json.loads(body), dict):
            raise ValueError("the answer is no JSON object")
    finally:
        response.raw.close()
    response.raw = BytesIO(body)


def _failure(error: Exception) -> Refusal:
    """Give the refusal for what went wrong, and log its kind without words of others."""
    reason: object = type(error).__name__
    level = logging.WARNING
    refusal: Refusal
    if isinstance(error, WeChatClientException):
        reason, refusal = error.errcode, _refusal(error.errcode)
        level = logging.WARNING if isinstance(refusal, WechatUnavailable) else logging.INFO
    elif isinstance(error, requests.HTTPError) or _never_reached(error):
        refusal = WechatBusy(retry_after=10)
    else:
        # The code was sent and no usable answer came back: it must be taken as used.
        refusal = LoginCodeSpent()
    log.log(level, "WeChat did not sign anybody in: %s (%s)", refusal.code(), reason)
    return refusal


def _never_reached(error: Exception) -> bool:
    """Tell whether the request cannot have arrived: no name, no connection, no TLS."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return True
    return isinstance(error, requests.ConnectionError) and bool(error.args) and isinstance(error.args[0], MaxRetryError)


def _refusal(errcode: int) -> Refusal:
    """Give the refusal for an errcode of `/sns/jscode2session`; one that is not documented counts as busy."""
    match errcode:
        case 40029 | 41008:
            return LoginCodeInvalid()
        case 40163:
            return LoginCodeSpent()
        case 40226:
            return WechatRefusedUser()
        case 45011:
            return WechatTooOften(retry_after=60)
        case 40001 | 40002 | 40013 | 40125 | 40164 | 41002 | 41004 | 48001:
            return WechatMisconfigured(retry_after=600)
        case _:
            return WechatBusy(retry_after=5)
