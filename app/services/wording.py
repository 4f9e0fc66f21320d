"""Keeps how terms are written in Chinese and read again (`5 个工作日`, `30 分钟`), and what stands on an order's slip."""

import re

from app.ledger.numbers import in_fours
from app.ledger.terms import HoursKind, Term, Unit

_UNITS = {
    Unit.MINUTE: "分钟",
    Unit.WORKING_HOUR: "个工作小时",
    Unit.HOUR: "小时",
    Unit.WORKING_DAY: "个工作日",
    Unit.CALENDAR_DAY: "天",
}
_HOURS = {HoursKind.ALWAYS: "", HoursKind.DUTY: "（值班时间）", HoursKind.WORK: "（工作时间）"}
_READ = {
    "分钟": Unit.MINUTE, "工作小时": Unit.WORKING_HOUR, "小时": Unit.HOUR, "工作日": Unit.WORKING_DAY, "自然日": Unit.CALENDAR_DAY,
    "天": Unit.CALENDAR_DAY, "日": Unit.CALENDAR_DAY,
}  # fmt: skip
_TERM = re.compile(r"(\d{1,6})\s*个?\s*(分钟|工作小时|小时|工作日|自然日|天|日)\s*(?:[(（](值班|工作)时间[)）])?")
CLOCKED = (Unit.MINUTE, Unit.HOUR)
"""Units that have a choice of hours."""


def term_words(term: Term) -> str:
    """Give a term in words: `30 分钟`, `30 分钟（值班时间）`, `5 个工作日`."""
    return f"{term.amount} {_UNITS[term.unit]}" + (_HOURS[term.hours] if term.unit in CLOCKED else "")


def read_term(words: str) -> Term | None:
    """Give the term of `term_words` and what people write besides (`5工作日`); None for anything else. Raises WrongTerm for 0."""
    found = _TERM.fullmatch(words.strip())
    if found is None:
        return None
    unit = _READ[found[2]]
    if unit not in CLOCKED:
        return Term(int(found[1]), unit, HoursKind.WORK)
    hours = {"值班": HoursKind.DUTY, "工作": HoursKind.WORK}.get(found[3] or "", HoursKind.ALWAYS)
    return Term(int(found[1]), unit, hours)


def order_slip(number: str, claim_code: str, item: str) -> str:
    """Give the words that are printed for somebody for whom the village ordered a service."""
    return (
        f"您好！村里已经为您登记“{item}”。\n工单号：{in_fours(number)}\n查询码：{in_fours(claim_code)}\n"
        "凭这两个号码，您本人或家人可以在小程序“凭码查询”里查看进度、补充情况，办结后作出评价；也可以拨打热线查询。\n"
        "查询码只交给您本人，请不要告诉别人。如果您不需要这项服务，请告诉送单的人，或者拨打热线。"
    )
