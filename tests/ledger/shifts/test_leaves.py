"""Leave: clocks move to the stand-in when it begins, what is still open goes back when it ends, recusal overrides all."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Actor, ActorKind, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.audiences import owners, recipients
from app.ledger.clocks import Deadline
from app.ledger.deadlines import is_open, new_version
from app.ledger.dispatching.sub_dispatch import assign_handler
from app.ledger.handling import dispatch_case, record_contact, sign_case
from app.ledger.models import Case, Entry
from app.ledger.shifts.leaves import begin_and_end_leaves
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Audience, Clock
from app.notices.models import Notice
from app.people.duty.absences import (
    LeaveNotFound,
    LeaveOver,
    LeaveUnfit,
    PeoplePlanIsNotYours,
    StandInUnfit,
    end_leave,
    leaves_page,
    put_leave,
    set_stand_in,
)
from app.people.sessions import staff_actor
from app.people.staff import enrol_hashed
from tests.ledger.test_straight_road import Road, road

__all__ = ["road"]


class Plan:
    """Puts people on leave and lets the job run."""

    def __init__(self, cast, as_staff, clock):
        self.cast, self.as_staff, self.clock = cast, as_staff, clock

    def stand_in(self, login, other, by="gao"):
        return set_stand_in(self.as_staff(by), staff_id=self.cast.staff[login].id, stand_in_id=self.cast.staff[other].id)

    def leave(self, login, *, start=0, hours=24, by=None):
        begins = self.clock() + timedelta(hours=start)
        who = self.cast.staff[login].id
        return put_leave(
            self.as_staff(by or login), staff_id=who, starts_at=begins, until=begins + timedelta(hours=hours), reason="年休假"
        )

    def run(self):
        return begin_and_end_leaves(lambda: Stamp(SYSTEM, Role.SYSTEM, self.clock(), Door.JOB))


@pytest.fixture
def plan(cast, as_staff, clock, session):
    posts = [(Role.HANDLER, cast.units["城市管理局"].id)]
    cast.staff["bei"] = enrol_hashed(login="bei", name="贝城", password_hash="-", posts=posts)
    return Plan(cast, as_staff, clock)


def clocks(road):
    """Who owns each open clock of the lead's part, by login."""
    logins = {staff.id: login for login, staff in road.cast.staff.items()}
    query = select(Deadline).where(Deadline.case_id == road.case.id, Deadline.owner_staff_id.is_not(None)).order_by(Deadline.id)
    return {clock.clock: logins[clock.owner_staff_id] for clock in road.session.scalars(query) if is_open(clock)}


def handler(road):
    road.session.expire_all()
    return next(a.handler_id for a in road.case.assignments if a.ended_at is None)


def hand_overs(road):
    query = select(Entry).where(Entry.case_id == road.case.id, Entry.action == Action.HAND_OVER).order_by(Entry.seq)
    return list(road.session.scalars(query))


def test_at_its_beginning_the_clocks_move_and_at_its_end_they_come_back(road, plan, cast, clock, session):
    road.in_progress()
    plan.stand_in("he", "bei")
    plan.leave("he", start=1, hours=24)
    assert plan.run() == 0
    assert clocks(road) == {Clock.CONTACT: "he", Clock.RESOLVE: "he"}
    clock.advance(hours=1)
    assert plan.run() == 1
    assert plan.run() == 0  # a second run finds nothing left
    assert clocks(road) == {Clock.CONTACT: "bei", Clock.RESOLVE: "bei"}
    assert handler(road) == cast.staff["bei"].id
    record_contact(road.as_staff("bei"), road.number, how="phone", note="已联系")
    clock.advance(hours=24)
    assert plan.run() == 1
    assert plan.run() == 0
    assert clocks(road) == {Clock.RESOLVE: "he"}
    assert handler(road) == cast.staff["he"].id
    first, second = hand_overs(road)
    assert first.facts == {"from": cast.staff["he"].id, "to": cast.staff["bei"].id, "clocks": ["contact", "resolve"]}
    assert second.facts == {"from": cast.staff["bei"].id, "to": cast.staff["he"].id, "clocks": ["resolve"]}
    told = session.scalars(select(Notice.recipient_id).where(Notice.template == "leave_begins")).all()
    assert told == [cast.staff["bei"].id]
    assert verify_ledger().breaks == []


def test_without_a_stand_in_the_units_head_takes_over(road, plan):
    road.in_progress()
    plan.leave("he")
    plan.run()
    assert clocks(road) == {Clock.CONTACT: "gao", Clock.RESOLVE: "gao"}


def test_a_recused_stand_in_is_passed_over_then_the_head_then_one_level_up(road, plan, cast):
    road.in_progress()
    road.case.against_staff_id = cast.staff["bei"].id
    plan.stand_in("he", "bei")
    plan.leave("he")
    plan.run()
    assert clocks(road) == {Clock.CONTACT: "gao", Clock.RESOLVE: "gao"}
    road.case.against_staff_id = cast.staff["gao"].id
    plan.leave("gao", by="gao")
    plan.run()
    assert clocks(road) == {Clock.CONTACT: "ma", Clock.RESOLVE: "ma"}


def test_a_stand_in_who_is_away_too_is_passed_over(road, plan):
    road.in_progress()
    plan.stand_in("he", "bei")
    plan.leave("bei")
    plan.leave("he")
    plan.run()
    assert clocks(road) == {Clock.CONTACT: "gao", Clock.RESOLVE: "gao"}


def test_what_comes_to_be_theirs_while_they_are_away_moves_on_too(road, plan, cast, clock):
    plan.stand_in("he", "bei")
    plan.leave("he")
    plan.run()
    road.accepted()
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=cast.units["城市管理局"].id)
    (unsigned,) = [each for each in road.session.scalars(select(Deadline)) if each.clock is Clock.SIGN]
    assert owners(road.case, unsigned, clock()) == [cast.staff["bei"].id]
    sign_case(road.as_staff("bei"), road.number)
    assign_handler(road.as_staff("gao"), road.number, handler_id=cast.staff["he"].id)
    (resolve,) = [each for each in road.session.scalars(select(Deadline)) if each.clock is Clock.RESOLVE]
    assert owners(road.case, resolve, clock()) == [cast.staff["bei"].id]
    assert [staff for _, staff in recipients(road.case, [Audience.LEAD], clock())] == [cast.staff["bei"].id]
    plan.run()
    assert clocks(road) == {Clock.CONTACT: "bei", Clock.RESOLVE: "bei"}


def test_a_clock_in_a_new_version_comes_back_and_one_given_away_meanwhile_stays(road, plan, cast, clock, session):
    road.in_progress()
    plan.stand_in("he", "bei")
    plan.leave("he")
    plan.run()
    for each in session.scalars(select(Deadline).where(Deadline.case_id == road.case.id)).all():
        if is_open(each) and each.clock is Clock.RESOLVE:
            new_version(each, clock(), due=each.due_at + timedelta(days=2))
        elif is_open(each) and each.clock is Clock.CONTACT:
            each.owner_staff_id = cast.staff["gao"].id
    session.flush()
    clock.advance(hours=24)
    plan.run()
    assert clocks(road) == {Clock.CONTACT: "gao", Clock.RESOLVE: "he"}


def test_who_comes_back_early_gets_the_clocks_back(road, plan, as_staff, clock):
    road.in_progress()
    leave = plan.leave("he", hours=48)
    plan.run()
    clock.advance(hours=3)
    end_leave(as_staff("he"), leave.id)
    plan.run()
    assert clocks(road) == {Clock.CONTACT: "he", Clock.RESOLVE: "he"}
    with pytest.raises(LeaveOver):
        end_leave(as_staff("he"), leave.id)


def test_a_leave_that_is_cancelled_moves_nothing(road, plan, as_staff, clock):
    road.in_progress()
    leave = plan.leave("he", start=1)
    assert end_leave(as_staff("gao"), leave.id).cancelled_at is not None
    clock.advance(hours=2)
    assert plan.run() == 0
    assert leaves_page(as_staff("he")).items == []
    assert len(leaves_page(as_staff("he"), past=True).items) == 1


def test_a_leave_slept_through_by_the_scheduler_moves_nothing(road, plan, clock):
    road.in_progress()
    plan.leave("he", start=1, hours=2)
    clock.advance(hours=5)
    assert plan.run() == 0
    assert clocks(road) == {Clock.CONTACT: "he", Clock.RESOLVE: "he"}


def test_only_oneself_the_head_and_the_administrator_plan_an_absence(plan, as_staff):
    for login in ("bei", "tong", "fang", "sun"):
        with pytest.raises(PeoplePlanIsNotYours):
            plan.leave("he", by=login)
        with pytest.raises(PeoplePlanIsNotYours):
            plan.stand_in("he", "bei", by=login)
    leave = plan.leave("he", by="gao")
    plan.leave("he", start=48, by="admin")
    with pytest.raises(LeaveNotFound):
        end_leave(as_staff("bei"), leave.id)
    assert leaves_page(as_staff("bei")).items == []
    assert len(leaves_page(as_staff("gao")).items) == 2


def test_a_stand_in_is_of_the_same_unit_and_somebody_else(plan):
    for other in ("shui", "he", "fang"):
        with pytest.raises(StandInUnfit):
            plan.stand_in("he", other)
    assert plan.stand_in("he", "bei").stand_in_name == "贝城"
    assert plan.stand_in("he", "gao").stand_in_name == "高局"  # one at a time: the later word holds


def test_leaves_do_not_overlap_and_end_after_they_begin(plan, clock):
    plan.leave("he", start=1)
    for start, hours, field in ((2, 3, "starts_at"), (30, -1, "until"), (-48, 24, "until"), (30, 24 * 400, "until")):
        with pytest.raises(LeaveUnfit) as refused:
            plan.leave("he", start=start, hours=hours)
        assert list(refused.value.errors) == [field]


def test_two_schedulers_at_once_move_a_leave_once(committed, clock):
    with committed.app_context():
        cast = find_cast()

        def as_staff(login, door=Door.DESK):
            actor = staff_actor(cast.staff[login].id)
            return Stamp(actor, actor.posts[0].role, clock(), door)

        with transaction():
            road = Road(db.session, cast, clock, as_staff, resident_stamps(cast, clock))
            road.in_progress()
            Plan(cast, as_staff, clock).leave("he")
        number = road.number
    barrier = threading.Barrier(2)

    def run():
        with committed.app_context():
            barrier.wait()
            moved = begin_and_end_leaves(lambda: Stamp(SYSTEM, Role.SYSTEM, clock(), Door.JOB))
            db.session.remove()
            return moved

    with ThreadPoolExecutor(2) as pool:
        moved = [future.result() for future in [pool.submit(run), pool.submit(run)]]
    with committed.app_context():
        query = select(Entry.id).join(Case, Case.id == Entry.case_id).where(Case.number == number)
        entries = db.session.scalars(query.where(Entry.action == Action.HAND_OVER)).all()
        assert (sum(moved), len(entries)) == (1, 1)


def resident_stamps(cast, clock):
    return lambda name: Stamp(Actor(ActorKind.RESIDENT, cast.residents[name].id), Role.RESIDENT, clock(), Door.MINI_PROGRAM)
