"""Keeps the generator of large ledgers: whole cases with report, entry and clock by COPY, chains as the product makes them."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from app.core.chain import GENESIS, link
from app.core.crypto import Keyring
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.numbers import new_number
from app.ledger.timeline import FORM, entry_record
from app.ledger.vocabulary import Action, State

CHUNK = 20_000

COLUMNS = {
    "case": "id number state channel title kind category_id urgency grid_id territory_path confidential anonymous archived round "
    "heat opened_at version entry_count chain_head",
    "report": "id case_id channel title body said_at received_at anonymous confidential",
    "entry": "id case_id seq form at actor role door action to_state facts link",
    "deadline": "id clock subject subject_id case_id round owner_unit_id label policy_id amount starts_at warn_at due_at "
    "provisional next_check_at level",
}


@dataclass(frozen=True)
class Group:
    """Some cases whose one open clock is of a policy and due at a moment."""

    count: int
    clock: str
    policy_id: int
    due_at: datetime


@dataclass(frozen=True)
class Ground:
    """What the cases stand on: keys, territory, category, and when they were opened."""

    ring: Keyring
    county_id: int
    path: str
    grid_id: int
    category_id: int
    opened_at: datetime


def fill(conninfo: str, ground: Ground, groups: list[Group]) -> int:
    """Store the cases of every group and give how many; ids go on from what is there, statistics are made anew."""
    stored = 0
    with psycopg.connect(conninfo, autocommit=True) as connection:
        (first,) = connection.execute('SELECT coalesce(max(id), 0) + 1 FROM "case"').fetchone() or (1,)
        for group in groups:
            for begin in range(0, group.count, CHUNK):
                count = min(CHUNK, group.count - begin)
                _store(connection, ground, group, first + stored, count)
                stored += count
        for table in ("case", "report", "entry", "deadline"):
            connection.execute(f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), (SELECT max(id) FROM \"{table}\"))")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return stored


def _store(connection: psycopg.Connection[tuple[object, ...]], ground: Ground, group: Group, first: int, count: int) -> None:
    cases, reports, entries, clocks = io.StringIO(), io.StringIO(), io.StringIO(), io.StringIO()
    at, due = ground.opened_at.isoformat(), group.due_at.isoformat()
    warn = (group.due_at - timedelta(minutes=1)).isoformat()
    next_check = due if group.clock == "accept" else warn
    for case_id, number, chained in _chains(ground, first, count):
        title = f"第 {case_id} 件：路灯不亮"
        cases.write(
            f"{case_id}\t{number}\tsubmitted\tmini_program\t{title}\thelp\t{ground.category_id}\tnormal\t{ground.grid_id}\t"
            f"{ground.path}\tf\tf\tf\t1\t1\t{at}\t1\t1\t\\\\x{chained}\n"
        )
        reports.write(f"{case_id}\t{case_id}\tmini_program\t{title}\t{title}，请派人修理。\t{at}\t{at}\tf\tf\n")
        entries.write(f"{case_id}\t{case_id}\t1\t{FORM}\t{at}\tsystem\tsystem\timport\tsubmit\tsubmitted\t{{}}\t\\\\x{chained}\n")
        clocks.write(
            f"{case_id}\t{group.clock}\tcase\t{case_id}\t{case_id}\t1\t{ground.county_id}\t时限\t"
            f"{group.policy_id}\t1\t{at}\t{warn}\t"
            f"{due}\tf\t{next_check}\t0\n"
        )
    for table, rows in (("case", cases), ("report", reports), ("entry", entries), ("deadline", clocks)):
        _copy(connection, table, COLUMNS[table], rows)


def _copy(connection: psycopg.Connection[tuple[object, ...]], table: str, columns: str, rows: io.StringIO) -> None:
    with connection.cursor().copy(f'COPY "{table}" ({", ".join(columns.split())}) FROM STDIN') as copy:
        copy.write(rows.getvalue())


def _chains(ground: Ground, first: int, count: int) -> Iterator[tuple[int, str, str]]:
    """Give id, number and the link of the first entry of each case."""
    stamp = Stamp(SYSTEM, Role.SYSTEM, ground.opened_at, Door.IMPORT)
    columns = {
        "seq": 1, "form": FORM, "at": stamp.at, "actor": stamp.actor.kind, "actor_id": None, "role": stamp.role, "door": stamp.door,
        "action": Action.SUBMIT, "from_state": None, "to_state": State.SUBMITTED, "facts": {}, "words_seal": None,
    }  # fmt: skip
    seen: set[str] = set()
    for case_id in range(first, first + count):
        # a day of its own for every thousand cases: on one day a million numbers of seven random digits would collide
        number = new_number(ground.opened_at - timedelta(days=case_id // 1000))
        while number in seen:
            number = new_number(ground.opened_at - timedelta(days=case_id // 1000))
        seen.add(number)
        yield case_id, number, link(ground.ring.audit, GENESIS, entry_record(number, columns)).hex()
