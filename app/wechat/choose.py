"""Keeps the choice of the WeChat gateway, which is always made by name."""

from app.wechat.development import DevelopmentGateway
from app.wechat.errors import WechatMisconfigured
from app.wechat.gateway import SwitchedOffGateway, WechatGateway
from config import Config


def gateway_for(config: Config) -> WechatGateway:
    """Give the gateway named by WECHAT_GATEWAY; raises `WechatMisconfigured`, naming the setting, where it cannot be had."""
    match config.wechat_gateway:
        case "off":
            return SwitchedOffGateway()
        case "development":
            return DevelopmentGateway(appid=config.wechat_appid, production=config.production)
        case "official":
            # wechatpy and requests cost a quarter of a second and 30 MB, so only those who sign in through WeChat pay.
            from app.wechat.official import OfficialGateway

            return OfficialGateway(
                base_url=config.wechat_base_url,
                appid=config.wechat_appid,
                secret=config.wechat_secret,
                timeout=config.wechat_timeout,
            )
        case other:
            raise WechatMisconfigured(f"WECHAT_GATEWAY 只能是 off、official 或 development，现在是“{other}”")
