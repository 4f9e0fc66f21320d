"""Policies as versioned data: a change is a new version, running clocks keep theirs, and every change is on record."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.core.database import db, transaction
from app.core.errors import Refusal
from app.core.held import forget_all
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.catalogue import UnknownCategory, catalogue
from app.ledger.clocks import DeadlinePolicy
from app.ledger.corrections import correct_case
from app.ledger.handling import dispatch_case
from app.ledger.policies import in_force
from app.ledger.rules.catalogue_editor import change_category
from app.ledger.rules.policy_changes import PolicyChange, ReasonNeeded, RulesAreTheAdministrators, broken_change, changes_page
from app.ledger.rules.policy_drafts import PolicyDraft, PolicyUnfit
from app.ledger.rules.policy_editor import (
    LastDefault,
    PolicyChanged,
    PolicyNotFound,
    PolicyOver,
    altered_versions,
    end_policy,
    policies_page,
    policy_view,
    publish_policy,
)
from app.ledger.terms import HoursKind, Unit, WrongTerm
from app.ledger.vocabulary import Clock, Kind, Rule, VersionState
from app.people.models import StaffPost
from app.people.sessions import staff_actor
from tests.conftest import MONDAY
from tests.counting import statements
from tests.ledger.test_straight_road import road

__all__ = ["road"]

LADDER = [{"level": 1, "on": "amber", "tell": ["owner"]}, {"level": 2, "on": "due", "tell": ["owner", "unit_head"]}]


def after(level, amount, unit="working_day", hours="work"):
    return {"level": level, "on": "after", "tell": ["supervisors"], "after": {"amount": amount, "unit": unit, "hours": hours}}


def draft(**more):
    given = {
        "code": "resolve-help", "clock": Clock.RESOLVE, "amount": 2, "unit": Unit.WORKING_DAY, "hours": HoursKind.WORK,
        "ladder": LADDER, "kind": Kind.HELP,
    }  # fmt: skip
    return PolicyDraft(**given | more)


@pytest.fixture
def admin(as_staff):
    return as_staff("admin")


def resolve(road):
    return road.clocks()[Clock.RESOLVE]


class TestVersions:
    def test_a_running_clock_keeps_its_version_and_a_new_one_takes_the_new(self, road, admin):
        road.dispatched()
        before = {column.key: getattr(resolve(road), column.key) for column in resolve(road).__table__.columns}
        shown = publish_policy(admin, draft(), reason="群众反映太慢", version=1)
        assert (shown.version, shown.versions[0].amount) == (2, 2)
        road.session.expire_all()
        assert {name: getattr(resolve(road), name) for name in before} == before
        road.dispatched()
        assert resolve(road).amount == 2
        assert resolve(road).policy_id == newest("resolve-help").id

    def test_a_version_begins_at_its_moment_by_itself(self, road, admin):
        publish_policy(admin, draft(), reason="下周起试行", version=1, effective_from=road.clock() + timedelta(days=7))
        road.dispatched()
        assert resolve(road).amount == 5
        road.clock.move_to(MONDAY + timedelta(days=7) - timedelta(minutes=15, microseconds=1))
        road.dispatched()
        assert resolve(road).amount == 5
        road.dispatched()
        assert resolve(road).amount == 2

    def test_the_latest_decision_replaces_what_was_to_come(self, road, admin):
        publish_policy(admin, draft(amount=2), reason="下月起", version=1, effective_from=MONDAY + timedelta(days=30))
        shown = publish_policy(admin, draft(amount=4), reason="改为下周起", version=2, effective_from=MONDAY + timedelta(days=7))
        assert [each.state for each in shown.versions] == [VersionState.COMING, VersionState.DROPPED, VersionState.IN_FORCE]
        late = policy_view(admin.moved_to(MONDAY + timedelta(days=31)), "resolve-help")
        assert [each.state for each in late.versions] == [VersionState.IN_FORCE, VersionState.DROPPED, VersionState.PAST]
        road.clock.move_to(MONDAY + timedelta(days=31))
        road.dispatched()
        assert resolve(road).amount == 4

    def test_none_begins_in_the_past(self, admin):
        with pytest.raises(PolicyUnfit) as refused:
            publish_policy(admin, draft(), reason="补", version=1, effective_from=MONDAY - timedelta(seconds=1))
        assert list(refused.value.errors) == ["effective_from"]

    def test_a_correction_does_not_bring_a_newer_version_to_a_running_clock(self, road, cast):
        road.dispatched()
        before = resolve(road)
        kept = (before.id, before.due_at, before.policy_id)
        road.clock.advance(minutes=5)
        admin = road.as_staff("admin")
        publish_policy(admin, draft(amount=1), reason="加快", version=1)
        road.clock.advance(minutes=5)
        correct_case(road.as_staff("du"), road.number, category_id=cast.categories["道路坑洼"], note="分类有误")
        assert (resolve(road).id, resolve(road).due_at, resolve(road).policy_id) == kept
        publish_policy(admin, draft(code="resolve-complaint", kind=Kind.COMPLAINT, amount=1), reason="加快", version=1)
        correct_case(road.as_staff("du"), road.number, kind=Kind.COMPLAINT, note="是投诉")
        assert resolve(road).amount == 10  # as it held when the clock started

    def test_no_stored_version_can_be_altered_or_deleted(self, admin, session):
        publish_policy(admin, draft(), reason="加快", version=1)
        for statement in ("UPDATE deadline_policy SET amount = 9", "DELETE FROM deadline_policy WHERE code = 'arrive'"):
            nested = session.begin_nested()
            with pytest.raises(DBAPIError, match="append-only"):
                session.execute(text(statement))
            nested.rollback()


def newest(code):
    query = select(DeadlinePolicy).where(DeadlinePolicy.code == code).order_by(DeadlinePolicy.version.desc()).limit(1)
    return db.session.scalars(query).one()


class TestEnd:
    def test_a_policy_of_a_category_is_added_and_ended_and_comes_back(self, road, admin, cast):
        lamp = cast.categories["路灯照明"]
        mine = draft(code="lamps", kind=None, category_id=lamp, amount=3)
        publish_policy(admin, mine, reason="路灯从快")
        road.dispatched()
        assert resolve(road).amount == 3
        shown = end_policy(admin, "lamps", reason="试行结束", version=1, effective_from=road.clock() + timedelta(days=1))
        assert (shown.state, shown.versions[0].state) == (VersionState.IN_FORCE, VersionState.COMING)
        road.dispatched()
        assert resolve(road).amount == 3
        running = resolve(road).id
        road.clock.advance(days=1)
        assert resolve(road).id == running
        road.dispatched()
        assert resolve(road).amount == 5
        shown = policy_view(road.as_staff("admin"), "lamps")
        assert (shown.state, [each.state for each in shown.versions]) == (
            VersionState.ENDED, [VersionState.ENDED, VersionState.PAST],
        )  # fmt: skip
        with pytest.raises(PolicyOver):
            end_policy(admin, "lamps", reason="再停", version=2)
        publish_policy(road.as_staff("admin"), mine, reason="恢复", version=2)
        road.dispatched()
        assert resolve(road).amount == 3

    def test_a_case_accepted_before_the_end_is_dispatched_by_what_holds_then(self, road, admin, cast):
        publish_policy(admin, draft(code="lamps", kind=None, category_id=cast.categories["路灯照明"], amount=3), reason="路灯从快")
        road.accepted()
        end_policy(admin, "lamps", reason="试行结束", version=1)
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=cast.units["城市管理局"].id)
        assert resolve(road).amount == 5

    @pytest.mark.parametrize("code", ["resolve", "accept", "overall", "callback", "arrive"])
    def test_the_default_of_a_clock_never_ends(self, admin, code):
        with pytest.raises(LastDefault):
            end_policy(admin, code, reason="不要了", version=1)

    def test_an_unknown_one_or_a_stale_look_is_refused(self, admin):
        with pytest.raises(PolicyChanged):
            end_policy(admin, "nonsense", reason="不要了", version=1)
        with pytest.raises(PolicyNotFound):
            policy_view(admin, "nonsense")
        with pytest.raises(PolicyChanged):
            end_policy(admin, "resolve-help", reason="不要了", version=7)

    def test_whatever_is_published_and_ended_every_clock_has_a_policy(self, admin, session):
        for code in list(session.scalars(select(DeadlinePolicy.code).distinct())):
            try:
                end_policy(admin, code, reason="都停用", version=1)
            except LastDefault:
                continue
        held = in_force(catalogue().policies, MONDAY)
        assert {policy.clock for policy in held} == set(Clock)
        assert all((policy.urgent, policy.category_id, policy.kind) == (None, None, None) for policy in held)


class TestRefused:
    @pytest.mark.parametrize(
        "ladder",
        [
            [{"level": 2, "on": "due", "tell": ["owner"]}],
            [{"level": 1, "on": "due", "tell": ["nobody"]}],
            [{"level": 1, "on": "due", "tell": ["owner"], "does": ["shout"]}],
            [{"level": 1, "on": "after", "tell": ["owner"]}],
            [{"level": 1, "on": "due", "tell": ["owner"], "after": {"amount": 1, "unit": "hour", "hours": "always"}}],
            [{"level": 1, "on": "due"}],
            [{"level": 1, "on": "due", "tell": ["asker"]}],
            [{"level": 1, "on": "due", "tell": ["persons"]}],
            LADDER[::-1],
            [LADDER[0], {"level": 2, "on": "amber", "tell": ["unit_head"]}],
            [*LADDER, after(3, 3), after(4, 1)],
            [*LADDER, after(3, 2), after(4, 2)],
            [*LADDER, after(3, 1), after(4, 30, "minute", "always")],
        ],
    )
    def test_a_ladder_that_does_not_climb(self, admin, ladder):
        with pytest.raises(PolicyUnfit) as refused:
            publish_policy(admin, draft(ladder=ladder), reason="试一试", version=1)
        assert list(refused.value.errors) == ["ladder"]

    @pytest.mark.parametrize(
        "more",
        [
            {"amount": 0},
            {"amount": 4000, "unit": Unit.CALENDAR_DAY},
            {"hours": HoursKind.DUTY},
            {"ladder": [after(1, 4000)]},
        ],
    )
    def test_a_term_out_of_bounds(self, admin, more):
        with pytest.raises(WrongTerm):
            publish_policy(admin, draft(**more), reason="试一试", version=1)

    def test_other_cases_than_those_that_it_is_for(self, admin):
        with pytest.raises(PolicyUnfit) as refused:
            publish_policy(admin, draft(kind=Kind.COMPLAINT), reason="试一试", version=1)
        assert list(refused.value.errors) == ["code"]

    def test_a_second_policy_for_the_same_cases(self, admin, cast):
        for more in ({}, {"urgent": False}):
            with pytest.raises(PolicyUnfit):
                publish_policy(admin, draft(code="another", **more), reason="试一试")
        publish_policy(admin, draft(code="urgent-help", urgent=True), reason="紧急从快")
        lamp = {"kind": None, "category_id": cast.categories["路灯照明"]}
        publish_policy(admin, draft(code="lamps", **lamp), reason="下月起", effective_from=MONDAY + timedelta(days=30))
        with pytest.raises(PolicyUnfit):  # it would meet the one that is to come
            publish_policy(admin, draft(code="lamps-too", **lamp), reason="试一试")
        end_policy(admin, "lamps", reason="不要了", version=1)
        publish_policy(admin, draft(code="lamps-too", **lamp), reason="现在可以")
        with pytest.raises(PolicyUnfit):
            publish_policy(admin, draft(code="lamps", **lamp), reason="恢复", version=2)

    def test_a_category_that_is_unknown_or_out_of_use(self, admin, cast):
        with pytest.raises(UnknownCategory):
            publish_policy(admin, draft(code="x", kind=None, category_id=10**9), reason="试一试")
        lamp = cast.categories["路灯照明"]
        change_category(admin, lamp, active=False, reason="停用")
        with pytest.raises(UnknownCategory):
            publish_policy(admin, draft(code="x", kind=None, category_id=lamp), reason="试一试")

    def test_no_reason(self, admin):
        with pytest.raises(ReasonNeeded):
            publish_policy(admin, draft(), reason="  ", version=1)


class TestWho:
    @pytest.mark.parametrize("login", ["sun", "du", "he", "tong", "yan"])
    def test_only_the_countys_administrator_changes(self, as_staff, login):
        with pytest.raises(RulesAreTheAdministrators):
            publish_policy(as_staff(login), draft(), reason="我来改", version=1)
        with pytest.raises(RulesAreTheAdministrators):
            end_policy(as_staff(login), "resolve-help", reason="我来停", version=1)

    def test_an_administrator_of_a_township_is_not_the_countys(self, as_staff, session, cast):
        post = StaffPost(staff_id=cast.staff["tong"].id, role=Role.ADMINISTRATOR, unit_id=cast.units["柳河镇"].id)
        session.add(post)
        session.flush()
        with pytest.raises(RulesAreTheAdministrators):
            publish_policy(as_staff("tong"), draft(), reason="我来改", version=1)

    def test_supervisors_read_and_handlers_do_not(self, as_staff):
        page = policies_page(as_staff("sun"), clock=Clock.RESOLVE)
        assert "resolve-help" in [policy.code for policy in page.items]
        for look in (policies_page, changes_page):
            with pytest.raises(RulesAreTheAdministrators):
                look(as_staff("he"))

    def test_a_page_costs_the_same_however_many_it_shows(self, admin, as_staff):
        for version in range(1, 6):
            publish_policy(admin, draft(amount=version), reason="再改", version=version)
        counts, seen, cursor = [], [], None
        for limit in (1, 50):
            with statements() as sent:
                page = policies_page(as_staff("sun"), limit=limit, cursor=cursor)
            counts.append(len(sent))
            seen += [policy.code for policy in page.items]
            cursor = page.next_cursor
        assert counts[0] == counts[1]
        assert cursor is None
        assert seen == sorted(set(seen))
        assert "resolve-help" in seen


class TestAtOnce:
    def test_two_editors_do_not_overwrite_each_other(self, admin):
        publish_policy(admin, draft(), reason="甲先改", version=1)
        with pytest.raises(PolicyChanged) as refused:
            publish_policy(admin, draft(amount=3), reason="乙后改", version=1)
        assert refused.value.facts == {"version": 2}

    def test_of_eight_who_publish_at_the_same_time_one_wins_each_time(self, committed):
        outcomes, start = [], threading.Barrier(8)

        def edit(place):
            with committed.app_context():
                actor = staff_actor(find_cast().staff["admin"].id)
                stamp = Stamp(actor, Role.ADMINISTRATOR, MONDAY, Door.DESK)
                db.session.rollback()
                for turn in range(5):
                    start.wait()
                    try:
                        with transaction():
                            # half of them change one policy, half add another for the same cases under their own name
                            if place % 2:
                                publish_policy(stamp, draft(amount=place), reason="改", version=1 + turn)
                            else:
                                twin = draft(code=f"twin-{place}-{turn}", kind=(Kind.OTHER, Kind.SERVICE)[turn % 2], amount=3)
                                publish_policy(stamp, twin, reason="新增")
                        outcomes.append((turn, place % 2))
                    except Refusal:
                        pass
                    start.wait()
                db.session.remove()

        threads = [threading.Thread(target=edit, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(turn for turn, odd in outcomes if odd) == [0, 1, 2, 3, 4]
        assert sorted(turn for turn, odd in outcomes if not odd) == [0, 1]
        with committed.app_context():
            assert broken_change() is None
            assert altered_versions() == []
            assert db.session.scalar(select(func.count()).select_from(PolicyChange)) == 7

    def test_another_process_takes_a_version_in_once_it_looks_again(self, committed):
        with committed.app_context():
            before = catalogue()
            stamp = Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.COMMAND_LINE)
            try:
                with transaction():
                    publish_policy(stamp, draft(), reason="不作数", version=1)
                    assert max(policy.version for policy in catalogue().policies) == 2
                    with db.session.begin_nested():
                        publish_policy(stamp, draft(amount=3), reason="也不作数", version=2)
                    assert max(policy.version for policy in catalogue().policies) == 3
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass
            assert catalogue().policies == before.policies  # what is rolled back is not held
            with transaction():
                publish_policy(stamp, draft(), reason="作数", version=1)
            assert max(policy.version for policy in catalogue().policies) == 2
        forget_all()


class TestRecord:
    def test_every_change_is_on_record(self, admin):
        publish_policy(admin, draft(), reason="加快", version=1)
        end_policy(admin, "resolve-help", reason="并入通用规则", version=2)
        ended, published = changes_page(admin, rule=Rule.POLICY, key="resolve-help").items
        assert (published.by, published.reason, published.door) == ("管理员", "加快", Door.DESK)
        assert (published.before["amount"], published.after["amount"], published.after["version"]) == (5, 2, 2)
        assert (ended.before["ends"], ended.after["ends"], ended.reason) == (False, True, "并入通用规则")
        shown = policy_view(admin, "resolve-help").versions
        assert [(each.published_by, each.reason) for each in shown] == [
            ("管理员", "并入通用规则"), ("管理员", "加快"), (None, None),
        ]  # fmt: skip

    def test_a_refused_change_leaves_nothing(self, admin, session):
        with pytest.raises(PolicyUnfit):
            publish_policy(admin, draft(code="another"), reason="试一试")
        assert session.scalar(select(func.count()).select_from(PolicyChange)) == 0

    def test_the_record_cannot_be_altered_unseen(self, admin, session):
        for version in (1, 2, 3):
            publish_policy(admin, draft(amount=version + 1), reason="加快", version=version)
        assert broken_change() is None
        nested = session.begin_nested()
        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text("UPDATE policy_change SET reason = '别的'"))
        nested.rollback()
        session.execute(text("ALTER TABLE policy_change DISABLE TRIGGER append_only"))
        ids = list(session.scalars(select(PolicyChange.id).order_by(PolicyChange.id)))
        for statement, broken in (
            ("UPDATE policy_change SET reason = '别的' WHERE id = :id", 1),
            ("UPDATE policy_change SET after = jsonb_set(after, '{amount}', '9') WHERE id = :id", 1),
            ("UPDATE policy_change SET staff_id = NULL WHERE id = :id", 1),
            ("UPDATE policy_change SET at = at - interval '1 day' WHERE id = :id", 1),
        ):
            nested = session.begin_nested()
            session.execute(text(statement), {"id": ids[broken]})
            assert broken_change() == ids[broken]
            nested.rollback()
        session.execute(text("ALTER TABLE deadline_policy DROP CONSTRAINT fk_deadline_policy_change_id"))
        session.execute(text("DELETE FROM policy_change WHERE id = :id"), {"id": ids[0]})
        assert broken_change() == ids[1]

    def test_a_version_that_is_not_what_its_record_says_is_named(self, admin, session):
        publish_policy(admin, draft(), reason="加快", version=1)
        assert altered_versions() == []
        session.execute(text("ALTER TABLE deadline_policy DISABLE TRIGGER append_only"))
        session.execute(text("UPDATE deadline_policy SET amount = 50 WHERE code = 'resolve-help' AND version = 2"))
        assert altered_versions() == [("resolve-help", 2)]
