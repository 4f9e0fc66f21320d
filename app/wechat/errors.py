"""Keeps the ways in which a sign-in through WeChat is refused, each with what the mini-program should do next."""

from app.core.errors import NotAllowed, Refusal, TooMany, Unauthenticated


class LoginCodeInvalid(Unauthenticated):
    """登录凭证无效或已过期，请重新登录

    WeChat does not know the code, or it is older than five minutes. The client calls wx.login again.
    """


class LoginCodeSpent(Unauthenticated):
    """登录没有完成，请重新登录

    The code was used before, or WeChat's answer to it was lost, which uses it up as well. The client calls wx.login again.
    """


class WechatRefusedUser(NotAllowed):
    """微信提示此账号存在风险，暂时不能登录；您仍可拨打热线或请网格员代为反映"""


class WechatTooOften(TooMany):
    """登录太频繁，请稍后再试"""


class WechatUnavailable(Refusal):
    """微信登录暂时不可用，请稍后再试

    The family of failures that are not the person's. The client waits `retry_after` seconds, then calls wx.login again.
    """

    status = 503

    def __init__(self, detail: str = "", /, *, retry_after: int = 60, **facts: object) -> None:
        """Refuse for now; `retry_after` is in seconds."""
        super().__init__(detail, **facts)
        self.retry_after = retry_after


class WechatBusy(WechatUnavailable):
    """微信系统繁忙，请稍后再登录"""


class WechatMisconfigured(WechatUnavailable):
    """微信登录的设置有误，请联系系统管理员"""


class WechatSwitchedOff(WechatUnavailable):
    """本系统没有开通微信登录"""
