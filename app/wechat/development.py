"""Keeps the stand-in for WeChat on a developer's machine: whoever gives the code `dev:NAME` is NAME."""

import re

from app.wechat.errors import LoginCodeInvalid, WechatMisconfigured
from app.wechat.gateway import WechatLogin

_CODE = re.compile(r"dev:([A-Za-z0-9_-]{1,32})")


class DevelopmentGateway:
    """Believes every code `dev:NAME`, as often as it is given; therefore refuses to exist in production."""

    def __init__(self, *, appid: str, production: bool) -> None:
        """Stand in for the mini-program `appid`; raises `WechatMisconfigured` in production."""
        if production:
            raise WechatMisconfigured("生产环境不能使用 WECHAT_GATEWAY=development：任何人都能冒充他人登录")
        self._appid = appid or "wx-development"

    def code_to_session(self, code: str) -> WechatLogin:
        """Give openid `dev-NAME` for the code `dev:NAME` (letters, digits, - and _), else raise `LoginCodeInvalid`."""
        said = _CODE.fullmatch(code)
        if said is None:
            raise LoginCodeInvalid("开发环境的登录凭证应为 dev:名字（字母、数字、- 和 _）")
        return WechatLogin(self._appid, f"dev-{said[1]}")
