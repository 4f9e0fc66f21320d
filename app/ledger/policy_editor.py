"""Keeps the editing of deadline policies: a change is a new version from a moment on; running clocks keep theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.stamp import Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import DeadlinePolicy
from app.ledger.policies import On, Step, ladder_from_json, ladder_to_json
from app.ledger.policy_changes import check_administrator, check_reader, note_change
from app.ledger.terms import HoursKind, Term, Unit
from app.ledger.vocabulary import Clock, Kind


class PolicyUnfit(Invalid):
    """时限规则有误"""


class PolicyNotFound(NotFound):
    """没有这条时限规则"""


class PolicyChanged(Conflict):
    """这条规则刚刚有了新的版本，请刷新后再改"""

    status = 412


class LastDefault(Conflict):
    """这是这种时限的最后一条通用规则，不能停用"""


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


@dataclass(frozen=True, kw_only=True)
class PolicyView:
    """One version of a policy. `effective_from` is None for what has held from the beginning."""

    id: int
    code: str
    version: int
    clock: Clock
    urgent: bool | None
    category_id: int | None
    category: str | None
    kind: Kind | None
    amount: int
    unit: Unit
    hours: HoursKind
    ladder: list[Any]
    active: bool
    effective_from: datetime | None


_SCOPE = ("clock", "urgent", "category_id", "kind")


def policies_list(stamp: Stamp, *, clock: Clock | None = None, code: str | None = None, old: bool = False) -> list[PolicyView]:
    """Give the policies by clock and code, the newest version first; `old` adds versions and policies that hold no more."""
    check_reader(stamp)
    query = select(DeadlinePolicy).order_by(DeadlinePolicy.clock, DeadlinePolicy.code, DeadlinePolicy.version.desc())
    if clock is not None:
        query = query.where(DeadlinePolicy.clock == clock)
    if code is not None:
        query = query.where(DeadlinePolicy.code == code)
    rows, seen = [], set()
    for row in db.session.scalars(query):
        in_force = row.active and (row.effective_from is None or row.effective_from <= stamp.at)
        if old or (row.active and row.code not in seen):
            rows.append(_view(row))
        if in_force:
            seen.add(row.code)
    return rows


def publish_policy(
    stamp: Stamp,
    draft: PolicyDraft,
    *,
    reason: str,
    effective_from: datetime | None = None,
    version: int | None = None,
) -> PolicyView:
    """Publish a policy, or a new version of one, that holds for clocks which start from `effective_from` (now) on.

    `version` is the version that was seen (None for a policy that is new). Raises PolicyUnfit, PolicyChanged,
    RulesAreTheAdministrators, ReasonNeeded.
    """
    check_administrator(stamp)
    _, ladder = check_draft(draft)
    if effective_from is not None and effective_from < stamp.at:
        raise PolicyUnfit(errors={"effective_from": ["生效时间不能早于现在"]})
    versions = _locked(draft.code)
    newest = versions[-1] if versions else None
    if (newest.version if newest else None) != version:
        raise PolicyChanged(version=newest.version if newest else None)
    if newest is not None and any(getattr(newest, name) != getattr(draft, name) for name in _SCOPE):
        raise PolicyUnfit(errors={"code": ["同一条规则的适用范围不能改，请另建一条"]})
    if newest is None or not newest.active:
        _check_alone(draft)
    row = DeadlinePolicy(
        code=draft.code,
        version=(newest.version if newest else 0) + 1,
        **{name: getattr(draft, name) for name in (*_SCOPE, "amount", "unit", "hours")},
        ladder=ladder_to_json(ladder),
        effective_from=effective_from or stamp.at,
    )
    db.session.add(row)
    db.session.flush()
    note_change(stamp, f"policy:{draft.code}", before=_plain(newest), after=_plain(row), reason=reason)
    catalogue.forget()
    return _view(row)


def end_policy(stamp: Stamp, code: str, *, reason: str) -> list[PolicyView]:
    """Let a policy hold for no new clock; running ones keep it. Raises PolicyNotFound, LastDefault."""
    check_administrator(stamp)
    versions = _locked(code)
    if not versions or not versions[-1].active:
        raise PolicyNotFound
    last = versions[-1]
    if (last.urgent, last.category_id, last.kind) == (None, None, None):
        raise LastDefault
    before = _plain(last)
    for row in versions:
        row.active = False
    db.session.flush()
    note_change(stamp, f"policy:{code}", before=before, after=None, reason=reason)
    catalogue.forget()
    return [_view(row) for row in versions]


def _locked(code: str) -> list[DeadlinePolicy]:
    query = select(DeadlinePolicy).where(DeadlinePolicy.code == code).order_by(DeadlinePolicy.version).with_for_update()
    return list(db.session.scalars(query))


def _check_alone(draft: PolicyDraft) -> None:
    """Refuse a second policy for exactly the same cases: nobody could say which of the two holds."""
    same = [getattr(DeadlinePolicy, name).is_not_distinct_from(getattr(draft, name)) for name in _SCOPE]
    query = select(DeadlinePolicy.code).where(DeadlinePolicy.active, DeadlinePolicy.code != draft.code, *same)
    other = db.session.scalars(query).first()
    if other is not None:
        raise PolicyUnfit(errors={"code": [f"已有适用范围相同的规则：{other}"]})


def check_draft(draft: PolicyDraft) -> tuple[Term, tuple[Step, ...]]:
    """Give the term and ladder of a draft; raises PolicyUnfit naming the field, WrongTerm."""
    if draft.category_id is not None:
        catalogue().category(draft.category_id)
    term = Term(draft.amount, draft.unit, draft.hours)
    try:
        ladder = ladder_from_json([_whole(row) for row in draft.ladder])
    except (KeyError, ValueError, TypeError):
        raise PolicyUnfit(errors={"ladder": ["催办阶梯的写法有误"]}) from None
    if [step.level for step in ladder] != list(range(1, len(ladder) + 1)):
        raise PolicyUnfit(errors={"ladder": ["级别要从 1 开始逐级排列"]})
    order = {On.AMBER: 0, On.DUE: 1, On.AFTER: 2}
    if sorted(ladder, key=lambda step: (order[step.on], step.level)) != list(ladder):
        raise PolicyUnfit(errors={"ladder": ["先临期、再到期、后超期"]})
    for step in ladder:
        if (step.on is On.AFTER) != (step.after is not None):
            raise PolicyUnfit(errors={"ladder": [f"第 {step.level} 级：超期后的级别要写明超期多久，其他级别不写"]})
        if not step.tell and not step.does:
            raise PolicyUnfit(errors={"ladder": [f"第 {step.level} 级没有写明提醒谁"]})
    lengths = [step.after.length() for step in ladder if step.after is not None]
    if lengths != sorted(lengths):
        raise PolicyUnfit(errors={"ladder": ["超期越久级别越高"]})
    return term, ladder


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    return {"after": None, "does": (), "tell": ()} | row


def _plain(row: DeadlinePolicy | None) -> dict[str, Any] | None:
    if row is None:
        return None
    same = ("version", "clock", "urgent", "category_id", "kind", "amount", "unit", "hours", "ladder")
    told = {name: getattr(row, name) for name in same}
    told = {name: value.value if hasattr(value, "value") else value for name, value in told.items()}
    return told | {"effective_from": row.effective_from.isoformat() if row.effective_from else None}


def _view(row: DeadlinePolicy) -> PolicyView:
    same = ("id", "code", "version", "clock", "urgent", "category_id", "kind", "amount", "unit", "hours", "ladder", "active",
            "effective_from")  # fmt: skip
    category = catalogue().category(row.category_id).path if row.category_id is not None else None
    return PolicyView(**{name: getattr(row, name) for name in same}, category=category)
