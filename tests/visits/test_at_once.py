"""Planners, workers and the sweep at once: each task once, each clock once, nobody waits for another in a ring."""

import threading
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import func, select

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.clocks import Deadline, DeadlineLevel
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Subject
from app.notices.models import Notice
from app.people.sessions import staff_actor
from app.territory.commands import add_household
from app.visits.commands import log_visit
from app.visits.models import TaskState, Visit, VisitOutcome, VisitTask
from app.visits.planning import plan_visits
from app.visits.rules import VisitLog


def at_once(committed, *works):
    """Run each in a thread of its own, all together; give what failed."""
    start, failures = threading.Barrier(len(works)), []

    def run(work):
        with committed.app_context():
            start.wait()
            try:
                work()
            except Exception as failure:
                failures.append(failure)
            db.session.remove()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_planners_workers_and_sweepers_at_once(committed):
    held = committed.extensions["minhu"].clock

    def stamps() -> Stamp:
        return Stamp(SYSTEM, Role.SYSTEM, held(), Door.JOB)

    with committed.app_context():
        cast = find_cast()
        with transaction():
            grid = cast.grids["柳林村一网格"]
            homes = [add_household(held(), code=f"c-{n}", grid=grid, head_name="某人", place="某处").id for n in range(40)]
            zhou = staff_actor(cast.staff["zhou"].id)
        db.session.remove()

    def visit(outcome):
        def log() -> None:
            for home in homes:
                given = {"key": uuid4(), "household_id": home, "visited_at": held(), "phone_at": held()}
                with transaction():
                    log_visit(Stamp(zhou, Role.GRID_WORKER, held(), Door.GRID), VisitLog(outcome=outcome, **given))

        return log

    def plan():
        plan_visits(stamps)

    assert at_once(committed, plan, plan, visit(VisitOutcome.NOBODY_HOME), visit(VisitOutcome.PHONE)) == []
    with committed.app_context():
        plan()
        tasks = db.session.scalar(select(func.count()).select_from(VisitTask))
        assert tasks == len(homes) + 2
        assert db.session.scalar(select(func.count()).select_from(Deadline).where(Deadline.subject == Subject.VISIT_TASK)) == tasks
        plan()
        db.session.remove()
    held.advance(days=45)
    works = (
        plan,
        visit(VisitOutcome.MET),
        visit(VisitOutcome.NOBODY_HOME),
        lambda: sweep(stamps, batch=5),
        lambda: sweep(stamps, batch=5),
    )
    assert at_once(committed, *works) == []
    with committed.app_context():
        sweep(stamps)
        assert db.session.scalar(select(func.count()).select_from(Visit)) == 4 * len(homes)
        of_homes = VisitTask.household_id.in_(homes), VisitTask.due_on <= (held() - timedelta(days=1)).date()
        assert set(db.session.scalars(select(VisitTask.state).where(*of_homes))) == {TaskState.DONE}
        levels = select(DeadlineLevel.deadline_id, DeadlineLevel.level, func.count()).group_by(
            DeadlineLevel.deadline_id, DeadlineLevel.level
        )
        assert all(row[2] == 1 for row in db.session.execute(levels))
        assert db.session.scalar(select(func.count(Notice.key)).select_from(Notice)) == db.session.scalar(
            select(func.count(Notice.key.distinct()))
        )
        assert db.session.scalars(select(Deadline).where(Deadline.error.is_not(None))).all() == []
        db.session.remove()
