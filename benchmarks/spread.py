"""Keeps the generator of varied ledgers: a county of the usual size whose cases differ in state, kind, place, unit and clocks.

Unlike `benchmarks.million`, which makes cases with true chains for the sweep, these are for reading: lists and single cases.
The database makes the rows from each case's place in the row, so that they are the same in every run.
"""

import io
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from app.ledger.numbers import new_number

TOWNSHIPS, VILLAGES, GRIDS, DEPARTMENTS = 20, 15, 2, 30
"""A county of 20 townships with 15 villages each, two grids a village, and 30 departments."""

DAYS = 400
"""The cases were opened over so many days up to now, the newest last."""


@dataclass(frozen=True)
class Places:
    """What a reader asks for: a grid, a department and a category by code, path or id."""

    grid: str
    unit: str
    category_id: int


def add_county(at: datetime) -> Places:
    """Build the cast and the units of a usual county, with a handler (`reader-d`) and a cadre (`reader-v`) who read."""
    from app.core.database import db
    from app.core.stamp import SYSTEM, Door, Role, Stamp
    from app.demo.cast import PASSWORD, build_county
    from app.people.staff import enrol_staff
    from app.territory.commands import add_grid, add_unit
    from app.territory.models import Level

    cast = build_county(Stamp(SYSTEM, Role.SYSTEM, at, Door.COMMAND_LINE), appid="wx-bench")
    county = cast.units["云溪县"]
    villages, grids, departments = [], [], []
    for place in range(1, TOWNSHIPS + 1):
        township = add_unit(code=f"990201{place:03d}", name=f"第{place}镇", level=Level.TOWNSHIP, parent=county)
        for number in range(1, VILLAGES + 1):
            code = f"990201{place:03d}{number:03d}"
            villages.append(add_unit(code=code, name=f"第{place}镇{number}村", level=Level.VILLAGE, parent=township))
            for grid in range(1, GRIDS + 1):
                grids.append(add_grid(code=f"{code}{grid:02d}", name=f"{villages[-1].name}{grid}网格", unit=villages[-1]))
    for place in range(1, DEPARTMENTS + 1):
        departments.append(add_unit(code=f"990201D{place:02d}", name=f"第{place}局", level=Level.DEPARTMENT, parent=county))
    db.session.flush()
    enrol_staff(login="reader-d", name="读局", password=PASSWORD, posts=[(Role.HANDLER, departments[6].id)])
    enrol_staff(login="reader-v", name="读村", password=PASSWORD, posts=[(Role.CADRE, villages[102].id)])
    return Places(grids[205].code, departments[6].code, cast.categories["路灯照明"])


_CHANCE = """
CREATE OR REPLACE FUNCTION pg_temp.chance(id bigint, which bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN hashint8extended(id, which) & 1073741823
"""
"""A number by chance for a case, another for each thing that is asked: what differs of cases differs independently."""

_CASES = """
INSERT INTO "case" (id, number, state, channel, title, kind, category_id, urgency, grid_id, territory_path, confidential,
    anonymous, archived, round, reworks, heat, opened_at, accepted_at, closed_at, next_due_at, amber_at, late_since, lead_unit_id,
    outcome, version, entry_count, chain_head)
SELECT n.id, n.number, s.state,
    (ARRAY['hotline','mini_program','visit','proxy','window','mailbox'])[1 + pg_temp.chance(n.id, 7) %% 6],
    '第 ' || n.id || ' 件：路灯不亮，晚上看不见路',
    (ARRAY['complaint','help','consultation','suggestion','help'])[1 + pg_temp.chance(n.id, 11) %% 5],
    c.ids[1 + pg_temp.chance(n.id, 13) %% array_length(c.ids, 1)],
    CASE WHEN pg_temp.chance(n.id, 50) %% 50 = 0 THEN 'urgent' ELSE 'normal' END,
    g.id, g.path, pg_temp.chance(n.id, 40) %% 40 = 0, false, false,
    1 + (pg_temp.chance(n.id, 25) %% 25 = 0)::int, (pg_temp.chance(n.id, 25) %% 25 = 0)::int, 1, s.at,
    CASE WHEN s.state <> 'submitted' THEN s.at + interval '2 hours' END,
    CASE WHEN s.state = 'closed' THEN s.at + interval '6 days' END,
    CASE WHEN s.state <> 'closed' THEN s.due END, CASE WHEN s.state <> 'closed' THEN s.due - interval '1 day' END,
    CASE WHEN s.state <> 'closed' AND s.due < %(now)s THEN s.due END,
    CASE WHEN s.state NOT IN ('submitted', 'accepted') THEN d.ids[1 + pg_temp.chance(n.id, 17) %% array_length(d.ids, 1)] END,
    CASE WHEN s.state NOT IN ('submitted', 'accepted') THEN 'passed_on' END, 5, 4, decode(repeat('00', 32), 'hex')
FROM numbered n
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_temp.chance(n.id, 100) %% 100 < 85 THEN 'closed' ELSE (ARRAY[
        'in_progress','in_progress','in_progress','in_progress',
        'in_progress','in_progress','under_review','under_review','awaiting_callback','awaiting_callback','dispatched','dispatched',
        'accepted','submitted','suspended'])[pg_temp.chance(n.id, 100) %% 100 - 84] END AS state,
        %(now)s - (%(total)s - n.id) * (%(days)s * interval '1 day' / %(total)s) AS at,
        %(now)s + (pg_temp.chance(n.id, 7919) %% 40000 - 4000) * interval '1 minute' AS due
) s
CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM category) c
CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM unit WHERE level = 'department') d
JOIN (SELECT row_number() OVER (ORDER BY grid.id) - 1 AS place, grid.id, unit.path FROM grid JOIN unit ON unit.id = grid.unit_id) g
    ON g.place = pg_temp.chance(n.id, 31) %% (SELECT count(*) FROM grid)
"""

_REPORTS = """
INSERT INTO report (case_id, channel, title, body, said_at, received_at, anonymous, confidential, concerned_id, filer_resident_id)
SELECT id, channel, title, title || '，请尽快派人修理，谢谢。', opened_at, opened_at, false, confidential,
    (SELECT min(id) FROM resident), (SELECT min(id) FROM resident)
FROM "case" WHERE id > %(after)s
"""
_ENTRIES = """
INSERT INTO entry (case_id, seq, form, at, actor, role, door, action, from_state, to_state, facts, link)
SELECT c.id, e.seq, 1, c.opened_at + e.seq * interval '1 hour', 'system', 'system', 'import', e.action, e.before,
    CASE WHEN e.seq = 4 THEN c.state ELSE e.after END, '{}', decode(repeat('00', 32), 'hex')
FROM "case" c CROSS JOIN (VALUES (1, 'submit', NULL, 'submitted'), (2, 'accept', 'submitted', 'accepted'),
    (3, 'dispatch', 'accepted', 'dispatched'), (4, 'sign', 'dispatched', 'in_progress')) AS e(seq, action, before, after)
WHERE c.id > %(after)s AND e.seq <= CASE c.state WHEN 'submitted' THEN 1 WHEN 'accepted' THEN 2 ELSE 4 END
"""
_ASSIGNMENTS = """
INSERT INTO assignment (case_id, round, unit_id, duty, dispatched_at, signed_at, ended_at)
SELECT id, round, lead_unit_id, 'lead', opened_at, opened_at, NULL FROM "case" WHERE lead_unit_id IS NOT NULL AND id > %(after)s
"""
_ACCESS = """
INSERT INTO case_access (case_id, unit_id, unit_path, mode, lead)
SELECT c.id, u.id, u.path, 'write', true FROM "case" c JOIN unit u ON u.id = c.lead_unit_id WHERE c.id > %(after)s
"""
_CLOCKS = """
INSERT INTO deadline (clock, subject, subject_id, case_id, round, owner_unit_id, label, policy_id, amount, starts_at, warn_at,
    due_at, provisional, next_check_at, met_at, breached_at, level)
SELECT k.clock, 'case', c.id, c.id, c.round, coalesce(c.lead_unit_id, (SELECT min(id) FROM unit)), '时限', p.id, 1, c.opened_at,
    coalesce(c.amber_at, c.opened_at + interval '7 days'), coalesce(c.next_due_at, c.opened_at + interval '8 days') + k.later,
    false, CASE WHEN c.closed_at IS NULL THEN c.next_due_at + k.later END, c.closed_at,
    CASE WHEN c.late_since IS NOT NULL AND k.clock = 'resolve' THEN c.late_since END, 0
FROM "case" c CROSS JOIN (VALUES ('resolve', interval '0'), ('overall', interval '20 days')) AS k(clock, later)
JOIN deadline_policy p ON p.code = k.clock WHERE c.id > %(after)s
"""


def spread(conninfo: str, total: int, now: datetime, *, after: int = 0, days: int = DAYS) -> None:
    """Store cases up to the id `total` (those up to `after` are there already), with reports, entries, assignments and clocks."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("CREATE TEMPORARY TABLE numbered (id bigint, number text)")
        connection.execute(_CHANCE)
        with connection.cursor().copy("COPY numbered FROM STDIN") as copy:
            copy.write(_numbers(after, total, now))
        values = {"now": now, "total": total, "days": days, "after": after}
        for statement in (_CASES, _REPORTS, _ENTRIES, _ASSIGNMENTS, _ACCESS, _CLOCKS):
            connection.execute(statement, values)
        connection.execute("SELECT setval(pg_get_serial_sequence('\"case\"', 'id'), (SELECT max(id) FROM \"case\"))")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _numbers(after: int, total: int, now: datetime) -> str:
    """Give ids and numbers as COPY reads them; a day of its own for every thousand, or seven random digits would collide."""
    rows, seen = io.StringIO(), set()
    for case_id in range(after + 1, total + 1):
        number = new_number(now - timedelta(days=1 + case_id // 1000))
        while number in seen:
            number = new_number(now - timedelta(days=1 + case_id // 1000))
        seen.add(number)
        rows.write(f"{case_id}\t{number}\n")
    return rows.getvalue()
