"""The catalogue of responsible units: what a village may lead, who edits it, and that it tells who said what when."""

import pytest
from sqlalchemy import select

from app.ledger.dispatching.duties import (
    CatalogueIsTheAdministrators,
    DepartmentMissing,
    DutyEnded,
    DutyNotFound,
    DutyUnfit,
    NotOnDutyList,
    UnitDuty,
    duties_for,
    duties_page,
    end_duty,
    put_duty,
)
from app.ledger.dispatching.eligible import UnitUnstaffed, UnknownUnit
from app.ledger.handling import (
    DepartmentOutstanding,
    Meeting,
    MeetingUnfit,
    OutOfReach,
    dispatch_case,
    record_contact,
    sign_case,
    submit_assist,
    submit_result,
)
from app.ledger.models import Entry
from app.ledger.rounds.parts import begin_round, end_part
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Responsibility, State
from app.territory.commands import add_unit
from app.territory.models import Level
from tests.ledger.test_straight_road import Road

STATUTORY, LEAD, ASSIST = Responsibility


@pytest.fixture
def road(session, cast, clock, as_staff, as_resident):
    made = Road(session, cast, clock, as_staff, as_resident)
    made.accepted()
    return made


@pytest.fixture
def put(cast, as_staff):
    def call(category, unit, role, login="admin", **more):
        return put_duty(as_staff(login), category_id=cast.categories[category], unit_id=cast.units[unit].id, role=role, **more)

    return call


def dispatch(road, lead, *assists, login="du", **more):
    units = road.cast.units
    ids = [units[name].id for name in assists]
    return dispatch_case(road.as_staff(login), road.number, lead_unit_id=units[lead].id, assist_unit_ids=ids, **more)


def test_a_village_does_not_lead_what_a_department_answers_for(road, put):
    put("市政管理", "城市管理局", STATUTORY)
    with pytest.raises(NotOnDutyList, match="城市管理局"):
        dispatch(road, "柳林村")
    road.session.refresh(road.case)
    road.check(State.ACCEPTED)
    dispatch(road, "城市管理局")


def test_a_village_leads_what_its_own_list_names(road, put):
    put("市政管理", "城市管理局", STATUTORY)
    put("路灯照明", "柳林村", LEAD)
    dispatch(road, "柳林村")
    road.check(State.DISPATCHED)


def test_another_villages_list_or_a_duty_to_assist_does_not_help(road, put):
    put("市政管理", "城市管理局", STATUTORY)
    put("路灯照明", "河湾村", LEAD)
    put("路灯照明", "柳林村", ASSIST)
    with pytest.raises(NotOnDutyList):
        dispatch(road, "柳林村")


def test_without_a_catalogue_nothing_is_held_against_a_village_and_a_township_leads_anything(road, put):
    dispatch(road, "柳林村")
    other = Road(road.session, road.cast, road.clock, road.as_staff, road.as_resident)
    other.accepted()
    put("市政管理", "城市管理局", STATUTORY)
    dispatch(other, "柳河镇")


def test_a_first_responder_waits_for_the_department_whose_word_is_the_last(road, put):
    put("市政管理", "城市管理局", STATUTORY)
    with pytest.raises(DepartmentMissing):
        dispatch(road, "柳林村", first_responder=True)
    dispatch(road, "柳林村", "城市管理局", first_responder=True)
    entry = road.session.scalars(select(Entry).where(Entry.case_id == road.case.id, Entry.action == Action.DISPATCH)).one()
    assert entry.facts["first_responder"] is True
    hua = road.as_staff("hua")
    sign_case(hua, road.number)
    record_contact(hua, road.number, how="visit", note="已到现场，拉了警戒线")
    with pytest.raises(DepartmentOutstanding):
        submit_result(hua, road.number, reply="好了", note="好了", solved=True, without_assists="不等了")
    sign_case(road.as_staff("he"), road.number)
    submit_assist(road.as_staff("he"), road.number, note="路灯已修复，可以答复群众")
    submit_result(hua, road.number, reply="城管局已修好路灯。", note="见城管局反馈", solved=True)
    road.check(State.UNDER_REVIEW)


def test_what_no_department_answers_for_by_statute_is_no_villages_to_end_either(road, put):
    put("市政管理", "水利局", LEAD)
    with pytest.raises(DepartmentMissing, match="水利局"):
        dispatch(road, "柳林村", "城市管理局", first_responder=True)
    dispatch(road, "柳林村", "水利局", first_responder=True)
    assert road.case.assignments[0].first_responder


def test_where_the_catalogue_names_but_assists_any_department_has_the_last_word(road, put):
    put("市政管理", "柳林村", ASSIST)
    with pytest.raises(DepartmentMissing, match="主管部门"):
        dispatch(road, "柳林村", first_responder=True)
    dispatch(road, "柳林村", "城市管理局", first_responder=True)
    assert road.case.assignments[0].first_responder


def first_at_the_place(road, *assists):
    """The village has gone first and called; gives it."""
    dispatch(road, "柳林村", *assists, first_responder=True)
    sign_case(road.as_staff("hua"), road.number)
    record_contact(road.as_staff("hua"), road.number, how="visit", note="已到现场")
    return road.as_staff("hua")


def reports(road, login):
    sign_case(road.as_staff(login), road.number)
    submit_assist(road.as_staff(login), road.number, note="已办")


def test_a_township_that_answers_by_statute_has_the_last_word(road, put):
    put("路灯照明", "柳河镇", STATUTORY)
    hua = first_at_the_place(road, "柳河镇")
    reports(road, "liu")
    submit_result(hua, road.number, reply="好了", note="好了", solved=True)
    road.check(State.UNDER_REVIEW)


def test_another_departments_word_is_not_the_last(road, put):
    put("路灯照明", "城市管理局", STATUTORY)
    hua = first_at_the_place(road, "城市管理局", "水利局")
    reports(road, "shui")
    with pytest.raises(DepartmentOutstanding):
        submit_result(hua, road.number, reply="好了", note="好了", solved=True, without_assists="不等了")
    reports(road, "he")
    submit_result(hua, road.number, reply="好了", note="好了", solved=True)


def test_where_the_answering_unit_has_given_its_part_back_another_has_the_last_word(road, put):
    put("路灯照明", "城市管理局", STATUTORY)
    hua = first_at_the_place(road, "城市管理局", "水利局")
    end_part(road.as_staff("du"), road.case, road.case.assignments[1])
    reports(road, "shui")
    submit_result(hua, road.number, reply="好了", note="好了", solved=True)


def test_after_a_first_responders_round_the_case_is_dispatched_anew(road, put):
    put("市政管理", "城市管理局", STATUTORY)
    dispatch(road, "柳林村", "城市管理局", first_responder=True)
    begin_round(road.as_staff("sun"), road.case, keep_lead=True)
    assert road.case.lead_unit_id is None
    assert all(assignment.ended_at for assignment in road.case.assignments)


def test_first_response_to_what_the_village_leads_anyway_is_no_first_response(road, put):
    put("路灯照明", "柳林村", LEAD)
    dispatch(road, "柳林村", first_responder=True)
    assert not road.case.assignments[0].first_responder


def test_a_unit_without_anybody_to_handle_is_refused(road):
    road.cast.units["档案局"] = add_unit(code="990101D77", name="档案局", level=Level.DEPARTMENT, parent=road.cast.units["云溪县"])
    with pytest.raises(UnitUnstaffed, match="档案局"):
        dispatch(road, "档案局")
    with pytest.raises(UnitUnstaffed, match="档案局"):
        dispatch(road, "城市管理局", "档案局")


def test_a_townships_dispatcher_dispatches_inside_the_township(road):
    with pytest.raises(OutOfReach):
        dispatch(road, "城市管理局", login="shi")
    with pytest.raises(OutOfReach):
        dispatch(road, "柳林村", "城市管理局", login="shi")
    dispatch(road, "柳林村", login="shi")
    road.check(State.DISPATCHED)


def test_a_joint_meeting_stands_in_the_timeline(road):
    meeting = Meeting(
        held_on=road.clock().date(), participants=("城市管理局高局", "柳河镇童镇"), record="由城管局牵头，三日内修复。"
    )
    dispatch(road, "城市管理局", meeting=meeting, note="请尽快")
    entry = road.session.scalars(select(Entry).where(Entry.case_id == road.case.id, Entry.action == Action.DISPATCH)).one()
    assert entry.facts["meeting"] == {"held_on": "2026-11-23", "participants": 2}
    for part in ("请尽快", "城市管理局高局、柳河镇童镇", "由城管局牵头"):
        assert part in entry.words.note
    assert all(assignment.by_meeting for assignment in road.case.assignments)
    assert verify_ledger().breaks == []


def test_a_meeting_is_not_held_tomorrow(road):
    tomorrow = Meeting(held_on=road.clock().date().replace(day=24), participants=("高局",), record="……")
    with pytest.raises(MeetingUnfit):
        dispatch(road, "城市管理局", meeting=tomorrow)


class TestTheEditor:
    def test_only_the_administrator_edits(self, put, as_staff):
        duty = put("路灯照明", "城市管理局", STATUTORY)
        for login in ("du", "sun", "gao"):
            with pytest.raises(CatalogueIsTheAdministrators):
                put("路灯照明", "水利局", ASSIST, login=login)
            with pytest.raises(CatalogueIsTheAdministrators):
                end_duty(as_staff(login), duty.id)

    def test_a_change_ends_the_old_line_and_keeps_it_readable(self, put, clock, cast):
        first = put("路灯照明", "城市管理局", ASSIST)
        clock.advance(days=1)
        second = put("路灯照明", "城市管理局", STATUTORY, note="三定方案")
        assert put("路灯照明", "城市管理局", STATUTORY, note="三定方案").id == second.id
        assert [duty.id for duty in duties_page().items] == [second.id]
        old, new = duties_page(ended=True).items
        assert (old.id, old.ended_at, old.ended_by, old.put_by) == (first.id, clock(), "管理员", "管理员")
        assert (new.role, new.note, new.ended_at) == (STATUTORY, "三定方案", None)

    def test_a_line_is_ended_once(self, put, as_staff, clock, cast):
        duty = put("路灯照明", "城市管理局", STATUTORY)
        assert end_duty(as_staff("admin"), duty.id).ended_at == clock()
        assert duties_for(cast.categories["路灯照明"]) == []
        with pytest.raises(DutyEnded):
            end_duty(as_staff("admin"), duty.id)
        with pytest.raises(DutyNotFound):
            end_duty(as_staff("admin"), 999_999)

    def test_what_cannot_be_is_refused(self, put):
        with pytest.raises(DutyUnfit):
            put("路灯照明", "柳林村", STATUTORY)
        with pytest.raises(UnknownUnit):
            put("路灯照明", "云溪县", STATUTORY)

    def test_the_list_is_paged_and_narrowed(self, put, session, cast):
        for unit in ("城市管理局", "水利局", "民政局"):
            put("路灯照明", unit, ASSIST)
        put("低保", "民政局", STATUTORY)
        page = duties_page(limit=3)
        assert len(page.items) == 3
        assert [duty.category for duty in duties_page(limit=3, cursor=page.next_cursor).items] == ["民政/社会救助/低保"]
        assert len(duties_page(category_id=cast.categories["市政管理"]).items) == 3
        assert len(duties_page(unit_id=cast.units["民政局"].id).items) == 2
        assert session.scalars(select(UnitDuty.id)).all()
