"""Keeps what a visit log must be before it is stored: pure checks of its times, its outcome and its needs."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from app.core.errors import Invalid
from app.ledger.intake.submission import has_control
from app.ledger.vocabulary import Kind
from app.people.identity import Person
from app.visits.models import VisitOutcome

AHEAD = timedelta(minutes=5)
"""How far a phone's clock may be ahead before a visit counts as one in the future."""

NEEDS_MOST = 20
UNHEARD = frozenset({VisitOutcome.NOBODY_HOME, VisitOutcome.VACANT})
"""Outcomes at which nobody was there to say anything."""


class VisitInFuture(Invalid):
    """走访时间不能晚于现在"""


class VisitUnfit(Invalid):
    """走访记录需要修改"""


@dataclass(frozen=True, kw_only=True)
class Need:
    """One need heard at a visit; `answer` is what the grid worker answered on the spot, which closes it."""

    body: str
    title: str | None = None
    kind: Kind = Kind.OTHER
    category_id: int | None = None
    confidential: bool = False
    answer: str | None = None


@dataclass(frozen=True, kw_only=True)
class VisitLog:
    """A visit as the phone tells it: its own key, whom, when, how it went, what was found, what was needed.

    `household_id` or `grid` (its code) says where. Who was met is a resident on the roster, or a person told by name and number.
    """

    key: UUID
    outcome: VisitOutcome
    visited_at: datetime
    phone_at: datetime
    household_id: int | None = None
    grid: str | None = None
    resident_id: int | None = None
    person: Person | None = None
    findings: str | None = None
    needs: tuple[Need, ...] = field(default_factory=tuple)


def check_visit(log: VisitLog, at: datetime, *, text_limit: int) -> None:
    """Raise VisitInFuture or VisitUnfit unless the log may be stored at `at` (the server's time)."""
    if log.visited_at > at + AHEAD:
        raise VisitInFuture("请核对手机的日期和时间", errors={"visited_at": ["走访时间不能晚于现在，请核对手机的日期和时间"]})
    errors: dict[str, list[str]] = {}
    findings = fit_findings(log.findings)
    if findings is not None and len(findings) > text_limit:
        errors["findings"] = [f"走访情况请不超过 {text_limit} 个字，现在是 {len(findings)} 个字"]
    elif findings is not None and has_control(findings):
        errors["findings"] = ["走访情况里有看不见的控制字符，请重新输入"]
    if log.household_id is None and log.grid is None:
        errors["household_id"] = ["请选择走访的户或网格"]
    if log.resident_id is not None and log.person is not None:
        errors["person"] = ["已选择居民，不用再填写姓名和电话"]
    if log.needs and log.outcome in UNHEARD:
        errors["needs"] = ["没有见到人，不能登记诉求；看到的问题请另行上报"]
    if len(log.needs) > NEEDS_MOST:
        errors["needs"] = [f"一次走访最多登记 {NEEDS_MOST} 件诉求"]
    if errors:
        raise VisitUnfit(errors=errors)


def fit_findings(findings: str | None) -> str | None:
    """Give findings as they are stored: NFC, outer blanks dropped; nothing for blanks alone."""
    return unicodedata.normalize("NFC", findings or "").strip() or None
