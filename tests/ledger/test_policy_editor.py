"""Policies as versioned data: a change is a new version, running clocks keep theirs, and every change is on record."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.ledger.clocks import DeadlinePolicy
from app.ledger.county import county
from app.ledger.dry_run import WrongPeriod, dry_run, due_with_pauses
from app.ledger.handling import dispatch_case
from app.ledger.models import Category
from app.ledger.policy_changes import ReasonNeeded, RulesAreTheAdministrators, broken_change, changes_page
from app.ledger.policy_editor import (
    LastDefault,
    PolicyChanged,
    PolicyDraft,
    PolicyUnfit,
    end_policy,
    policies_list,
    publish_policy,
)
from app.ledger.rules_editor import SettingUnfit, UnknownSetting, add_category, change_category, put_reason, set_setting
from app.ledger.terms import HoursKind, Term, Unit
from app.ledger.vocabulary import Clock, Kind, RequestKind
from app.territory.calendar.queries import load_calendar
from tests.ledger.test_straight_road import road

__all__ = ["road"]

LADDER = [{"level": 1, "on": "amber", "tell": ["owner"]}, {"level": 2, "on": "due", "tell": ["owner", "unit_head"]}]


def draft(**more):
    given = {
        "code": "resolve-help", "clock": Clock.RESOLVE, "amount": 2, "unit": Unit.WORKING_DAY, "hours": HoursKind.WORK,
        "ladder": LADDER, "kind": Kind.HELP,
    }  # fmt: skip
    return PolicyDraft(**given | more)


@pytest.fixture
def admin(as_staff):
    return as_staff("admin")


def test_a_running_clock_keeps_its_version_and_a_new_one_takes_the_new(road, admin):
    road.dispatched()
    before = road.clocks()[Clock.RESOLVE]
    due = before.due_at
    shown = publish_policy(admin, draft(), reason="群众反映太慢", version=1)
    assert (shown.version, shown.amount) == (2, 2)
    assert (road.clocks()[Clock.RESOLVE].due_at, road.clocks()[Clock.RESOLVE].policy_id) == (due, before.policy_id)
    road.dispatched()
    assert (road.clocks()[Clock.RESOLVE].amount, road.clocks()[Clock.RESOLVE].policy_id) == (2, shown.id)


def test_a_version_begins_at_its_moment_by_itself(road, admin):
    publish_policy(admin, draft(), reason="下周起试行", version=1, effective_from=road.clock() + timedelta(days=7))
    road.dispatched()
    assert road.clocks()[Clock.RESOLVE].amount == 5
    road.clock.advance(days=7)
    road.dispatched()
    assert road.clocks()[Clock.RESOLVE].amount == 2


def test_two_editors_at_once_do_not_overwrite_each_other(admin):
    publish_policy(admin, draft(), reason="甲先改", version=1)
    with pytest.raises(PolicyChanged) as refused:
        publish_policy(admin, draft(amount=3), reason="乙后改", version=1)
    assert refused.value.facts == {"version": 2}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"ladder": [{"level": 2, "on": "due", "tell": ["owner"]}]}, "ladder"),
        ({"ladder": [{"level": 1, "on": "due", "tell": ["nobody"]}]}, "ladder"),
        ({"ladder": [{"level": 1, "on": "after", "tell": ["owner"]}]}, "ladder"),
        ({"ladder": [{"level": 1, "on": "due"}]}, "ladder"),
        ({"ladder": [*LADDER[::-1]]}, "ladder"),
        ({"kind": Kind.COMPLAINT}, "code"),
        ({"code": "another", "kind": Kind.HELP}, "code"),
    ],
)
def test_what_cannot_be_is_refused_by_field(admin, more, field):
    with pytest.raises(PolicyUnfit) as refused:
        publish_policy(admin, draft(**more), reason="试一试", version=None if more.get("code") else 1)
    assert list(refused.value.errors) == [field]


def test_a_policy_of_a_category_may_be_added_and_ended_but_no_default(road, admin, cast):
    lamp = cast.categories["路灯照明"]
    publish_policy(admin, draft(code="lamps", kind=None, category_id=lamp, amount=3), reason="路灯从快")
    road.dispatched()
    assert road.clocks()[Clock.RESOLVE].amount == 3
    end_policy(admin, "lamps", reason="试行结束")
    road.dispatched()
    assert road.clocks()[Clock.RESOLVE].amount == 5
    with pytest.raises(LastDefault):
        end_policy(admin, "resolve", reason="不要了")


def test_only_the_administrator_changes_and_the_supervisor_reads(as_staff):
    assert any(policy.code == "resolve-help" for policy in policies_list(as_staff("sun"), clock=Clock.RESOLVE))
    for login in ("sun", "du", "he"):
        with pytest.raises(RulesAreTheAdministrators):
            publish_policy(as_staff(login), draft(), reason="我来改", version=1)
    with pytest.raises(RulesAreTheAdministrators):
        policies_list(as_staff("he"))


def test_every_change_is_on_record_and_the_record_cannot_be_altered(admin, session):
    publish_policy(admin, draft(), reason="加快", version=1)
    set_setting(admin, "rating_days", value=20, reason="放宽")
    put_reason(admin, "no_facts", kind=RequestKind.REJECT, words="没有具体事实", reason="简化")
    assert [change.what for change in changes_page(admin).items] == [
        "reason:no_facts",
        "setting:rating_days",
        "policy:resolve-help",
    ]
    assert broken_change() is None
    with pytest.raises(ReasonNeeded):
        set_setting(admin, "rating_days", value=21, reason=" ")
    nested = session.begin_nested()
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text("UPDATE policy_change SET reason = '别的'"))
    nested.rollback()
    session.execute(text("ALTER TABLE policy_change DISABLE TRIGGER append_only"))
    first = session.execute(text("UPDATE policy_change SET reason = '别的' WHERE what LIKE 'policy%' RETURNING id")).scalar_one()
    session.expire_all()
    assert broken_change() == first


class TestSettings:
    def test_a_number_is_set_and_set_back(self, admin):
        set_setting(admin, "rating_days", value=20, reason="放宽")
        assert county().rating_days == 20
        set_setting(admin, "rating_days", value=None, reason="恢复")
        assert county().rating_days == 15

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("rating_days", 0), ("rating_days", "15"), ("rating_days", True), ("amber_share", 2), ("danger_words", "着火"),
            ("danger_words", [""]), ("digest_times", ["25:00"]), ("digest_times", ["15:00", "09:00"]), ("bounds", [1, 2]),
        ],
    )  # fmt: skip
    def test_a_value_of_another_shape_is_refused(self, admin, name, value):
        with pytest.raises(SettingUnfit):
            set_setting(admin, name, value=value, reason="试试")

    def test_an_unknown_one_is_not_found(self, admin):
        with pytest.raises(UnknownSetting):
            set_setting(admin, "nonsense", value=1, reason="试试")


def test_a_renamed_category_takes_all_below_it_along(admin, session, cast):
    parent = session.scalars(select(Category).where(Category.path == "城乡建设/市政管理")).one()
    change_category(admin, parent.id, name="城市管理", reason="机构改名")
    lamp = session.get(Category, cast.categories["路灯照明"])
    assert lamp.path == "城乡建设/城市管理/路灯照明"
    child = add_category(admin, name="窨井盖", parent_id=parent.id, reason="新增")
    assert child.path == "城乡建设/城市管理/窨井盖"


class TestDryRun:
    def test_it_tells_what_a_shorter_term_would_have_done_and_writes_nothing(self, road, admin, session):
        begin = road.clock()
        road.under_review()  # reported four hours after dispatch
        quick = road.number
        road.in_progress()
        road.clock.advance(days=2)
        slow = road.number
        at = road.as_staff("sun").moved_to(road.clock())
        found = dry_run(at, draft(amount=1), begin=begin, end=road.clock())
        assert (found.total.clocks, found.total.late, found.total.would_be_late) == (2, 0, 1)
        assert [case.number for case in found.cases] == [slow]
        assert quick != slow
        assert list(found.by_unit) == ["城市管理局"]
        assert session.scalars(select(DeadlinePolicy).where(DeadlinePolicy.version > 1)).all() == []

    def test_only_cases_that_the_draft_fits_are_looked_at(self, road, admin):
        begin = road.clock()
        road.dispatched()
        road.clock.advance(days=1)
        at = admin.moved_to(road.clock())
        other = draft(code="resolve-complaint", kind=Kind.COMPLAINT, amount=1)
        assert dry_run(at, other, begin=begin, end=road.clock()).total.clocks == 0
        general = draft(code="resolve", kind=None, amount=1)
        assert dry_run(at, general, begin=begin, end=road.clock()).total.clocks == 0  # the kind's own policy is nearer
        with pytest.raises(WrongPeriod):
            dry_run(at, other, begin=road.clock(), end=begin)

    def test_the_policy_in_force_gives_back_what_happened(self, road, admin):
        begin = road.clock()
        for days in (1, 3, 9, 12):
            road.in_progress()
            road.clock.advance(days=days)
        at = admin.moved_to(road.clock())
        found = dry_run(at, draft(amount=5), begin=begin, end=road.clock())
        late = [clock for clock in (road.clocks()[Clock.RESOLVE],) if clock.due_at < road.clock()]
        assert found.total.would_be_late >= found.total.late + len(late) - 1
        assert found.total.clocks == 4

    def test_pauses_are_honoured(self, session, clock):
        calendar = load_calendar(None)
        start = clock()
        term = Term(2, Unit.WORKING_HOUR, HoursKind.WORK)
        plain = due_with_pauses(start, term, calendar, ())
        held = due_with_pauses(start, term, calendar, [(start + timedelta(hours=1), start + timedelta(hours=2))])
        assert held - plain == timedelta(hours=1)
        assert due_with_pauses(start, term, calendar, [(start + timedelta(hours=1), None)]) is None
        assert due_with_pauses(start, term, calendar, [(start + timedelta(hours=3), None)]) == plain


def test_a_case_dispatched_after_the_end_of_a_policy_keeps_going(road, admin, cast):
    lamp = cast.categories["路灯照明"]
    publish_policy(admin, draft(code="lamps", kind=None, category_id=lamp, amount=3), reason="路灯从快")
    road.accepted()
    end_policy(admin, "lamps", reason="试行结束")
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=cast.units["城市管理局"].id)
    assert road.clocks()[Clock.RESOLVE].amount == 5
