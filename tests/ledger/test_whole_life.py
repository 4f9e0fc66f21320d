"""Random people do random things, legal and illegal, to random cases over random time; what must always hold, holds.

Every step is a command on real PostgreSQL in a savepoint, as a request would be; what is refused must be refused in a known
way. `WHOLE_LIFE_EXAMPLES` lives of `STEPS` steps each are driven (2,000 steps by default). What chance leaves undone in
those is done in `test_every_deed`.
"""

import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select

from app.core.database import db
from app.core.errors import Refusal
from app.core.stamp import ANONYMOUS, SYSTEM, Actor, ActorKind, Door, Role, Stamp
from app.demo.cast import find_cast
from app.figures.periods import between
from app.figures.recount import check
from app.ledger.clocks import Deadline
from app.ledger.deadlines import is_open
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Assignment, Case, Entry, EntryWords, Report
from app.ledger.moves import WAITS_IN
from app.ledger.requests.models import Request
from app.ledger.scope import visible
from app.ledger.showing.possible import possible_actions
from app.ledger.showing.queue import Sought, work_queue
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import TERMINAL, Action, Channel, Clock, Duty, Kind, RequestState, State, Subject, Urgency
from app.ledger.workflow import MOVES, RUNS_IN
from app.people.sessions import staff_actor
from app.services.models import ServiceOrder
from app.services.ordering import Wanted, order_own
from tests.conftest import MONDAY, rolled_back
from tests.ledger.deeds import DEEDS, Deed
from tests.ledger.test_workflow import EXPECTED, OPENS

EXAMPLES = int(os.environ.get("WHOLE_LIFE_EXAMPLES", "10"))
STEPS = 200
CHANCE = st.integers(0, 2**32 - 1).map(Random)
"""A dice for each step: few numbers drawn, so that a life may have many steps."""

MOST = 10
"""So many cases a life has at most, four of them open at a time when a new one comes."""
ROAD = {
    State.SUBMITTED: ("accepts",),
    State.INFO_REQUESTED: ("supplies_information",),
    State.ACCEPTED: ("dispatches",),
    State.DISPATCHED: ("signs",),
    State.IN_PROGRESS: ("contacts", "reports_assist", "reports_result"),
    State.SUSPENDED: ("resumes",),
    State.UNDER_REVIEW: ("passes",),
    State.AWAITING_CALLBACK: ("calls_back",),
    State.AWAITING_UPSTREAM: ("confirms_upstream",),
}
"""The deeds of a case's ordinary road, by state."""
WITH_LEAD = {State.DISPATCHED, State.IN_PROGRESS, State.SUSPENDED, State.UNDER_REVIEW}
STILL = {State.SUSPENDED, State.INFO_REQUESTED}
"""States in which the promise to the resident stands still."""


def machine(shared_app, keys, clock, counted) -> type[RuleBasedStateMachine]:
    """Give the machine over an app; `counted` is told every step and what came of it."""

    class WholeLife(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            clock.move_to(MONDAY)
            self.context = rolled_back(shared_app, keys)
            self.context.__enter__()
            self.cast = find_cast()
            self.staff = {login: staff_actor(member.id) for login, member in self.cast.staff.items()}
            self.numbers: list[str] = []
            self.checked = 0
            self.done: set[str] = set()

        def teardown(self) -> None:
            try:
                check_ledger(clock())
                self.lists_show_what_is_seen()
            finally:
                self.context.__exit__(None, None, None)

        def lists_show_what_is_seen(self) -> None:
            """The work queue reads each way of seeing cases by itself; together they must be what one may open."""
            for login, who in self.staff.items():
                seen = set(db.session.scalars(select(Case.number).where(visible(who))))
                page = work_queue(Stamp(who, who.posts[0].role, clock(), Door.DESK), Sought(limit=MOST))
                assert {row.number for row in page.items} == seen, login

        def stamp(self, who: Actor, role: Role) -> Stamp:
            return Stamp(who, role, clock(), Door.DESK if who.kind is ActorKind.STAFF else Door.MINI_PROGRAM)

        def works_for(self, stamp: Stamp, number: str) -> bool:
            units = select(Assignment.unit_id).join(Case).where(Case.number == number, Assignment.ended_at.is_(None))
            wanted = set(db.session.scalars(units))
            return any(post.unit_id in wanted for post in stamp.actor.posts)

        def anybody(self, chance: Random, roles: frozenset[Role], number: str | None = None) -> Stamp:
            """Somebody who holds one of some roles, mostly at a unit that handles the case; now and then just anybody."""
            if chance.random() < 0.15:
                roles = frozenset(Role)
            fit = [Stamp(who, who.posts[0].role, clock(), Door.DESK) for who in self.staff.values() if who.roles() & roles]
            if Role.RESIDENT in roles:
                residents = [self.cast.residents[name].id for name in ("lin", "chen")]
                fit += [self.stamp(Actor(ActorKind.RESIDENT, ident), Role.RESIDENT) for ident in residents]
            if roles & {Role.HANDLER, Role.UNIT_HEAD} and number and chance.random() < 0.8:
                fit = [stamp for stamp in fit if self.works_for(stamp, number)] or fit
            return chance.choice(fit or [self.stamp(ANONYMOUS, Role.RESIDENT)])

        @initialize(chance=CHANCE)
        def begin(self, chance: Random) -> None:
            while not self.numbers:
                self.submit(chance)

        def alive(self) -> list[str]:
            query = select(Case.number).where(Case.number.in_(self.numbers), Case.state.not_in(TERMINAL)).order_by(Case.id)
            return list(db.session.scalars(query))

        @precondition(lambda self: len(self.numbers) < MOST and len(self.alive()) < 4)
        @rule(chance=CHANCE)
        def submit(self, chance: Random) -> None:
            lin, chen = (self.cast.residents[name].id for name in ("lin", "chen"))
            who = chance.choice(["lin", "chen", "anonymous", "hotline", "proxy", "upstream", "order"])
            if who == "order":
                wanted = Wanted(item=chance.choice(["medicine", "old_age_allowance"]), grid=self.cast.grids["柳林村一网格"].code)
                stamp = self.stamp(Actor(ActorKind.RESIDENT, lin), Role.RESIDENT)
                ordered = self.attempt("order", lambda: order_own(stamp, wanted).number)
                self.numbers += [ordered] if ordered else []
                return
            more = {
                "kind": chance.choice(list(Kind)),
                "category_id": chance.choice([None, *self.cast.categories.values()]),
                "grid_id": chance.choice([None, *(grid.id for grid in self.cast.grids.values())]),
                "urgency": chance.choice([None, Urgency.NORMAL, Urgency.URGENT]),
                "body": chance.choice(["路灯不亮，晚上看不见路", "自来水停了三天", "垃圾没人清运，臭得很", "低保一直没批下来"]),
                "confidential": chance.random() < 0.1,
            }
            if chance.random() < 0.15:
                more["against_unit_id"] = self.cast.units[chance.choice(["城市管理局", "柳河镇"])].id
            fang, wu = self.staff["fang"], self.staff["wu"]
            if who == "anonymous":
                stamp, more = self.stamp(ANONYMOUS, Role.RESIDENT), more | {"anonymous": True, "channel": Channel.MINI_PROGRAM}
            elif who in ("hotline", "upstream"):
                stamp = Stamp(fang, Role.INTAKE, clock(), Door.DESK)
                more |= {"channel": Channel.HOTLINE, "filer_staff_id": fang.id, "concerned_id": chance.choice([lin, chen])}
                if who == "upstream":
                    more |= {"channel": Channel.UPSTREAM_12345, "upstream_number": f"SJ{chance.randrange(10**9)}"}
            elif who == "proxy":
                stamp = Stamp(wu, Role.CADRE, clock(), Door.GRID)
                more |= {"channel": Channel.PROXY, "filer_staff_id": wu.id, "concerned_id": lin}
            else:
                ident = {"lin": lin, "chen": chen}[who]
                stamp = self.stamp(Actor(ActorKind.RESIDENT, ident), Role.RESIDENT)
                more |= {"channel": Channel.MINI_PROGRAM, "filer_resident_id": ident, "concerned_id": ident}
            number = self.attempt("submit", lambda: take_in(stamp, Submission(**more)).number)
            self.numbers += [number] if number else []

        def attempt(self, name: str, act: Callable[[], str | None]) -> str | None:
            """Do something in a savepoint; what is refused leaves nothing behind."""
            nested = db.session.begin_nested()
            try:
                given = act()
                nested.commit()
            except Refusal as refused:
                nested.rollback()
                counted[name, refused.code()] += 1
                return None
            counted[name, "done"] += 1
            self.done.add(name)
            return given

        def choose(self, fit: list[Deed], chance: Random) -> Deed:
            """One of some deeds: rather one that moves the case, and rather one that this life has not seen done yet."""
            moving = [any(MOVES[action].targets for action in deed.actions) for deed in fit]
            weights = [(5 if moves else 1) * (1 if deed.name in self.done else 6) for deed, moves in zip(fit, moving, strict=True)]
            return chance.choices(fit, weights)[0]

        @rule(chance=CHANCE)
        def likely_deed(self, chance: Random) -> None:
            """What the table allows in the case's state, by somebody whose role it names."""
            number = chance.choice(self.numbers)
            state = db.session.scalars(select(Case.state).where(Case.number == number)).one()
            fit = [deed for deed in DEEDS if any(state in MOVES[action].sources for action in deed.actions)]
            if fit:
                deed = self.choose(fit, chance)
                roles = frozenset().union(*(MOVES[action].roles for action in deed.actions))
                self.do(deed, self.anybody(chance, roles, number), number, chance)

        @rule(chance=CHANCE)
        def any_deed(self, chance: Random) -> None:
            """Anything by anybody."""
            self.do(chance.choice(DEEDS), self.anybody(chance, frozenset(Role)), chance.choice(self.numbers), chance)

        def do(self, deed, stamp: Stamp, number: str, chance: Random) -> None:
            case = db.session.scalars(select(Case).where(Case.number == number)).one()
            self.attempt(deed.name, lambda: deed.act(stamp, case, chance, self.cast))

        @rule(chance=CHANCE)
        def offered_deed(self, chance: Random) -> None:
            """What the desk offers somebody who works on the case: the ledger's own answer to what they may do now."""
            number = chance.choice(self.numbers)
            case = db.session.scalars(select(Case).where(Case.number == number)).one()
            pending = list(db.session.scalars(select(Request).where(Request.case_id == case.id, Request.state == "pending")))
            people = [Stamp(who, who.posts[0].role, clock(), Door.DESK) for who in self.staff.values()]
            chance.shuffle(people)
            for stamp in sorted(people, key=lambda stamp: not self.works_for(stamp, number))[:12]:
                offered = set(possible_actions(stamp, case, pending))
                fit = [deed for deed in DEEDS if offered & set(deed.actions)]
                counted["desk", "offered" if fit else "nothing"] += 1
                if fit:
                    self.do(self.choose(fit, chance), stamp, number, chance)
                    return

        @rule(chance=CHANCE)
        def ordinary_road(self, chance: Random) -> None:
            """The next step of a case's ordinary road, by somebody whom the desk offers it."""
            case = db.session.scalars(select(Case).where(Case.number == chance.choice(self.alive() or self.numbers))).one()
            names = ROAD.get(case.state, ())
            people = [Stamp(who, post.role, clock(), Door.DESK) for who in self.staff.values() for post in who.posts]
            chance.shuffle(people)
            for deed in (deed for deed in DEEDS if deed.name in names):
                able = next((stamp for stamp in people if set(deed.actions) & set(possible_actions(stamp, case, []))), None)
                if able is not None:
                    self.do(deed, able, case.number, chance)

        @rule(chance=CHANCE)
        def another_step_on_the_road(self, chance: Random) -> None:
            self.ordinary_road(chance)

        @rule(minutes=st.sampled_from([1, 1, 5, 15, 60, 240, 1440, 20160]), swept=st.booleans())
        def time_passes(self, minutes: int, swept: bool) -> None:
            clock.advance(minutes=minutes)
            counted["time", "passed"] += 1
            if swept:
                done = sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, clock(), Door.JOB))
                assert done.set_aside == 0
                counted["sweep", "done"] += 1

        @invariant()
        def a_step_was_taken(self) -> None:
            counted["step", "taken"] += 1

        @invariant()
        def cases_and_clocks_hold(self) -> None:
            db.session.flush()
            for case in db.session.scalars(select(Case)):
                clocks = list(db.session.scalars(select(Deadline).where(Deadline.case_id == case.id)))
                check_case(case, [clock for clock in clocks if is_open(clock)])

        @invariant()
        def entries_are_as_the_expectation_has_them(self) -> None:
            query = select(Entry).where(Entry.id > self.checked).order_by(Entry.id)
            for entry in db.session.scalars(query):
                sources, roles, _ = (field.split() for field in EXPECTED[entry.action])
                assert (OPENS if entry.from_state is None else entry.from_state.value) in sources, entry.action
                assert entry.role.value in roles, (entry.action, entry.role)
                self.checked = entry.id

    return WholeLife


def check_case(case: Case, running: list[Deadline]) -> None:
    """What must hold of a case and its open clocks after every step."""
    told = (case.number, case.state, [(clock.clock, clock.round) for clock in running])
    leads = [a for a in case.assignments if a.duty is Duty.LEAD and a.ended_at is None]
    if case.state in WITH_LEAD:
        assert len(leads) == 1, told
        assert leads[0].unit_id == case.lead_unit_id, told
    assert len(leads) <= 1, told
    for clock in running:
        assert case.state in RUNS_IN[clock.clock], told
        if clock.subject is Subject.ASSIGNMENT:
            (assignment,) = [a for a in case.assignments if a.id == clock.subject_id]
            assert assignment.ended_at is None, told
    alone = [clock.clock for clock in running if clock.subject is Subject.CASE]
    assert len(alone) == len(set(alone)), told
    if case.state not in TERMINAL:
        (overall,) = [clock for clock in running if clock.clock is Clock.OVERALL]
        assert (overall.paused_at is not None) == (case.state in STILL), told
        assert case.closed_at is None, told
    else:
        assert case.closed_at is not None, told
    moving = [clock for clock in running if clock.paused_at is None]
    assert case.next_due_at == min((clock.due_at for clock in moving), default=None), told
    assert case.amber_at == min((clock.warn_at for clock in moving), default=None), told
    assert case.late_since == min((clock.breached_at for clock in running if clock.breached_at), default=None), told
    pending = list(db.session.scalars(select(Request).where(Request.case_id == case.id, Request.state == RequestState.PENDING)))
    assert len(pending) == len({request.kind for request in pending}), told
    assert all(case.state in WAITS_IN[request.kind] for request in pending), told
    deciding = {clock.subject_id for clock in running if clock.clock is Clock.DECIDE}
    assert deciding == {request.id for request in pending}, told
    if case.kind is Kind.SERVICE and case.state is not State.MERGED:
        check_order(case, [clock.subject_id for clock in running if clock.clock is Clock.STATION])


def check_order(case: Case, stations: list[int]) -> None:
    """What must hold of a service order: it is at one station while somebody handles it, at none else, and open while untaken."""
    order = db.session.scalars(select(ServiceOrder).where(ServiceOrder.case_id == case.id)).first()
    if order is None:
        return
    told = (case.number, case.state, stations, [(stay.id, stay.place, stay.ended_at) for stay in order.stations])
    handled = case.state in {State.DISPATCHED, State.IN_PROGRESS, State.SUSPENDED}
    here = [stay.id for stay in order.stations if stay.ended_at is None]
    assert here == ([order.stations[-1].id] if handled else []), told
    assert stations == here, told
    assert not (case.state is State.DISPATCHED and order.taken_at), told


def check_ledger(at: datetime) -> None:
    """What must hold of the whole ledger: chains, answers, reports, heat, and figures that agree with the recount."""
    assert verify_ledger().breaks == []
    for case in db.session.scalars(select(Case).where(Case.state.in_(TERMINAL))):
        opened = select(func.max(Entry.seq)).where(Entry.case_id == case.id, Entry.action == Action.REOPEN)
        told = select(Entry.id).join(EntryWords).where(Entry.case_id == case.id, EntryWords.reply != "")
        assert db.session.scalars(told.where(Entry.seq > (db.session.scalar(opened) or 0))).first(), (case.number, case.state)
    in_merged = select(Case.number).join(Report, Report.case_id == Case.id).where(Case.state == State.MERGED)
    assert db.session.scalars(in_merged).all() == []
    empty = select(Case.number).where(Case.state != State.MERGED, ~select(Report.id).where(Report.case_id == Case.id).exists())
    assert db.session.scalars(empty).all() == []
    for case in db.session.scalars(select(Case)):
        reports = list(db.session.scalars(select(Report).where(Report.case_id == case.id)))
        assert case.state is State.MERGED or case.heat == heat_of(reports), (case.number, case.heat)
    period = between(MONDAY - timedelta(days=1), at + timedelta(seconds=1))
    assert check(Stamp(SYSTEM, Role.SYSTEM, at, Door.JOB), period)[1] == []


def heat_of(reports: list[Report]) -> int:
    """So many distinct people say it: each named one once, each anonymous report once."""
    named = {report.concerned_id for report in reports if report.concerned_id is not None}
    return len(named) + sum(report.concerned_id is None for report in reports)


def test_what_must_hold_holds_whatever_people_do(shared_app, keys, clock):
    counted: Counter[tuple[str, str]] = Counter()
    limits = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    lives = machine(shared_app, keys, clock, counted)
    while counted["step", "taken"] < EXAMPLES * STEPS:  # a life may end early
        run_state_machine_as_test(lives, settings=limits)
        limits = settings(limits, max_examples=1)
