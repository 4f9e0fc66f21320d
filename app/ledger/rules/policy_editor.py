"""Keeps the editing of deadline policies: a change is a new version from a moment on; running clocks keep theirs.

Whatever was decided last speaks: a version that begins before one which is yet to come replaces that one too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, NotFound
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.catalogue import catalogue, policy_of
from app.ledger.clocks import DeadlinePolicy
from app.ledger.models import Category
from app.ledger.policies import Policy, Step, in_force, ladder_from_json, ladder_to_json, same_cases
from app.ledger.rules.policy_changes import PolicyChange, begin_change, check_reader, note_change
from app.ledger.rules.policy_drafts import PolicyDraft, PolicyUnfit, check_draft
from app.ledger.terms import HoursKind, Unit
from app.ledger.vocabulary import Clock, Kind, Rule, VersionState
from app.people.models import Staff


class PolicyNotFound(NotFound):
    """没有这条时限规则"""


class PolicyChanged(Conflict):
    """这条规则刚刚有了新的版本，请刷新后再改"""

    status = 412


class LastDefault(Conflict):
    """这是这种时限的通用规则，不能停用，只能修改"""


class PolicyOver(Conflict):
    """这条规则已经停用"""


@dataclass(frozen=True, kw_only=True)
class VersionView:
    """One version of a policy; `effective_from` is None for what has held from the beginning.

    Published by nobody: the product's own, or the county's command line. The version that ends a policy repeats its last term.
    """

    version: int
    state: VersionState
    amount: int
    unit: Unit
    hours: HoursKind
    ladder: tuple[Step, ...]
    effective_from: datetime | None
    published_at: datetime | None
    published_by: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class PolicyView:
    """A policy with all its versions, the newest first; `version` is the newest's, `state` how the policy stands now."""

    code: str
    clock: Clock
    urgent: bool | None
    category_id: int | None
    category: str | None
    kind: Kind | None
    version: int
    state: VersionState
    versions: list[VersionView]


_SCOPE = ("clock", "urgent", "category_id", "kind")
_TERM = ("amount", "unit", "hours")


def policies_page(stamp: Stamp, *, clock: Clock | None = None, cursor: str | None = None, limit: int = LIMIT) -> Page[PolicyView]:
    """Give a page of policies by code, ended ones too, each with all its versions. Raises RulesAreTheAdministrators."""
    check_reader(stamp)
    query = select(DeadlinePolicy.code).distinct()
    if clock is not None:
        query = query.where(DeadlinePolicy.clock == clock)
    codes = db.session.scalars(paged(query, key=[(DeadlinePolicy.code, False)], cursor=cursor, limit=limit)).all()
    page = page_from(codes, limit=limit, key=lambda code: [code])
    return Page(_views(stamp.at, page.items), page.next_cursor)


def policy_view(stamp: Stamp, code: str) -> PolicyView:
    """Give one policy with all its versions. Raises PolicyNotFound, RulesAreTheAdministrators."""
    check_reader(stamp)
    return _one(stamp.at, code)


def publish_policy(
    stamp: Stamp,
    draft: PolicyDraft,
    *,
    reason: str,
    effective_from: datetime | None = None,
    version: int | None = None,
) -> PolicyView:
    """Publish a policy, or a new version of one, that holds for clocks which start from `effective_from` (now) on.

    `version` is the newest version that was seen, None for a policy that is new. For which cases a policy is never changes: for
    others there is another one. Raises PolicyUnfit, WrongTerm, PolicyChanged, RulesAreTheAdministrators, ReasonNeeded.
    """
    begin_change(stamp, reason)
    _, ladder = check_draft(draft, stamp.at)
    begins = _beginning(stamp, effective_from)
    newest = _newest(draft.code, version)
    if newest is not None and any(getattr(newest, name) != getattr(draft, name) for name in _SCOPE):
        raise PolicyUnfit(errors={"code": ["同一条规则的适用范围不能改，请另建一条"]})
    if newest is None or not newest.active:
        if draft.category_id is not None:
            catalogue().offered(draft.category_id)
        _check_alone(draft, begins)
    given = {name: getattr(draft, name) for name in (*_SCOPE, *_TERM)} | {"ladder": ladder_to_json(ladder)}
    _append(stamp, newest, {"code": draft.code, **given}, begins, reason, active=True)
    return _one(stamp.at, draft.code)


def end_policy(
    stamp: Stamp, code: str, *, reason: str, effective_from: datetime | None = None, version: int | None = None
) -> PolicyView:
    """Let a policy hold for no clock that starts from `effective_from` (now) on; running ones keep it.

    `version` is the newest version that was seen. Raises PolicyNotFound, PolicyOver, PolicyChanged, LastDefault.
    """
    begin_change(stamp, reason)
    newest = _newest(code, version)
    if newest is None:
        raise PolicyNotFound
    if not newest.active:
        raise PolicyOver
    if (newest.urgent, newest.category_id, newest.kind) == (None, None, None):
        raise LastDefault
    given = {name: getattr(newest, name) for name in ("code", *_SCOPE, *_TERM, "ladder")}
    _append(stamp, newest, given, _beginning(stamp, effective_from), reason, active=False)
    return _one(stamp.at, code)


def _beginning(stamp: Stamp, effective_from: datetime | None) -> datetime:
    if effective_from is not None and effective_from < stamp.at:
        raise PolicyUnfit(errors={"effective_from": ["生效时间不能早于现在"]})
    return effective_from or stamp.at


def _newest(code: str, version: int | None) -> DeadlinePolicy | None:
    """Give the newest version of a policy, None for one that is new; raises PolicyChanged when that is not what was seen."""
    query = select(DeadlinePolicy).where(DeadlinePolicy.code == code).order_by(DeadlinePolicy.version.desc()).limit(1)
    newest = db.session.scalars(query).first()
    if (newest.version if newest else None) != version:
        raise PolicyChanged(version=newest.version if newest else None)
    return newest


def _append(
    stamp: Stamp, newest: DeadlinePolicy | None, given: dict[str, Any], begins: datetime, reason: str, *, active: bool
) -> None:
    number = newest.version + 1 if newest else 1
    row = DeadlinePolicy(**given, version=number, effective_from=begins, active=active)
    change = note_change(stamp, Rule.POLICY, row.code, before=_plain(newest), after=_plain(row), reason=reason)
    row.change_id = change.id
    db.session.add(row)
    db.session.flush()


def _check_alone(draft: PolicyDraft, begins: datetime) -> None:
    """Refuse a second policy for the same cases at any time from `begins` on: nobody could say which of the two holds."""
    others = [policy for policy in _versions_stored(draft.clock) if policy.code != draft.code and same_cases(policy, draft)]
    later = [policy.effective_from for policy in others if policy.effective_from is not None and policy.effective_from > begins]
    for moment in (begins, *later):
        for policy in in_force(others, moment):
            raise PolicyUnfit(errors={"code": [f"已有适用范围相同的规则：{policy.code}"]})


def _versions_stored(clock: Clock) -> list[Policy]:
    return [policy_of(row) for row in db.session.scalars(select(DeadlinePolicy).where(DeadlinePolicy.clock == clock))]


def _plain(row: DeadlinePolicy | None) -> dict[str, Any] | None:
    """Give a version as it goes on record."""
    if row is None:
        return None
    told = {name: getattr(row, name) for name in ("version", *_SCOPE, *_TERM, "ladder")}
    told = {name: value.value if hasattr(value, "value") else value for name, value in told.items()}
    begins = row.effective_from.astimezone(UTC).isoformat() if row.effective_from else None
    return told | {"effective_from": begins, "ends": not row.active}


def altered_versions() -> list[tuple[str, int]]:
    """Give code and version of each published version that is not what its record says."""
    query = select(DeadlinePolicy, PolicyChange.after).join(PolicyChange, PolicyChange.id == DeadlinePolicy.change_id)
    rows = db.session.execute(query.order_by(DeadlinePolicy.id).execution_options(populate_existing=True))
    return [(row.code, row.version) for row, after in rows if _plain(row) != after]


def _one(at: datetime, code: str) -> PolicyView:
    found = _views(at, [code])
    if not found:
        raise PolicyNotFound
    return found[0]


def _views(at: datetime, codes: Sequence[str]) -> list[PolicyView]:
    """Give policies with their versions, in the order of codes."""
    query = select(DeadlinePolicy, Category.path, PolicyChange.at, PolicyChange.reason, Staff.name)
    query = query.outerjoin(Category, Category.id == DeadlinePolicy.category_id)
    query = query.outerjoin(PolicyChange, PolicyChange.id == DeadlinePolicy.change_id)
    query = query.outerjoin(Staff, Staff.id == PolicyChange.staff_id).where(DeadlinePolicy.code.in_(codes))
    found: dict[str, list[Any]] = {}
    for row in db.session.execute(query.order_by(DeadlinePolicy.code, DeadlinePolicy.version.desc())):
        found.setdefault(row[0].code, []).append(row)
    return [_view(at, rows) for rows in found.values()]


def _view(at: datetime, rows: Sequence[Any]) -> PolicyView:
    newest, path = rows[0][0], rows[0][1]
    states = version_states([row[0] for row in rows], at)
    versions = [
        VersionView(
            **{name: getattr(row, name) for name in ("version", *_TERM, "effective_from")},
            ladder=ladder_from_json(row.ladder),
            state=states[row.version],
            published_at=published,
            published_by=by,
            reason=reason,
        )
        for row, _, published, reason, by in rows
    ]
    now = next((s for s in states.values() if s in (VersionState.IN_FORCE, VersionState.ENDED)), VersionState.COMING)
    scope = {name: getattr(newest, name) for name in ("code", *_SCOPE)}
    return PolicyView(**scope, category=path, version=newest.version, state=now, versions=versions)


def version_states(versions: Iterable[DeadlinePolicy], at: datetime) -> dict[int, VersionState]:
    """Give where each version of one policy stands at a moment."""
    ordered = sorted(versions, key=lambda each: each.version)
    begun = [each for each in ordered if each.effective_from is None or each.effective_from <= at]
    speaks = begun[-1] if begun else None
    states: dict[int, VersionState] = {}
    for place, each in enumerate(ordered):
        newer = ordered[place + 1 :]
        if each is speaks:
            states[each.version] = VersionState.IN_FORCE if each.active else VersionState.ENDED
        elif any(_begins_no_later(other, each) for other in newer):
            states[each.version] = VersionState.DROPPED
        elif each in begun:
            states[each.version] = VersionState.PAST
        else:
            states[each.version] = VersionState.COMING
    return states


def _begins_no_later(newer: DeadlinePolicy, older: DeadlinePolicy) -> bool:
    if newer.effective_from is None:
        return True
    return older.effective_from is not None and newer.effective_from <= older.effective_from
