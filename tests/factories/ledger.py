"""Keeps the bulk factory: cases as plain rows with short true timelines, as many as a town's counts ask for.

The rows are what the commands leave behind, without their chains: figures read columns, and the recount reads entries.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, text

from app.core.database import Base, db, table_of
from app.ledger.callbacks.models import Callback
from app.ledger.clocks import Deadline, DeadlinePolicy
from app.ledger.models import Assignment, Case, CaseAccess, Entry
from app.ledger.numbers import new_number
from app.ledger.vocabulary import Access, Channel, Kind, Outcome, Satisfaction, State
from app.territory.models import Unit

LINK = b"\0" * 32
HOUR = timedelta(hours=1)
RESULT, EXCLUDED, REWORKED, ENDED = 50 * HOUR, 52 * HOUR, 55 * HOUR, 70 * HOUR
"""When, after acceptance, the result came, the case was excluded, a rework was ordered, and the case reached its last state."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """What one reporter said after a case: in which round, how many hours after acceptance."""

    contacted: bool = True
    solved: bool = True
    satisfaction: Satisfaction = Satisfaction.SATISFIED
    by: str = "agent"
    round: int = 1
    after: int = 53
    reached: bool = True


@dataclass(frozen=True, kw_only=True)
class Made:
    """One sort of case: how many, where each stands, who led it in each round, what its persons said."""

    times: int = 1
    territory_path: str
    state: State = State.CLOSED
    kind: Kind = Kind.HELP
    channel: Channel = Channel.HOTLINE
    outcome: Outcome = Outcome.PASSED_ON
    unit_id: int | None = None
    earlier_units: dict[int, int] = field(default_factory=dict)
    round: int = 1
    grid_id: int | None = None
    category_id: int | None = None
    solved: bool | None = True
    excluded: bool = False
    archived: bool = False
    confidential: bool = False
    against_paths: list[str] | None = None
    late: bool = False
    due_in: timedelta = timedelta(days=5)
    words: tuple[Word, ...] = ()


def fill(at: datetime, *sorts: Made) -> list[int]:
    """Store cases that were accepted at a moment, a second apart; give their ids in order."""
    wanted = [sort for sort in sorts for _ in range(sort.times)]
    policies = {row.code: row.id for row in db.session.execute(select(DeadlinePolicy.code, DeadlinePolicy.id))}
    numbers: dict[str, None] = {}
    while len(numbers) < len(wanted):
        numbers[new_number(at)] = None
    first, part_id = _after(Case), _after(Assignment)
    paths = {row.id: row.path for row in db.session.execute(select(Unit.id, Unit.path))}
    rows: dict[type[Base], list[dict[str, Any]]] = {
        model: [] for model in (Case, Entry, Callback, Assignment, CaseAccess, Deadline)
    }
    for place, (sort, number) in enumerate(zip(wanted, numbers, strict=True)):
        case_id, accepted = first + place, at + timedelta(seconds=place)
        rows[Case].append(_case(case_id, sort, number, accepted))
        rows[Entry] += _entries(case_id, sort, accepted)
        rows[Callback] += [_callback(case_id, word, accepted) for word in sort.words]
        rows[Deadline].append(_overall(case_id, sort, accepted, policies["overall"]))
        if sort.unit_id is not None:
            for round_, unit_id in (sort.earlier_units | {sort.round: sort.unit_id}).items():
                part = _part(part_id, case_id, sort, accepted, (round_, unit_id))
                rows[Assignment].append(part)
                rows[Deadline] += _part_clocks(part, sort, accepted, policies["resolve"])
                part_id += 1
            for unit_id in {*sort.earlier_units.values(), sort.unit_id}:
                mode = Access.WRITE if unit_id == sort.unit_id else Access.READ
                rows[CaseAccess].append({"case_id": case_id, "unit_id": unit_id, "unit_path": paths[unit_id], "mode": mode})
    for model, made in rows.items():
        for batch in range(0, len(made), 2000):
            db.session.execute(insert(table_of(model)), made[batch : batch + 2000])
    for model in (Case, Assignment):
        name = table_of(model).name
        db.session.execute(text(f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), (SELECT max(id) FROM \"{name}\"))"))
    return list(range(first, first + len(wanted)))


def _after(model: type[Base]) -> int:
    return (db.session.scalar(select(func.max(table_of(model).c.id))) or 0) + 1


def _case(case_id: int, sort: Made, number: str, at: datetime) -> dict[str, Any]:
    same = ("state", "kind", "channel", "outcome", "territory_path", "grid_id", "category_id", "excluded", "archived",
            "confidential", "against_paths", "round")  # fmt: skip
    return {name: getattr(sort, name) for name in same} | {
        "id": case_id, "number": number, "title": "路灯不亮", "urgency": "normal", "lead_unit_id": sort.unit_id,
        "unit_solved": sort.solved, "anonymous": False, "heat": 1, "version": 1, "reworks": sort.round - 1,
        "opened_at": at - HOUR, "accepted_at": at, "closed_at": at + ENDED if sort.state is State.CLOSED else None,
        "entry_count": 1, "chain_head": LINK,
    }  # fmt: skip


def _entries(case_id: int, sort: Made, at: datetime) -> list[dict[str, Any]]:
    told: list[tuple[timedelta, str, str, dict[str, Any]]] = [(-HOUR, "submit", "submitted", {})]
    if sort.outcome is Outcome.PASSED_ON:
        told += [(0 * HOUR, "accept", "accepted", {}), (HOUR, "dispatch", "dispatched", {}), (2 * HOUR, "sign", "in_progress", {})]
        told.append((RESULT, "submit_result", "under_review", {"solved": sort.solved}))
        told += [(REWORKED, "triage", "in_progress", {})] * (sort.round - 1)
    else:
        told.append((0 * HOUR, "answer", "awaiting_callback", {"outcome": sort.outcome}))
    for word in sort.words:
        facts = {name: getattr(word, name) for name in ("by", "contacted", "solved", "satisfaction")} if word.reached else {}
        action = "attempt_callback" if not word.reached else "record_callback" if word.by == "agent" else "rate"
        if word.by != "upstream":
            told.append((word.after * HOUR, action, "awaiting_callback", facts))
    if sort.excluded:
        told.append((EXCLUDED, "exclude", "awaiting_callback", {}))
    told.append((ENDED, "confirm_upstream", sort.state.value, {}))
    made: list[dict[str, Any]] = []
    for after, action, state, facts in sorted(told, key=lambda line: line[0]):
        made.append({
            "case_id": case_id, "seq": len(made) + 1, "form": 1, "at": at + after, "actor": "system", "role": "system",
            "door": "import", "action": action, "from_state": made[-1]["to_state"] if made else None, "to_state": state,
            "facts": facts, "link": LINK,
        })  # fmt: skip
    return made


def _callback(case_id: int, word: Word, at: datetime) -> dict[str, Any]:
    said = {name: getattr(word, name) if word.reached else None for name in ("contacted", "solved", "satisfaction")}
    return {"case_id": case_id, "round": word.round, "at": at + word.after * HOUR, "by": word.by, "reached": word.reached} | said


def _part(part_id: int, case_id: int, sort: Made, at: datetime, led: tuple[int, int]) -> dict[str, Any]:
    round_, unit_id = led
    return {
        "id": part_id, "case_id": case_id, "round": round_, "unit_id": unit_id, "duty": "lead", "dispatched_at": at + HOUR,
        "signed_at": at + 2 * HOUR, "submitted_at": at + RESULT if sort.state is State.CLOSED else None,
        "ended_at": None if round_ == sort.round else at + REWORKED,
    }  # fmt: skip


def _clock(clock: str, case_id: int, policy_id: int, starts: datetime, due: datetime, **more: Any) -> dict[str, Any]:
    return {
        "clock": clock, "case_id": case_id, "subject": "case", "subject_id": case_id, "round": 1, "owner_unit_id": None,
        "label": "时限", "policy_id": policy_id, "amount": 1, "starts_at": starts, "warn_at": due, "due_at": due,
        "provisional": False, "met_at": None, "breached_at": None, "level": 0,
    } | more  # fmt: skip


def _overall(case_id: int, sort: Made, at: datetime, policy_id: int) -> dict[str, Any]:
    met = at + ENDED if sort.state is State.CLOSED else None
    return _clock("overall", case_id, policy_id, at, at + timedelta(days=40), met_at=met)


def _part_clocks(part: dict[str, Any], sort: Made, at: datetime, policy_id: int) -> list[dict[str, Any]]:
    """Give the sign and resolve clocks of a part: met when its result came, breached where the case is late."""
    of_part = {"subject": "assignment", "subject_id": part["id"], "owner_unit_id": part["unit_id"], "round": part["round"]}
    met = at + RESULT if sort.state is State.CLOSED else None
    due = at + 30 * HOUR if sort.late else at + sort.due_in
    breached = due if sort.late and met is not None else None
    return [
        _clock("sign", part["case_id"], policy_id, at + HOUR, at + 3 * HOUR, met_at=at + 2 * HOUR, **of_part),
        _clock("resolve", part["case_id"], policy_id, at + HOUR, due, met_at=met, breached_at=breached, **of_part),
    ]
