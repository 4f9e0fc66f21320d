"""Keeps how terms are written in Chinese and read again, as catalogues and sheets have them: `5 个工作日`, `30 分钟`."""

import re

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
