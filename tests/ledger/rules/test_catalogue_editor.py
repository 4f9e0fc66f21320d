"""The category tree and the reasons: edited without touching what cases have, each change on record."""

import pytest
from sqlalchemy import select

from app.ledger.catalogue import UnknownCategory, catalogue
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case
from app.ledger.models import Category, Reason
from app.ledger.requests.asking import Asked, UnknownReason, ask
from app.ledger.rules.catalogue_editor import (
    CategoryNotFound,
    CategoryTaken,
    CategoryUnfit,
    LastReason,
    ReasonTaken,
    ReasonUnfit,
    add_category,
    change_category,
    edited_categories,
    edited_reasons,
    put_reason,
)
from app.ledger.rules.policy_changes import RuleChanged, RulesAreTheAdministrators, changes_page
from app.ledger.vocabulary import Kind, RequestKind, Rule, Urgency, VerifyBy
from tests.counting import statements
from tests.ledger.test_straight_road import road

__all__ = ["road"]


@pytest.fixture
def admin(as_staff):
    return as_staff("admin")


@pytest.fixture
def upper(cast):
    """The id of 市政管理, which has three categories below it."""
    return cast.categories["市政管理"]


def paths(session, *ids):
    session.expire_all()
    return [session.get_one(Category, each).path for each in ids]


class TestTree:
    def test_a_renamed_category_takes_all_below_it_along_and_cases_keep_it_by_id(self, road, admin, session, cast, upper):
        road.dispatched()
        lamp, pit = cast.categories["路灯照明"], cast.categories["道路坑洼"]
        shown = change_category(admin, upper, name="城市管理", reason="机构改名")
        assert (shown.path, shown.version) == ("城乡建设/城市管理", 1)
        assert paths(session, lamp, pit) == ["城乡建设/城市管理/路灯照明", "城乡建设/城市管理/道路坑洼"]
        assert road.case.category_id == lamp
        assert catalogue().category(lamp).chain == (lamp, upper, cast.categories["城乡建设"])
        (change,) = changes_page(admin, rule=Rule.CATEGORY, key=str(upper)).items
        assert (change.before["path"], change.after["path"]) == ("城乡建设/市政管理", "城乡建设/城市管理")

    def test_a_name_that_begins_another_takes_nothing_of_the_other_along(self, admin, session):
        one = add_category(admin, name="水", reason="新增")
        other = add_category(admin, name="水利", reason="新增")
        child = add_category(admin, name="渠", parent_id=other.id, reason="新增")
        change_category(admin, one.id, name="供水", reason="改名")
        assert paths(session, other.id, child.id) == ["水利", "水利/渠"]

    def test_wildcards_in_a_name_are_plain_characters(self, admin, session):
        one = add_category(admin, name="水_%", reason="新增")
        child = add_category(admin, name="渠", parent_id=one.id, reason="新增")
        other = add_category(admin, name="渠", parent_id=add_category(admin, name="水利利", reason="新增").id, reason="新增")
        change_category(admin, one.id, name="供水", reason="改名")
        assert paths(session, child.id, other.id) == ["供水/渠", "水利利/渠"]

    def test_it_moves_with_all_below_it_and_the_policy_chain_follows(self, admin, session, cast, upper):
        lamp = cast.categories["路灯照明"]
        change_category(admin, upper, parent_id=cast.categories["民政"], reason="职责调整")
        assert paths(session, lamp) == ["民政/市政管理/路灯照明"]
        assert catalogue().category(lamp).chain == (lamp, upper, cast.categories["民政"])
        change_category(admin, upper, parent_id=None, reason="单列")
        assert paths(session, upper, lamp) == ["市政管理", "市政管理/路灯照明"]

    def test_it_does_not_move_below_itself(self, admin, cast, upper):
        for below in (upper, cast.categories["路灯照明"]):
            with pytest.raises(CategoryUnfit) as refused:
                change_category(admin, upper, parent_id=below, reason="试试")
            assert list(refused.value.errors) == ["parent_id"]

    def test_no_two_have_one_path(self, admin, cast, upper):
        with pytest.raises(CategoryTaken):
            add_category(admin, name="路灯照明", parent_id=upper, reason="新增")
        with pytest.raises(CategoryTaken):
            change_category(admin, cast.categories["道路坑洼"], name="路灯照明", reason="改名")
        same = add_category(admin, name="路灯照明", parent_id=cast.categories["住房"], reason="新增")
        with pytest.raises(CategoryTaken):
            change_category(admin, same.id, parent_id=upper, reason="移动")

    @pytest.mark.parametrize("name", ["", " ", "路/灯", "灯" * 41, "路\t灯"])
    def test_a_name_that_is_none(self, admin, name):
        with pytest.raises(CategoryUnfit):
            add_category(admin, name=name, reason="新增")

    def test_unknown_places(self, admin):
        with pytest.raises(CategoryNotFound):
            add_category(admin, name="渠", parent_id=10**9, reason="新增")
        with pytest.raises(CategoryNotFound):
            change_category(admin, 10**9, name="渠", reason="改名")


class TestUse:
    def test_out_of_use_with_all_below_it_no_case_gets_it_and_those_that_have_it_go_on(self, road, admin, session, cast, upper):
        road.dispatched()
        kept = road.number
        road.submitted(category_id=None)
        change_category(admin, upper, active=False, reason="停用")
        lamp = cast.categories["路灯照明"]
        assert not session.get_one(Category, lamp).active
        place = {"kind": Kind.HELP, "category_id": lamp, "grid_id": cast.grids["柳林村一网格"].id}
        with pytest.raises(UnknownCategory):
            accept_case(road.as_staff("fang"), road.number, **place)
        with pytest.raises(UnknownCategory):
            road.submitted(category_id=lamp)
        road.number = kept
        assert road.clocks()
        (change,) = changes_page(admin, rule=Rule.CATEGORY, key=str(upper)).items
        assert len(change.after["with"]) == 3

    def test_one_below_comes_back_only_after_what_is_above_it(self, admin, cast, upper, session):
        change_category(admin, upper, active=False, reason="停用")
        lamp = cast.categories["路灯照明"]
        for act in (
            lambda: change_category(admin, lamp, active=True, reason="启用"),
            lambda: add_category(admin, name="窨井盖", parent_id=upper, reason="新增"),
        ):
            with pytest.raises(CategoryUnfit):
                act()
        change_category(admin, upper, active=True, reason="启用")
        assert not session.get_one(Category, lamp).active
        change_category(admin, lamp, active=True, reason="启用")
        assert catalogue().category(lamp).active

    def test_urgent_makes_new_cases_urgent_and_leaves_running_ones(self, road, admin, session, cast):
        road.dispatched()
        case = road.case
        lamp = cast.categories["路灯照明"]
        before = [(c.id, c.due_at) for c in session.scalars(select(Deadline).where(Deadline.case_id == case.id))]
        change_category(admin, lamp, urgent=True, reason="入冬")
        session.expire_all()
        assert [(c.id, c.due_at) for c in session.scalars(select(Deadline).where(Deadline.case_id == case.id))] == before
        road.submitted(category_id=lamp)
        assert road.case.urgency is Urgency.URGENT

    def test_how_results_are_verified_is_said_or_left_to_what_is_above(self, admin, cast, upper):
        lamp = cast.categories["路灯照明"]
        change_category(admin, upper, asks_evidence=True, check_distance_m=300, verify_by=VerifyBy.LOOK, reason="双核验")
        facts = catalogue().category(lamp)
        assert (facts.asks_evidence, facts.check_distance_m, facts.verify_by) == (True, 300, VerifyBy.LOOK)
        shown = change_category(admin, lamp, asks_evidence=False, reason="例外")
        assert (shown.asks_evidence, shown.check_distance_m) == (False, None)
        assert not catalogue().category(lamp).asks_evidence
        change_category(admin, lamp, asks_evidence=None, reason="取消例外")
        assert catalogue().category(lamp).asks_evidence
        with pytest.raises(CategoryUnfit):
            change_category(admin, lamp, check_distance_m=0, reason="试试")


class TestEditing:
    def test_two_editors_do_not_overwrite_each_other(self, admin, upper):
        change_category(admin, upper, name="甲", reason="甲改", version=0)
        with pytest.raises(RuleChanged) as refused:
            change_category(admin, upper, name="乙", reason="乙改", version=0)
        assert refused.value.facts == {"version": 1}

    def test_what_changes_nothing_is_not_on_record(self, admin, upper):
        assert change_category(admin, upper, name="市政管理", active=True, reason="没有变化").version == 0
        assert changes_page(admin).items == []

    def test_others_read_or_are_refused(self, as_staff, upper):
        for login in ("sun", "du", "he"):
            with pytest.raises(RulesAreTheAdministrators):
                change_category(as_staff(login), upper, name="甲", reason="改")
            with pytest.raises(RulesAreTheAdministrators):
                put_reason(as_staff(login), "x", kind=RequestKind.REJECT, words="无", reason="改")
        assert edited_categories(as_staff("sun")).items
        for look in (edited_categories, edited_reasons):
            with pytest.raises(RulesAreTheAdministrators):
                look(as_staff("he"))

    def test_the_list_shows_what_is_out_of_use_and_costs_the_same_for_many(self, admin, upper):
        change_category(admin, upper, active=False, reason="停用")
        counts = []
        for limit in (1, 100):
            with statements() as sent:
                page = edited_categories(admin, limit=limit)
            counts.append(len(sent))
        assert counts[0] == counts[1]
        assert {each.path: each.version for each in page.items if not each.active}["城乡建设/市政管理"] == 1


class TestReasons:
    def test_one_is_added_reworded_and_taken_out_of_use(self, road, admin, session):
        road.in_progress()
        wanted = Asked(note="汛期断路", reason_code="flood", amount=2)
        with pytest.raises(UnknownReason):
            ask(road.as_staff("he"), road.number, RequestKind.EXTEND, wanted)
        put_reason(admin, "flood", kind=RequestKind.EXTEND, words="汛期断路", reason="新增")
        shown = put_reason(admin, "flood", kind=RequestKind.EXTEND, words="汛期道路中断", reason="规范用语", version=1)
        assert (shown.words, shown.version) == ("汛期道路中断", 2)
        put_reason(admin, "flood", kind=RequestKind.EXTEND, words="汛期道路中断", active=False, reason="汛期已过")
        with pytest.raises(UnknownReason):
            ask(road.as_staff("he"), road.number, RequestKind.EXTEND, wanted)
        assert [c.reason for c in changes_page(admin, rule=Rule.REASON, key="flood").items] == ["汛期已过", "规范用语", "新增"]
        assert "flood" in [each.code for each in edited_reasons(admin, kind=RequestKind.EXTEND).items]

    def test_what_cannot_be(self, admin, session):
        with pytest.raises(ReasonTaken):
            put_reason(admin, "no_facts", kind=RequestKind.EXTEND, words="换种类", reason="试试")
        with pytest.raises(ReasonUnfit):
            put_reason(admin, "No Facts", kind=RequestKind.REJECT, words="编号", reason="试试")
        with pytest.raises(RuleChanged):
            put_reason(admin, "no_facts", kind=RequestKind.REJECT, words="没有事实", reason="试试", version=3)
        codes = list(session.scalars(select(Reason.code).where(Reason.kind == RequestKind.VOID)))
        for code in codes[:-1]:
            put_reason(admin, code, kind=RequestKind.VOID, words="无", active=False, reason="停用")
        with pytest.raises(LastReason):
            put_reason(admin, codes[-1], kind=RequestKind.VOID, words="无", active=False, reason="停用")
