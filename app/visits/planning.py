"""Keeps how visits are planned: for the period that runs, every task that rules and campaigns ask for and that is not there yet.

Of a resident's populations the one visited most often speaks; a household's own rule gives way to one of its residents that is
visited as often. A resident has one task a period, a household one, by the key; one visit may do all of a household's.
A task that ended because its cause had gone comes back with the cause. What was visited since a task's first day counts for it,
also where the visit was there before the task. Villages are planned one after the other, in transactions
of their own; planning again changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, text

from app.core.bulk import insert_fresh
from app.core.database import db, lock_rows, transaction
from app.core.stamp import Stamp
from app.territory.models import Grid, Household
from app.visits.clocks import lock_clocks, start_clocks
from app.visits.models import TaskEnd, TaskState, VisitTask
from app.visits.periods import day_of, planned_on
from app.visits.tasks import cancel_tasks, follow_moves, note_change, settle_made

EVERY = (1, 2, 3, 4, 6, 12)

CAMPAIGN_LATE_DAYS = 30
"""So long after a campaign's date its visits may still be made up for; then they count as missed."""


@dataclass
class Planned:
    """What a planning did."""

    made: int = 0
    brought_back: int = 0
    moved: int = 0
    cancelled: int = 0
    missed: int = 0


def plan_visits(stamps: Callable[[], Stamp], *, only: Sequence[int] | None = None) -> Planned:
    """Bring the tasks of every village (or of some, by unit id) up to the day; give what was done."""
    done = Planned()
    with transaction():
        villages = select(Grid.unit_id).distinct().where(Grid.active).order_by(Grid.unit_id)
        unit_ids = list(db.session.scalars(villages if only is None else villages.where(Grid.unit_id.in_(only))))
    for unit_id in unit_ids:
        for step in (_follow_moves, _end_tasks, _make_tasks):
            with transaction():
                step(stamps(), unit_id, done)
    return done


_BELONGS = """
    SELECT r.id AS resident_id, r.household_id, t.id AS tag_id, t.place
    FROM grid g JOIN resident r ON r.grid_id = g.id JOIN resident_tag b ON b.resident_id = r.id AND b.ended_at IS NULL
    JOIN population_tag t ON t.id = b.tag_id AND t.active AND t.from_age IS NULL
    WHERE g.unit_id = :unit AND r.ended_at IS NULL AND r.household_id IS NOT NULL
      AND b.since <= :today AND (b.expires_on IS NULL OR b.expires_on >= :today)
    UNION ALL
    SELECT r.id, r.household_id, t.id, t.place
    FROM population_tag t JOIN grid g ON g.unit_id = :unit JOIN resident r ON r.grid_id = g.id
    WHERE t.active AND t.from_age IS NOT NULL AND r.ended_at IS NULL AND r.household_id IS NOT NULL
      AND r.birth_month <= CAST(:today AS date) - make_interval(years => CAST(t.from_age AS integer))
"""
"""Who of a village belongs to which population today."""

_RULES = """
    SELECT * FROM (
      SELECT DISTINCT ON (code) id, tag_id, household_kind, every_months, in_person, active
      FROM visit_rule ORDER BY code, version DESC
    ) newest WHERE active
"""
"""The newest version of each rule that is in force."""

_LIVED_IN = """
    SELECT h.id, h.grid_id, h.kind
    FROM grid g JOIN household h ON h.grid_id = g.id
    WHERE g.unit_id = :unit AND h.ended_at IS NULL AND h.kind <> 'vacant'
      AND (
        EXISTS (SELECT FROM resident r WHERE r.household_id = h.id AND r.ended_at IS NULL)
        OR NOT EXISTS (SELECT FROM resident r WHERE r.household_id = h.id)
      )
"""
"""A village's households in which somebody lives. One whose residents are not known counts, one whose residents all went not."""

_WANTED = text(
    f"""
    WITH belongs AS MATERIALIZED ({_BELONGS}), rules AS MATERIALIZED ({_RULES}), home AS MATERIALIZED ({_LIVED_IN}),
    period AS (
      SELECT * FROM unnest(CAST(:every AS bigint[]), CAST(:codes AS text[]), CAST(:lasts AS date[])) AS p (every, code, last)
    ),
    theirs AS (
      SELECT DISTINCT ON (b.resident_id) b.resident_id, b.household_id, u.id AS rule_id, u.every_months, u.in_person
      FROM belongs b JOIN rules u ON u.tag_id = b.tag_id
      ORDER BY b.resident_id, u.every_months, b.place, u.id
    ),
    wanted AS (
      SELECT 'rule:' || p.code || ':resident:' || s.resident_id AS key, home.grid_id, home.id AS household_id, s.resident_id,
        'rule' AS why, s.rule_id, CAST(NULL AS bigint) AS campaign_id, s.in_person,
        CAST(:today AS date) AS first_on, p.last AS due_on
      FROM theirs s JOIN home ON home.id = s.household_id JOIN period p ON p.every = s.every_months
      UNION ALL
      SELECT 'rule:' || p.code || ':household:' || home.id, home.grid_id, home.id, NULL,
        'rule', u.id, NULL, u.in_person, CAST(:today AS date), p.last
      FROM home JOIN rules u ON u.household_kind = home.kind JOIN period p ON p.every = u.every_months
      WHERE NOT EXISTS (SELECT FROM theirs s WHERE s.household_id = home.id AND s.every_months <= u.every_months)
      UNION ALL
      SELECT 'campaign:' || c.id || ':household:' || home.id, home.grid_id, home.id, NULL,
        'campaign', NULL, c.id, c.in_person, CAST(:today AS date), c.due_on
      FROM campaign c JOIN unit over ON over.id = c.unit_id JOIN unit village ON village.id = :unit CROSS JOIN home
      WHERE starts_with(village.path, over.path) AND c.ended_at IS NULL AND :today BETWEEN c.starts_on AND c.due_on
        AND (c.tag_id IS NULL OR EXISTS (SELECT FROM belongs b WHERE b.household_id = home.id AND b.tag_id = c.tag_id))
    )
    SELECT wanted.*, task.id AS there
    FROM wanted LEFT JOIN visit_task task ON task.key = wanted.key
    WHERE task.id IS NULL OR (task.state = 'cancelled' AND task.ended_by NOT IN ('by_hand', 'campaign_ended'))
    ORDER BY wanted.household_id, wanted.key
    """  # noqa: S608 (put together from constants)
)


def _make_tasks(stamp: Stamp, unit_id: int, done: Planned) -> None:
    today = day_of(stamp.at)
    periods = {every: period for every in EVERY if (period := planned_on(today, every)) is not None}
    rows = db.session.execute(
        _WANTED,
        {
            "unit": unit_id,
            "today": today,
            "every": list(periods),
            "codes": [period.code for period in periods.values()],
            "lasts": [period.last for period in periods.values()],
        },
    ).all()
    if not rows:
        return
    # A household that a visit is being written for is left to the next planning: its writer may wait for a task of ours.
    free = {household.id for household in lock_rows(Household, [row.household_id for row in rows], skip_locked=True)}
    fresh = [_columns(stamp, row) for row in rows if row.there is None and row.household_id in free]
    back = [row for row in rows if row.there is not None and row.household_id in free]
    started = [(row.id, row.due_on) for row in insert_fresh(VisitTask, fresh, unless="key", give=("id", "due_on"))]
    returned = _bring_back(stamp, back)
    done.made += len(started)
    done.brought_back += len(returned)
    start_clocks(stamp.at, unit_id, started + returned)
    settle_made(stamp, [task_id for task_id, _ in started + returned])


def _columns(stamp: Stamp, row: Any) -> dict[str, Any]:
    names = ("key", "grid_id", "household_id", "resident_id", "why", "rule_id", "campaign_id", "in_person", "first_on", "due_on")
    values = {name: getattr(row, name) for name in names}
    return values | {"state": TaskState.OPEN, "attempts": 0, "version": 1, "created_at": stamp.at, "updated_at": stamp.at}


def _bring_back(stamp: Stamp, rows: Sequence[Any]) -> list[tuple[int, date]]:
    wanted = {row.there: row for row in rows}
    back = []
    for task in lock_rows(VisitTask, list(wanted)) if wanted else []:
        if task.state is TaskState.CANCELLED:
            row = wanted[task.id]
            task.state, task.ended_at, task.ended_by, task.ended_why = TaskState.OPEN, None, None, None
            task.grid_id, task.household_id, task.rule_id, task.due_on = row.grid_id, row.household_id, row.rule_id, row.due_on
            note_change(stamp, task)
            back.append((task.id, task.due_on))
    db.session.flush()
    return back


_GONE = text(
    f"""
    WITH belongs AS MATERIALIZED ({_BELONGS}), rules AS MATERIALIZED ({_RULES}),
    rhythm AS MATERIALIZED (
      SELECT DISTINCT b.resident_id, u.every_months FROM belongs b JOIN rules u ON u.tag_id = b.tag_id
    ),
    kinds AS MATERIALIZED (SELECT DISTINCT household_kind, every_months FROM rules WHERE household_kind IS NOT NULL)
    SELECT task.id,
      CASE
        WHEN r.ended_by IS NOT NULL THEN r.ended_by
        WHEN h.ended_at IS NOT NULL THEN 'household_ended'
        WHEN h.kind = 'vacant' THEN 'vacant'
        WHEN EXISTS (SELECT FROM resident o WHERE o.household_id = h.id)
          AND NOT EXISTS (SELECT FROM resident o WHERE o.household_id = h.id AND o.ended_at IS NULL)
          THEN (SELECT o.ended_by FROM resident o WHERE o.household_id = h.id ORDER BY o.ended_at DESC LIMIT 1)
        WHEN c.ended_at IS NOT NULL THEN 'campaign_ended'
        WHEN task.why = 'rule' AND task.resident_id IS NOT NULL AND rhythm.resident_id IS NULL THEN 'rule_ended'
        WHEN task.why = 'rule' AND task.resident_id IS NULL AND kinds.household_kind IS NULL THEN 'rule_ended'
        WHEN task.why = 'campaign' AND task.due_on < CAST(:today AS date) - :after THEN 'missed'
        WHEN task.due_on < :today AND EXISTS (
          SELECT FROM visit_task next JOIN visit_rule their ON their.id = next.rule_id
          WHERE next.household_id = task.household_id AND next.resident_id IS NOT DISTINCT FROM task.resident_id
            AND next.why = 'rule' AND their.every_months = own.every_months
            AND next.due_on > task.due_on AND next.due_on < :today
        ) THEN 'missed'
      END AS why
    FROM grid g JOIN visit_task task ON task.grid_id = g.id AND task.state = 'open'
    JOIN household h ON h.id = task.household_id
    LEFT JOIN resident r ON r.id = task.resident_id
    LEFT JOIN campaign c ON c.id = task.campaign_id
    LEFT JOIN visit_rule own ON own.id = task.rule_id
    LEFT JOIN rhythm ON rhythm.resident_id = task.resident_id AND rhythm.every_months = own.every_months
    LEFT JOIN kinds ON kinds.household_kind = h.kind AND kinds.every_months = own.every_months
    WHERE g.unit_id = :unit
    """  # noqa: S608 (put together from constants)
)


def _end_tasks(stamp: Stamp, unit_id: int, done: Planned) -> None:
    """Cancel the tasks whose cause has gone; let those be missed of which the next one is late too, or whose campaign is past."""
    by_why: dict[str, list[int]] = {}
    for row in db.session.execute(_GONE, {"unit": unit_id, "today": day_of(stamp.at), "after": CAMPAIGN_LATE_DAYS}):
        if row.why is not None:
            by_why.setdefault(row.why, []).append(row.id)
    missed = by_why.pop("missed", [])
    for why, ids in sorted(by_why.items()):
        done.cancelled += cancel_tasks(stamp, select(VisitTask.id).where(VisitTask.id.in_(ids)), why=TaskEnd(why))
    for task in lock_rows(VisitTask, missed) if missed else []:
        if task.state is TaskState.OPEN:
            task.state, task.ended_at = TaskState.MISSED, stamp.at
            note_change(stamp, task)
            done.missed += 1
    for clock in lock_clocks(missed) if missed else []:
        clock.cancelled_at, clock.next_check_at = stamp.at, None
    db.session.flush()


def _follow_moves(stamp: Stamp, unit_id: int, done: Planned) -> None:
    done.moved += follow_moves(stamp, VisitTask.grid_id.in_(select(Grid.id).where(Grid.unit_id == unit_id)))
