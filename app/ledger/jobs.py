"""Keeps the jobs of the ledger: the sweep, the years whose calendar is missing and the clocks that wait for it, the texts."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db, lock_rows, transaction
from app.core.jobs import job
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.county import county, next_digest
from app.ledger.deadlines import is_open, lock_case_clocks, note_due, recompute
from app.ledger.merging.texts import count_grams, fill_texts, prune_texts
from app.ledger.models import Case
from app.ledger.shifts.leaves import begin_and_end_leaves
from app.ledger.sweep import Swept, sweep
from app.ledger.timeline import append_entry
from app.ledger.vocabulary import Action
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.people.staff import posts_held
from app.territory.calendar.queries import load_calendar

CHUNK = 200


@job("sweep-deadlines", every=timedelta(seconds=10))
def sweep_deadlines(stamps: Callable[[], Stamp]) -> Swept:
    """Check every case against its deadlines."""
    return sweep(stamps)


@job("leave-begins-and-ends", every=timedelta(minutes=1))
def leave_begins_and_ends(stamps: Callable[[], Stamp]) -> int:
    """Move the clocks of those whose leave begins, and give back what is open when it ends; give how many cases changed hands."""
    return begin_and_end_leaves(stamps)


@job("keep-texts", every=timedelta(hours=1))
def keep_texts(stamps: Callable[[], Stamp]) -> None:
    """Let the index of texts follow the open ledger: add what is missing, take out what ended long ago."""
    for step in (fill_texts, prune_texts):
        last: int | None = 0
        while last is not None:
            with transaction():
                last = step(stamps().at, after=last)


@job("count-grams", every=timedelta(hours=6))
def recount_grams(stamps: Callable[[], Stamp]) -> None:
    """Count anew how common each gram is among the texts."""
    with transaction():
        count_grams(stamps().at)


@job("warn-of-calendar", every=timedelta(hours=6))
def warn_of_calendar(stamps: Callable[[], Stamp]) -> int:
    """Tell the county's administrators, once a week and with a digest, of each year whose holidays are wanted and not known."""
    with transaction():
        at = stamps().at
        week = "{}-{}".format(*at.astimezone(CHINA).isocalendar())
        rows = [
            notice_row(
                f"calendar:{year}:{week}",
                to=(Recipient.STAFF, staff_id),
                template="calendar_missing",
                params={"year": year},
                case_id=None,
                at=at,
                digest_at=next_digest(at, county().digest_times),
            )
            for year in load_calendar().missing_years(at)
            for staff_id in posts_held().over(catalogue().county_path, Role.ADMINISTRATOR)
        ]
        file_notices(rows)
        return len(rows)


@job("recompute-provisional", every=timedelta(hours=1))
def recompute_provisional(stamps: Callable[[], Stamp]) -> int:
    """Work out anew the clocks that reach into a year whose calendar was not published when they started; give how many moved.

    Each gets an entry that tells the old and the new due moment. Clocks that are paused, or due already, wait or stay.
    """
    moved, last = 0, 0
    while True:
        with transaction():
            at = stamps().at
            query = select(Deadline.id, Deadline.case_id).where(
                Deadline.provisional, Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None), Deadline.due_at > at
            )
            rows = db.session.execute(query.where(Deadline.id > last).order_by(Deadline.id).limit(CHUNK)).all()
            cases = {case.id: case for case in lock_rows(Case, [row.case_id for row in rows if row.case_id], skip_locked=True)}
            for clock in lock_rows(Deadline, [row.id for row in rows if not row.case_id or row.case_id in cases], skip_locked=True):
                old = clock.due_at
                if is_open(clock) and clock.paused_at is None and recompute(clock):
                    moved += 1
                    if clock.case_id is not None and clock.due_at != old:
                        facts = {
                            "clock": clock.clock,
                            "deadline": clock.id,
                            "from": old.isoformat(),
                            "to": clock.due_at.isoformat(),
                        }
                        append_entry(stamps(), cases[clock.case_id], Action.RECOMPUTE_CLOCK, facts=facts)
                        note_due(cases[clock.case_id], lock_case_clocks([clock.case_id]))
        if len(rows) < CHUNK:
            return moved
        last = rows[-1].id
