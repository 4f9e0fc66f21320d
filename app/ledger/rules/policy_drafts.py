"""Keeps what a policy must be before it is published or tried out: its term, and a ladder that climbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from app.core.errors import Invalid
from app.ledger.catalogue import catalogue
from app.ledger.policies import On, Step, ladder_from_json, ladder_moments
from app.ledger.terms import HoursKind, Term, Unit
from app.ledger.vocabulary import Audience, Clock, Kind
from app.territory.calendar.queries import load_calendar


class PolicyUnfit(Invalid):
    """时限规则有误"""


@dataclass(frozen=True, kw_only=True)
class PolicyDraft:
    """A policy as an administrator writes it: for which cases, how long, and its ladder in the stored form."""

    code: str
    clock: Clock
    amount: int
    unit: Unit
    hours: HoursKind
    ladder: Sequence[dict[str, Any]]
    urgent: bool | None = None
    category_id: int | None = None
    kind: Kind | None = None


def check_draft(draft: PolicyDraft, at: datetime) -> tuple[Term, tuple[Step, ...]]:
    """Give the term and ladder of a draft; raises PolicyUnfit naming the field, WrongTerm, UnknownCategory."""
    if draft.category_id is not None:
        catalogue().category(draft.category_id)
    term = Term(draft.amount, draft.unit, draft.hours)
    try:
        ladder = ladder_from_json([_whole(row) for row in draft.ladder])
    except (KeyError, ValueError, TypeError):
        raise PolicyUnfit(errors={"ladder": ["催办阶梯的写法有误"]}) from None
    wrong = _wrong_with(draft.clock, ladder, at)
    if wrong is not None:
        raise PolicyUnfit(errors={"ladder": [wrong]})
    return term, ladder


def _wrong_with(clock: Clock, ladder: Sequence[Step], at: datetime) -> str | None:
    """Give what is wrong with a ladder, in words; None where it is right."""
    if [step.level for step in ladder] != list(range(1, len(ladder) + 1)):
        return "级别要从 1 开始逐级排列"
    for step in ladder:
        if (step.on is On.AFTER) != (step.after is not None):
            return f"第 {step.level} 级：超期后的级别要写明超期多久，其他级别不写"
        if not step.tell and not step.does:
            return f"第 {step.level} 级没有写明提醒谁"
        if Audience.ASKER in step.tell:
            return f"第 {step.level} 级：时限没有申请人可以提醒"
        if Audience.PERSONS in step.tell and (clock, step.on) != (Clock.INFO, On.AMBER):
            return f"第 {step.level} 级：群众只在补充材料临期时提醒"
    order = [(On.AMBER, On.DUE, On.AFTER).index(step.on) for step in ladder]
    if order != sorted(order) or order.count(0) > 1 or order.count(1) > 1:
        return "先临期、再到期、后超期，临期和到期各只一级"
    late = [step for step in ladder if step.on is On.AFTER]
    calendar = load_calendar(catalogue().county_id)
    moments = [moment for _, moment in ladder_moments(late, warn=at, due=at, calendar=calendar)]
    if any(later <= earlier for earlier, later in pairwise(moments)):
        return "超期越久级别越高"
    return None


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    return {"after": None, "does": (), "tell": ()} | row
