"""Keeps how long each clock runs and what its ladder does: pure choice of a policy, the ladder's moments, the defaults.

Source: the rules of a case, section 4. Everything here is a default; the rows of `deadline_policy` are in force.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.ledger.terms import HoursKind, Spans, Term, Unit, due_with_pauses
from app.ledger.vocabulary import Audience, Clock, Effect, Kind
from app.territory.calendar.rules import Calendar


class On(StrEnum):
    """When a step of a ladder is reached: at amber, when due, or a term after due."""

    AMBER = "amber"
    DUE = "due"
    AFTER = "after"


@dataclass(frozen=True)
class Step:
    """One level of a ladder: when it is reached, who is told, and what it does besides."""

    level: int
    on: On
    tell: tuple[Audience, ...]
    after: Term | None = None
    does: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Policy:
    """One version of a policy: which cases it fits, its term and its ladder.

    It holds for clocks that start from `effective_from` on (None: from the beginning) until a newer version does; one that is
    not `active` says that from its moment on the policy holds no more.
    """

    id: int
    code: str
    version: int
    clock: Clock
    term: Term
    ladder: tuple[Step, ...]
    urgent: bool | None = None
    category_id: int | None = None
    kind: Kind | None = None
    effective_from: datetime | None = None
    active: bool = True


class PolicyMissing(LookupError):
    """No policy fits a clock: the administrator has switched off the default."""


def in_force(versions: Iterable[Policy], at: datetime) -> tuple[Policy, ...]:
    """Give of each policy the version that holds at a moment: the newest that has begun, nothing where that is its end."""
    newest: dict[str, Policy] = {}
    for policy in versions:
        begun = policy.effective_from is None or policy.effective_from <= at
        if begun and (policy.code not in newest or newest[policy.code].version < policy.version):
            newest[policy.code] = policy
    return tuple(policy for policy in newest.values() if policy.active)


def choose_policy(policies: Iterable[Policy], clock: Clock, *, urgent: bool, category_ids: Sequence[int], kind: Kind) -> Policy:
    """Give the policy that fits best of those in force; raises PolicyMissing.

    Urgent before the nearest category before kind before the default. `category_ids` lists the case's category and its
    ancestors, nearest first.
    """
    nearness = {category: place for place, category in enumerate(category_ids)}

    def fits(policy: Policy) -> bool:
        return (
            policy.clock is clock
            and policy.urgent in (None, urgent)
            and (policy.category_id is None or policy.category_id in nearness)
            and policy.kind in (None, kind)
        )

    def rank(policy: Policy) -> tuple[int, int, int]:
        near = len(category_ids) if policy.category_id is None else nearness[policy.category_id]
        return (0 if policy.urgent else 1, near, 0 if policy.kind else 1)

    try:
        return min(filter(fits, policies), key=rank)
    except ValueError:
        raise PolicyMissing(clock) from None


class Scope(Protocol):
    """For which cases a policy is: urgent ones or any (None), of a category and below, of a kind."""

    @property
    def urgent(self) -> bool | None:
        """Whether it is for urgent cases."""

    @property
    def category_id(self) -> int | None:
        """The category, None for any."""

    @property
    def kind(self) -> Kind | None:
        """The kind, None for any."""


def same_cases(one: Scope, other: Scope) -> bool:
    """Say whether two policies of a clock have the same precedence for the same case, so that both cannot be in force.

    "Not urgent" and "any" give way to "urgent" alike.
    """
    return (one.category_id, one.kind, one.urgent is True) == (other.category_id, other.kind, other.urgent is True)


def ladder_moments(
    ladder: Sequence[Step], *, warn: datetime, due: datetime, calendar: Calendar, stood: Spans = ()
) -> list[tuple[Step, datetime]]:
    """Give each step of a ladder with the moment at which it is reached, in the order of levels.

    What lies after due does not count the spans in which the clock stood still when it was due already; a step that such a
    span without an end holds up is not reached at all.
    """
    moments: dict[On, datetime | None] = {On.AMBER: warn, On.DUE: due}
    steps = [
        (step, moments[step.on] if step.after is None else due_with_pauses(due, step.after, calendar, stood))
        for step in sorted(ladder, key=lambda step: step.level)
    ]
    return [(step, at) for step, at in steps if at is not None]


def next_check(moments: Sequence[tuple[Step, datetime]], *, level: int, due: datetime, breached: bool) -> datetime | None:
    """Give the next moment at which a clock at `level` must be looked at; None when its ladder is exhausted."""
    later = [at for step, at in moments if step.level > level]
    if not breached:
        later.append(due)
    return min(later, default=None)


def ladder_to_json(ladder: Sequence[Step]) -> list[dict[str, Any]]:
    """Give a ladder as it is stored."""
    return [
        {
            "level": step.level,
            "on": step.on.value,
            "tell": [audience.value for audience in step.tell],
            "after": None
            if step.after is None
            else {"amount": step.after.amount, "unit": step.after.unit.value, "hours": step.after.hours.value},
            "does": [effect.value for effect in step.does],
        }
        for step in ladder
    ]


def ladder_from_json(rows: Sequence[dict[str, Any]]) -> tuple[Step, ...]:
    """Give a ladder from its stored form; raises ValueError or KeyError on unknown words. Older ones say nothing of `does`."""
    return tuple(
        Step(
            row["level"],
            On(row["on"]),
            tuple(Audience(audience) for audience in row["tell"]),
            None
            if row["after"] is None
            else Term(row["after"]["amount"], Unit(row["after"]["unit"]), HoursKind(row["after"]["hours"])),
            tuple(Effect(effect) for effect in row.get("does", ())),
        )
        for row in rows
    )


def _term(amount: int, unit: Unit, hours: HoursKind = HoursKind.WORK) -> Term:
    return Term(amount, unit, hours)


def _rung(due: Audience, late: Audience, hours: HoursKind) -> tuple[Step, ...]:
    """Give the ladder of a clock of minutes: rung through at one when due, at the other twenty minutes later."""
    return (Step(1, On.DUE, (due,)), Step(2, On.AFTER, (late,), _term(20, Unit.MINUTE, hours)))


A, E = Audience, Effect
_SHORT = (Step(1, On.DUE, (A.SHIFT_HEAD,)), Step(2, On.AFTER, (A.SUPERVISORS,), _term(30, Unit.MINUTE, HoursKind.ALWAYS)))
_SIGN = _rung(A.DUTY_PHONE, A.DUTY_LEADER, HoursKind.DUTY)
_SIGN_URGENT = _rung(A.DUTY_PHONE, A.DUTY_LEADER, HoursKind.ALWAYS)
_CALLED = _rung(A.OWNER, A.UNIT_HEAD, HoursKind.ALWAYS)
_CONTACT = (Step(1, On.AMBER, (A.OWNER,)), Step(2, On.DUE, (A.OWNER, A.UNIT_HEAD)))
_RESOLVE = (
    Step(1, On.AMBER, (A.OWNER,)),
    Step(2, On.DUE, (A.OWNER, A.UNIT_HEAD)),
    Step(3, On.AFTER, (A.OWNER, A.UNIT_HEAD, A.SUPERVISORS), _term(1, Unit.WORKING_DAY), (E.DRAFT_URGING,)),
    Step(4, On.AFTER, (A.SUPERVISORS,), _term(3, Unit.WORKING_DAY), (E.SUPERVISOR_LIST,)),
    Step(5, On.AFTER, (A.SUPERVISORS, A.UNIT_HEAD), _term(5, Unit.WORKING_DAY), (E.INTERVIEW_LIST, E.RAISE)),
)
_RESOLVE_URGENT = (
    Step(1, On.AMBER, (A.OWNER,)),
    Step(2, On.DUE, (A.OWNER, A.UNIT_HEAD)),
    Step(3, On.AFTER, (A.OWNER, A.UNIT_HEAD, A.SUPERVISORS), _term(2, Unit.HOUR, HoursKind.ALWAYS), (E.DRAFT_URGING,)),
    Step(4, On.AFTER, (A.SUPERVISORS,), _term(6, Unit.HOUR, HoursKind.ALWAYS), (E.SUPERVISOR_LIST,)),
    Step(5, On.AFTER, (A.SUPERVISORS, A.UNIT_HEAD), _term(24, Unit.HOUR, HoursKind.ALWAYS), (E.INTERVIEW_LIST, E.RAISE)),
)
_DESK = (Step(1, On.AMBER, (A.OWNER,)), Step(2, On.DUE, (A.OWNER, A.SHIFT_HEAD)))
_INFO = (Step(1, On.AMBER, (A.PERSONS, A.FILERS)),)
_SUPERVISED = (Step(1, On.AMBER, (A.OWNER,)), Step(2, On.DUE, (A.OWNER, A.UNIT_HEAD, A.SUPERVISORS)))
_RESCUE = (
    Step(1, On.DUE, (A.SHIFT_HEAD,)),
    Step(2, On.AFTER, (A.SHIFT_HEAD, A.SUPERVISORS), _term(30, Unit.MINUTE, HoursKind.ALWAYS)),
)
_VISITED = (Step(1, On.AMBER, (A.OWNER,)), Step(2, On.DUE, (A.OWNER, A.UNIT_HEAD)))
_OVERALL = (Step(1, On.AMBER, (A.SHIFT_HEAD,)), Step(2, On.DUE, (A.SHIFT_HEAD, A.SUPERVISORS)))


@dataclass(frozen=True)
class Default:
    """A policy as the product ships it."""

    code: str
    clock: Clock
    term: Term
    ladder: tuple[Step, ...]
    urgent: bool | None = None
    kind: Kind | None = None


def _resolve(code: str, days: int, kind: Kind | None = None) -> Default:
    return Default(code, Clock.RESOLVE, _term(days, Unit.WORKING_DAY), _RESOLVE, kind=kind)


DEFAULTS: tuple[Default, ...] = (
    Default("accept", Clock.ACCEPT, _term(2, Unit.WORKING_HOUR), _SHORT),
    Default("accept-urgent", Clock.ACCEPT, _term(30, Unit.MINUTE, HoursKind.ALWAYS), _SHORT, urgent=True),
    Default("info", Clock.INFO, _term(5, Unit.WORKING_DAY), _INFO),
    Default("dispatch", Clock.DISPATCH, _term(20, Unit.MINUTE, HoursKind.DUTY), _SHORT),
    Default("dispatch-urgent", Clock.DISPATCH, _term(10, Unit.MINUTE, HoursKind.ALWAYS), _SHORT, urgent=True),
    Default("sign", Clock.SIGN, _term(20, Unit.MINUTE, HoursKind.DUTY), _SIGN),
    Default("sign-urgent", Clock.SIGN, _term(20, Unit.MINUTE, HoursKind.ALWAYS), _SIGN_URGENT, urgent=True),
    Default("contact", Clock.CONTACT, _term(24, Unit.HOUR, HoursKind.ALWAYS), _CONTACT),
    Default("contact-urgent", Clock.CONTACT, _term(2, Unit.HOUR, HoursKind.ALWAYS), _CONTACT, urgent=True),
    Default("resolve-urgent", Clock.RESOLVE, _term(24, Unit.HOUR, HoursKind.ALWAYS), _RESOLVE_URGENT, urgent=True),
    _resolve("resolve", 15),
    _resolve("resolve-consultation", 1, Kind.CONSULTATION),
    _resolve("resolve-help", 5, Kind.HELP),
    _resolve("resolve-suggestion", 5, Kind.SUGGESTION),
    _resolve("resolve-complaint", 10, Kind.COMPLAINT),
    _resolve("resolve-tip-off", 10, Kind.TIP_OFF),
    _resolve("resolve-praise", 5, Kind.PRAISE),
    Default("overall", Clock.OVERALL, _term(30, Unit.WORKING_DAY), _OVERALL),
    Default("review", Clock.REVIEW, _term(1, Unit.WORKING_DAY), _DESK),
    Default("callback", Clock.CALLBACK, _term(3, Unit.WORKING_DAY), _DESK),
    Default("triage", Clock.TRIAGE, _term(1, Unit.WORKING_DAY), _DESK),
    Default("decide", Clock.DECIDE, _term(1, Unit.WORKING_DAY), _DESK),
    Default("suspension", Clock.SUSPENSION, _term(90, Unit.CALENDAR_DAY), _DESK),
    Default("upstream-sign", Clock.UPSTREAM_SIGN, _term(2, Unit.WORKING_HOUR), _SHORT),
    Default("upstream-return", Clock.UPSTREAM_RETURN, _term(1, Unit.WORKING_DAY), _DESK),
    Default("upstream-due", Clock.UPSTREAM_DUE, _term(5, Unit.WORKING_DAY), _OVERALL),
    Default("arrive", Clock.ARRIVE, _term(30, Unit.MINUTE, HoursKind.ALWAYS), _CALLED),
    Default("supervision", Clock.SUPERVISION, _term(3, Unit.WORKING_DAY), _SUPERVISED),
    Default("rescue", Clock.RESCUE, _term(30, Unit.MINUTE, HoursKind.ALWAYS), _RESCUE),
    Default("visit", Clock.VISIT, _term(30, Unit.CALENDAR_DAY), _VISITED),
    Default("station", Clock.STATION, _term(2, Unit.WORKING_DAY), _CALLED),
)
"""Praise is passed on within the time of a help request; a term of 24 hours always runs on 7×24 hours."""
