"""Keeps what Minhu asks of WeChat at sign-in, whoever answers: WeChat itself, the development stand-in, or nobody."""

from dataclasses import dataclass
from typing import Protocol

from app.wechat.errors import WechatSwitchedOff


@dataclass(frozen=True)
class WechatLogin:
    """Who WeChat says signed in: an openid holds within its appid only. The session_key is left out, so nothing can leak it."""

    appid: str
    openid: str
    unionid: str | None = None


class WechatGateway(Protocol):
    """The way to WeChat; one object serves all threads."""

    def code_to_session(self, code: str) -> WechatLogin:
        """Exchange the code of `wx.login` for who it is; raises the errors of `app.wechat.errors` and nothing else.

        A code works once and for five minutes. After any error the client gets itself a new one: the same is never sent twice.
        """
        ...


class SwitchedOffGateway:
    """The gateway of a county that has no WeChat sign-in: it refuses everybody."""

    def code_to_session(self, code: str) -> WechatLogin:
        """Refuse with `WechatSwitchedOff`."""
        raise WechatSwitchedOff
