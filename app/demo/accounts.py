"""Keeps the list of demo accounts as people read it: on the landing page and at the end of `make run`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """A demo account: login, who it is, what it does, at which door."""

    login: str
    name: str
    work: str
    door: str


ACCOUNTS = (
    Account("fang", "方晓", "受理员：登记、受理、答复", "坐席台"),
    Account("du", "杜衡", "派单员：派给主办、协办单位", "坐席台"),
    Account("he", "何城", "城市管理局承办人：签收、联系、反馈", "坐席台"),
    Account("qin", "秦越", "核验员：核验办理结果", "坐席台"),
    Account("lu", "陆瑶", "回访员：回访群众", "坐席台"),
    Account("sun", "孙督", "督办员：看超时工单", "坐席台"),
    Account("ma", "马班", "值班长：审批不予受理、接收告警", "坐席台"),
    Account("zhou", "周格", "柳林村网格员：走访登记", "网格端"),
    Account("wu", "吴村", "柳林村村干部：为老人代办", "网格端"),
    Account("admin", "管理员", "管理员", "命令行"),
)
RESIDENT_CODES = (("dev:lin", "林秀英"), ("dev:chen", "陈国强"))
"""Codes that the development gateway takes for wx.login codes."""
