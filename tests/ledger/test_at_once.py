"""Several people and the sweep at one case at the same moment: one wins each time, the others hear where the case stands now."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.clocks import Deadline, DeadlineLevel
from app.ledger.commands import accept_case
from app.ledger.handling import dispatch_case, sign_case
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Assignment, Case, Entry
from app.ledger.scope import CaseNotFound
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Channel, Clock, Duty, Kind, State
from app.ledger.workflow import IllegalMove
from app.people.sessions import staff_actor
from app.people.staff import enrol_hashed
from tests.conftest import MONDAY

ROUNDS = int(os.environ.get("AT_ONCE_ROUNDS", "300"))
"""How many cases are fought over; `AT_ONCE_ROUNDS=1000` is the long form."""

PATIENCE = 1000
"""So often a handler looks again for a case that is not dispatched yet."""

LATER = MONDAY + timedelta(days=60)
"""When the two act: every clock that starts has been due for long by the time the sweep looks."""


@pytest.fixture
def people(committed):
    """Stamps of two dispatchers and of two handlers of one unit by login, and the unit's id."""
    with committed.app_context():
        cast = find_cast()
        unit = cast.units["城市管理局"].id
        with transaction():
            enrol_hashed(login="he2", name="贺城", password_hash="-", posts=[(Role.HANDLER, unit)])
        staff = find_cast().staff
        stamps = {
            login: Stamp(staff_actor(staff[login].id), role, LATER, Door.DESK)
            for login, role in (("du", Role.DISPATCHER), ("pai", Role.DISPATCHER), ("he", Role.HANDLER), ("he2", Role.HANDLER))
        }
        db.session.remove()
    return stamps, unit


def _accepted(committed, count: int) -> list[str]:
    with committed.app_context():
        cast = find_cast()
        fang = staff_actor(cast.staff["fang"].id)
        numbers = []
        for place in range(count):
            stamp = Stamp(fang, Role.INTAKE, LATER - timedelta(minutes=30), Door.DESK)
            with transaction():
                lin = cast.residents["lin"].id
                said = Submission(
                    channel=Channel.HOTLINE, body=f"第 {place} 盏路灯不亮，请来修", concerned_id=lin, filer_resident_id=lin
                )
                numbers.append(take_in(stamp, said).number)
                grid = cast.grids["柳林村一网格"].id
                accept_case(stamp, numbers[-1], kind=Kind.HELP, category_id=cast.categories["路灯照明"], grid_id=grid)
        db.session.remove()
    return numbers


def _try(committed, act: Callable[[], object]) -> str:
    """Act in a transaction of one's own; give `won`, or the refusal's name with the state that it tells."""
    with committed.app_context():
        try:
            with transaction():
                act()
            return "won"
        except IllegalMove as conflict:
            return f"IllegalMove {conflict.facts['state']}"
        except CaseNotFound:
            return "CaseNotFound"
        finally:
            db.session.remove()


def test_one_wins_each_round_and_nobody_waits_for_ever(committed, people):
    stamps, unit = people
    numbers = _accepted(committed, ROUNDS)
    barrier = Barrier(5, timeout=60)
    outcomes: dict[str, list[str]] = {name: [] for name in ("du", "pai", "he", "he2")}
    done = Counter()

    def dispatcher(name: str) -> None:
        for number in numbers:
            barrier.wait()
            outcomes[name].append(_try(committed, lambda n=number: dispatch_case(stamps[name], n, lead_unit_id=unit)))

    def handler(name: str) -> None:
        """Sign as soon as the case is there to be signed, while the others are still at it."""
        for number in numbers:
            barrier.wait()
            came = _try(committed, lambda n=number: sign_case(stamps[name], n))
            for _ in range(PATIENCE):
                if came != "CaseNotFound":
                    break
                came = _try(committed, lambda n=number: sign_case(stamps[name], n))
            outcomes[name].append(came)

    def sweeper() -> None:
        for _ in numbers:
            barrier.wait()
            with committed.app_context():
                swept = sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, LATER + timedelta(days=60), Door.JOB))
                done.update(levels=swept.levels, breaches=swept.breaches, set_aside=swept.set_aside)
                db.session.remove()

    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(dispatcher, "du"), pool.submit(dispatcher, "pai")]
        running += [pool.submit(handler, "he"), pool.submit(handler, "he2"), pool.submit(sweeper)]
        for future in running:
            future.result(timeout=600)

    told = list(zip(*outcomes.values(), strict=True))
    for place, (du, pai, he, he2) in enumerate(told):
        lost, won = sorted((du, pai))
        assert (won, lost in ("IllegalMove dispatched", "IllegalMove in_progress")) == ("won", True), (place, du, pai)
        assert sorted((he, he2)) == ["IllegalMove in_progress", "won"], (place, he, he2)
    assert len({outcome[0] == "won" for outcome in told}) == 2 or ROUNDS < 20  # neither always comes first
    with committed.app_context():
        states = dict(db.session.execute(select(Case.state, func.count()).group_by(Case.state)).all())
        assert states == {State.IN_PROGRESS: ROUNDS}
        leads = select(func.count()).where(Assignment.duty == Duty.LEAD, Assignment.ended_at.is_(None))
        assert db.session.scalar(leads) == ROUNDS
        dispatched = select(func.count()).where(Entry.action == Action.DISPATCH)
        assert db.session.scalar(dispatched) == ROUNDS
        twice = select(DeadlineLevel.deadline_id).group_by(DeadlineLevel.deadline_id, DeadlineLevel.level).having(func.count() > 1)
        assert db.session.scalars(twice).all() == []
        assert done["set_aside"] == 0
        assert done["levels"] > 0
        signed = select(func.count()).where(Deadline.clock == Clock.SIGN, Deadline.met_at.is_not(None))
        assert db.session.scalar(signed) == ROUNDS
        assert verify_ledger().breaks == []
        db.session.remove()
