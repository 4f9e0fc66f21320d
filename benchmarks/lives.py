"""Keeps the generator of whole lives: cases accepted, dispatched, reported, called back and closed, with parts, words and clocks.

The newest ones have timelines too, so that their figures can be counted again entry by entry. The database makes the rows from
each case's number in the row, so that they are the same in every run.
"""

import io
from datetime import datetime, timedelta

import psycopg

from app.ledger.numbers import new_number

DAYS = 300
"""The cases were accepted over so many days up to now, evenly, the newest last."""

RECENT = timedelta(days=45)
"""Cases accepted since then, and all open ones, have timelines."""

_LIVES = """
CREATE TEMPORARY TABLE life AS
SELECT n.id, n.number, s.at, s.age, f.outcome, f.fate, d.ids[1 + n.h2 %% array_length(d.ids, 1)] AS unit_id,
    d.ids[1 + (n.h2 + (n.h3 %% 3 = 0)::int) %% array_length(d.ids, 1)] AS second_unit_id,
    f.fate IN ('closed', 'unreached') AND f.outcome = 'passed_on' AND n.h3 %% 20 = 0 AS reworked,
    f.fate = 'closed' AND n.h4 %% 50 = 0 AS excluded,
    n.h4 %% 10 = 0 AS late, n.h4 %% 12 = 0 AS signed_late, n.h4 %% 17 <> 0 AS contacted, n.h4 %% 9 <> 0 AS solved,
    (ARRAY['very_satisfied','very_satisfied','satisfied','satisfied','basically_satisfied','dissatisfied','very_dissatisfied'])
        [1 + n.h5 %% 7] AS grade, n.h5 %% 11 = 0 AS two_speak,
    (ARRAY['hotline','mini_program','visit','proxy','window','mailbox'])[1 + n.h5 %% 6] AS channel,
    CASE WHEN n.h5 %% 60 = 0 THEN 'praise'
        ELSE (ARRAY['complaint','help','consultation','suggestion','help'])[1 + n.h5 %% 5] END AS kind,
    c.ids[1 + n.h3 %% array_length(c.ids, 1)] AS category_id, g.ids[1 + n.h1 %% array_length(g.ids, 1)] AS grid_id,
    g.paths[1 + n.h1 %% array_length(g.ids, 1)] AS path
FROM (SELECT id, number, abs(hashint4(id::int) / 2) AS h1, abs(hashint4(id::int + 1000003) / 2) AS h2,
    abs(hashint4(id::int + 2000003) / 2) AS h3, abs(hashint4(id::int + 3000017) / 2) AS h4,
    abs(hashint4(id::int + 4000037) / 2) AS h5 FROM numbered) n
CROSS JOIN LATERAL (SELECT %(now)s - (%(total)s - n.id) * (%(days)s * interval '1 day' / %(total)s) AS at,
    (%(total)s - n.id) * (%(days)s * interval '1 day' / %(total)s) AS age, n.h1 %% 1000 AS part) s
CROSS JOIN LATERAL (SELECT CASE WHEN s.part BETWEEN 35 AND 84 THEN 'direct' WHEN s.part BETWEEN 85 AND 134 THEN 'on_the_spot'
        WHEN s.part >= 35 THEN 'passed_on' END AS outcome,
    CASE WHEN s.part < 20 THEN 'rejected' WHEN s.part < 30 THEN 'withdrawn' WHEN s.part < 35 THEN 'void'
        WHEN s.part < 135 THEN 'answered' WHEN s.age < interval '110 hours' OR s.part < 140 THEN 'in_progress'
        WHEN s.part < 145 THEN 'awaiting_callback' WHEN s.part < 180 THEN 'unreached' ELSE 'closed' END AS fate) f
CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM category) c
CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM unit WHERE level IN ('department', 'township', 'village')) d
CROSS JOIN (SELECT array_agg(grid.id ORDER BY grid.id) AS ids, array_agg(unit.path ORDER BY grid.id) AS paths
    FROM grid JOIN unit ON unit.id = grid.unit_id) g
"""

_CASES = """
INSERT INTO "case" (id, number, state, channel, title, kind, category_id, urgency, grid_id, territory_path, confidential,
    anonymous, archived, round, heat, opened_at, accepted_at, closed_at, lead_unit_id, outcome, unit_solved, excluded, reworks,
    version, entry_count, chain_head)
SELECT id, number, CASE WHEN fate IN ('answered', 'unreached') THEN 'closed' ELSE fate END, channel,
    '第 ' || id || ' 件：路灯不亮，晚上看不见路', kind, category_id, 'normal', grid_id, path, id % 40 = 0, false, false,
    1 + reworked::int, 1, at - interval '1 hour', at,
    CASE WHEN fate NOT IN ('in_progress', 'awaiting_callback') THEN at + CASE WHEN outcome = 'passed_on' THEN interval '101 hours'
        ELSE interval '0' END END,
    CASE WHEN outcome = 'passed_on' THEN CASE WHEN reworked THEN second_unit_id ELSE unit_id END END, outcome,
    CASE WHEN fate = 'answered' THEN true WHEN outcome = 'passed_on' AND fate <> 'in_progress' THEN solved END, excluded,
    reworked::int, 8, 8, decode(repeat('00', 32), 'hex')
FROM life ORDER BY id
"""

_PARTS = """
INSERT INTO assignment (id, case_id, round, unit_id, duty, dispatched_at, signed_at, contacted_at, submitted_at, ended_at)
OVERRIDING SYSTEM VALUE
SELECT l.id * 2 - 2 + r.round, l.id, r.round, CASE WHEN r.round = 2 THEN second_unit_id ELSE unit_id END, 'lead',
    at + r.starts, at + r.starts + interval '1 hour', at + r.starts + interval '2 hours',
    CASE WHEN fate <> 'in_progress' THEN at + r.ends END,
    CASE WHEN reworked AND r.round = 1 THEN at + interval '55 hours' END
FROM life l JOIN (VALUES (1, interval '1 hour', interval '50 hours'), (2, interval '55 hours', interval '90 hours'))
    AS r(round, starts, ends) ON r.round = 1 OR l.reworked
WHERE outcome = 'passed_on' ORDER BY l.id
"""

_WORDS = """
INSERT INTO callback (case_id, round, at, by, reached, contacted, solved, satisfaction)
SELECT l.id, r.round, at + r.said + p.after, CASE WHEN p.person = 1 THEN 'agent' ELSE 'resident' END, true, contacted,
    CASE WHEN p.person = 1 THEN solved AND (r.round = 2 OR NOT reworked) ELSE true END,
    CASE WHEN p.person = 2 THEN 'satisfied' WHEN reworked AND r.round = 1 THEN 'dissatisfied' ELSE grade END
FROM life l JOIN (VALUES (1, interval '53 hours'), (2, interval '100 hours')) AS r(round, said) ON r.round = 1 OR l.reworked
JOIN (VALUES (1, interval '0'), (2, interval '10 minutes')) AS p(person, after) ON p.person = 1 OR l.two_speak
WHERE fate = 'closed' AND outcome = 'passed_on' ORDER BY l.id
"""

_CLOCKS = """
INSERT INTO deadline (clock, subject, subject_id, case_id, round, owner_unit_id, label, policy_id, amount, starts_at, warn_at,
    due_at, provisional, met_at, breached_at, level)
SELECT k.clock, k.subject, CASE WHEN k.subject = 'assignment' THEN l.id * 2 - 2 + k.round ELSE l.id END, l.id, k.round,
    l.unit_id, '时限', p.id, 1, at + k.starts, at + k.starts, at + k.starts + t.term, false, m.met_at,
    CASE WHEN m.met_at > at + k.starts + t.term OR (m.met_at IS NULL AND %(now)s > at + k.starts + t.term)
        THEN at + k.starts + t.term END, 0
FROM life l JOIN (VALUES
    ('accept', 'case', 1, interval '-1 hour', interval '0', interval '1 day', false),
    ('overall', 'case', 1, interval '-1 hour', interval '101 hours', interval '42 days', false),
    ('dispatch', 'case', 1, interval '0', interval '1 hour', interval '2 hours', true),
    ('sign', 'assignment', 1, interval '1 hour', interval '2 hours', interval '90 minutes', true),
    ('contact', 'assignment', 1, interval '1 hour', interval '3 hours', interval '1 day', true),
    ('resolve', 'assignment', 1, interval '1 hour', interval '50 hours', interval '7 days', true),
    ('review', 'case', 1, interval '50 hours', interval '51 hours', interval '1 day', true),
    ('callback', 'case', 1, interval '51 hours', interval '53 hours', interval '3 days', true),
    ('sign', 'assignment', 2, interval '55 hours', interval '56 hours', interval '90 minutes', true),
    ('resolve', 'assignment', 2, interval '55 hours', interval '90 hours', interval '4 days', true),
    ('callback', 'case', 2, interval '91 hours', interval '100 hours', interval '3 days', true)
) AS k(clock, subject, round, starts, ends, term, passed_on)
    ON (k.round = 1 OR l.reworked) AND (outcome = 'passed_on' OR NOT k.passed_on)
    AND (fate <> 'in_progress' OR k.clock NOT IN ('review', 'callback'))
CROSS JOIN LATERAL (SELECT CASE WHEN (k.clock = 'resolve' AND late) OR (k.clock = 'sign' AND signed_late) THEN interval '30 minutes'
    ELSE k.term END AS term) t
CROSS JOIN LATERAL (SELECT CASE WHEN fate = 'in_progress' AND k.clock IN ('resolve', 'overall')
        OR fate = 'awaiting_callback' AND k.clock IN ('callback', 'overall') THEN NULL
    WHEN k.clock = 'overall' AND outcome IS DISTINCT FROM 'passed_on' THEN at ELSE at + k.ends END AS met_at) m
JOIN deadline_policy p ON p.code = k.clock AND p.version = 1
ORDER BY l.id
"""

_ENTRIES = """
INSERT INTO entry (case_id, seq, form, at, actor, role, door, action, from_state, to_state, facts, link)
SELECT l.id, row_number() OVER (PARTITION BY l.id ORDER BY s.after, s.action), 1, l.at + s.after, 'system', 'system', 'import',
    s.action, NULL, s.state, coalesce(s.facts, '{}'), decode(repeat('00', 32), 'hex')
FROM life l CROSS JOIN LATERAL (
    SELECT interval '-1 hour' AS after, 'submit' AS action, 'submitted' AS state, NULL::jsonb AS facts
    UNION ALL SELECT interval '0', 'answer', 'closed', jsonb_build_object('outcome', outcome) WHERE fate = 'answered'
    UNION ALL SELECT interval '0', 'accept', 'accepted', NULL WHERE fate <> 'answered'
    UNION ALL SELECT interval '1 hour', CASE fate WHEN 'rejected' THEN 'reject' WHEN 'void' THEN 'void' ELSE 'withdraw' END,
        fate, NULL WHERE fate IN ('rejected', 'withdrawn', 'void')
    UNION ALL SELECT * FROM (VALUES (interval '1 hour', 'dispatch', 'dispatched', NULL::jsonb),
        (interval '2 hours', 'sign', 'in_progress', NULL)) AS v WHERE outcome = 'passed_on'
    UNION ALL SELECT v.after, v.action, v.state, v.facts FROM (VALUES (1, interval '50 hours', 'submit_result', 'under_review',
            jsonb_build_object('solved', solved)), (1, interval '51 hours', 'pass', 'awaiting_callback', NULL),
        (2, interval '55 hours', 'triage', 'in_progress', NULL), (2, interval '56 hours', 'sign', 'in_progress', NULL),
        (2, interval '90 hours', 'submit_result', 'under_review', jsonb_build_object('solved', solved)),
        (2, interval '91 hours', 'pass', 'awaiting_callback', NULL))
        AS v(round, after, action, state, facts)
        WHERE outcome = 'passed_on' AND fate <> 'in_progress' AND (v.round = 1 OR reworked)
    UNION ALL SELECT v.after, 'record_callback', CASE WHEN v.round = 1 AND reworked THEN 'awaiting_callback' ELSE 'closed' END, NULL
        FROM (VALUES (1, interval '53 hours'), (2, interval '100 hours')) AS v(round, after)
        WHERE fate = 'unreached' AND (v.round = 1 OR reworked)
    UNION ALL SELECT interval '52 hours', 'exclude', 'awaiting_callback', NULL WHERE excluded
    UNION ALL SELECT c.at - l.at, CASE WHEN c.by = 'agent' THEN 'record_callback' ELSE 'rate' END,
        CASE WHEN reworked AND c.round = 1 THEN 'awaiting_callback' ELSE 'closed' END, jsonb_build_object('by', c.by,
            'contacted', c.contacted, 'solved', c.solved, 'satisfaction', c.satisfaction)
        FROM callback c WHERE c.case_id = l.id
) s
WHERE l.at >= %(recent)s OR fate IN ('in_progress', 'awaiting_callback')
"""


def live(conninfo: str, total: int, now: datetime) -> None:
    """Store `total` cases with the lives that they had up to now; the ledger is empty before."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET work_mem = '256MB'")
        connection.execute("SET session_replication_role = replica")  # the rows fit each other by how they are made
        connection.execute("CREATE TEMPORARY TABLE numbered (id bigint, number text)")
        with connection.cursor().copy("COPY numbered FROM STDIN") as copy:
            copy.write(_numbers(total, now))
        connection.execute(_LIVES, {"now": now, "total": total, "days": DAYS})
        connection.execute("ANALYZE life")
        for statement in (_CASES, _PARTS, _WORDS):
            connection.execute(statement)
        connection.execute(_CLOCKS, {"now": now})
        connection.execute("ANALYZE callback")
        connection.execute(_ENTRIES, {"recent": now - RECENT})
        for table in ("case", "assignment"):
            connection.execute(f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), (SELECT max(id) FROM \"{table}\"))")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _numbers(total: int, now: datetime) -> str:
    """Give ids and numbers as COPY reads them; a day of its own for every thousand, or seven random digits would collide."""
    rows, seen = io.StringIO(), set()
    for case_id in range(1, total + 1):
        number = new_number(now - timedelta(days=1 + case_id // 1000))
        while number in seen:
            number = new_number(now - timedelta(days=1 + case_id // 1000))
        seen.add(number)
        rows.write(f"{case_id}\t{number}\n")
    return rows.getvalue()
