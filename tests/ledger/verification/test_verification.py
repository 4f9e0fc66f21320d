"""Double verification: the checklist of a review as a table, and what people see on the spot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import Role
from app.ledger.callbacks.answers import record_callback
from app.ledger.catalogue import catalogue
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_assist, submit_result
from app.ledger.intake.places import Point, PointOutsideCounty
from app.ledger.models import Category, Entry
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.scope import CaseNotFound
from app.ledger.showing.worklist import Work, work_list
from app.ledger.verification.checklist import Findings, checklist, missing
from app.ledger.verification.looks import (
    NoRepresentativeAsked,
    NoResultYet,
    NotYourGrid,
    VerifyOwnWork,
    record_appraisal,
    record_look,
    review_of,
    to_look_at,
)
from app.ledger.verification.models import Result, Verification
from app.ledger.verification.results import MissingUnexplained, reply_index
from app.ledger.vocabulary import Action, CheckItem, CheckState, Satisfaction, State, VerifyBy
from app.ledger.workflow import IllegalMove, NotYourMove
from app.notices.models import Notice, Recipient
from app.people.models import StaffPost
from app.territory.datum import Datum
from tests.ledger.test_straight_road import HAPPY, UNHAPPY, road

__all__ = ["road"]

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
GOOD = Findings(
    submitted_at=AT,
    nobody_to_call=False,
    contacted_at=AT - timedelta(hours=1),
    contacted_before=False,
    asks_evidence=True,
    evidence=2,
    case_has_place=True,
    distance_m=80.0,
    limit_m=200,
    same_reply=0,
    same_reply_most=3,
    assists=1,
    assists_out=0,
    verify_by=VerifyBy.CALLBACK,
    approved=None,
)
OK, WARNING, MISSING = CheckState


@pytest.mark.parametrize(
    ("item", "change", "state", "number"),
    [
        ("contact", {}, OK, None),
        ("contact", {"contacted_at": AT + timedelta(minutes=1)}, MISSING, None),
        ("contact", {"contacted_at": None}, MISSING, None),
        ("contact", {"contacted_at": None, "contacted_before": True}, WARNING, None),
        ("contact", {"contacted_at": None, "nobody_to_call": True}, OK, None),
        ("evidence", {}, OK, 2),
        ("evidence", {"evidence": 0}, MISSING, 0),
        ("evidence", {"evidence": 0, "asks_evidence": False}, OK, 0),
        ("place", {}, OK, 80),
        ("place", {"distance_m": 200.0}, OK, 200),
        ("place", {"distance_m": 350.4}, WARNING, 350),
        ("place", {"distance_m": None}, WARNING, None),
        ("place", {"distance_m": None, "case_has_place": False}, OK, None),
        ("place", {"distance_m": 9000.0, "limit_m": None}, OK, None),
        ("reply", {}, OK, 0),
        ("reply", {"same_reply": 2}, OK, 2),
        ("reply", {"same_reply": 3}, WARNING, 3),
        ("assists", {}, OK, 0),
        ("assists", {"assists": 2, "assists_out": 1}, WARNING, 1),
        ("assists", {"assists": 0}, OK, 0),
        ("people", {}, OK, None),
        ("people", {"verify_by": VerifyBy.LOOK}, MISSING, None),
        ("people", {"verify_by": VerifyBy.LOOK, "approved": False}, MISSING, None),
        ("people", {"verify_by": VerifyBy.LOOK, "approved": True}, OK, None),
        ("people", {"verify_by": VerifyBy.REPRESENTATIVE, "approved": True}, OK, None),
    ],
)
def test_each_item_of_the_checklist(item, change, state, number):
    checks = {check.item.value: check for check in checklist(replace(GOOD, **change))}
    assert list(checks) == [each.value for each in CheckItem]
    assert (checks[item].state, checks[item].number) == (state, number)
    assert checks[item].words
    others = [check for name, check in checks.items() if name not in (item, "contact")]
    assert all(check.state is OK for check in others)


def test_only_what_is_missing_must_be_explained():
    checks = checklist(replace(GOOD, distance_m=900.0, same_reply=9, evidence=0))
    assert [check.item for check in missing(checks)] == [CheckItem.EVIDENCE]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("路灯已修好。", "路灯 已修好！", True),
        ("已更换ＬＥＤ灯", "已更换led灯", True),
        ("路灯已修好。", "路灯已修好了。", False),
        ("更换 2 盏", "更换 3 盏", False),
    ],
)
def test_a_reply_is_the_same_but_for_blanks_punctuation_and_width(app, one, other, same):
    assert (reply_index(one) == reply_index(other)) is same


@pytest.fixture
def category(road, session):
    """Sets how the results of a category (`路灯照明`, or one above it) are verified."""

    def set_on(name="路灯照明", **how):
        row = session.get(Category, road.cast.categories.get(name) or session.scalars(
            select(Category.id).where(Category.name == name)).one())  # fmt: skip
        for field, value in how.items():
            setattr(row, field, value)
        session.flush()
        catalogue.forget()

    yield set_on
    catalogue.forget()


def checks(road, login="qin"):
    return {check.item.value: check.state.value for check in review_of(road.as_staff(login), road.number).checks}


def with_result(road, **result):
    road.in_progress(**result.pop("report", {}))
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    road.clock.advance(hours=1)
    given = {"reply": "路灯已修好。", "note": "换灯头", "solved": True} | result
    submit_result(road.as_staff("he"), road.number, **given)


def test_an_ordinary_result_passes_without_a_note(road, session):
    road.under_review()
    assert set(checks(road).values()) == {"ok"}
    pass_result(road.as_staff("qin"), road.number)
    facts = session.scalars(select(Entry.facts).where(Entry.action == Action.PASS)).one()
    assert facts["checklist"] == dict.fromkeys(["contact", "evidence", "place", "reply", "assists", "people"], "ok")


def test_what_the_category_asks_and_the_result_lacks_must_be_explained(road, category):
    category(asks_evidence=True)
    road.under_review()
    assert checks(road)["evidence"] == "missing"
    with pytest.raises(MissingUnexplained) as refused:
        pass_result(road.as_staff("qin"), road.number)
    assert "佐证材料" in refused.value.detail
    with pytest.raises(MissingUnexplained):
        pass_result(road.as_staff("qin"), road.number, note="  ")
    road.check(State.UNDER_REVIEW)
    pass_result(road.as_staff("qin"), road.number, note="已现场核对，照片因故未传")
    road.check(State.AWAITING_CALLBACK)


def test_a_category_is_verified_as_the_one_above_it_unless_it_says_otherwise(road, category, session):
    category("市政管理", asks_evidence=True, verify_by=VerifyBy.LOOK, check_distance_m=300)
    category(verify_by=VerifyBy.CALLBACK)
    facts = catalogue().category(road.cast.categories["路灯照明"])
    assert (facts.asks_evidence, facts.check_distance_m, facts.verify_by) == (True, 300, VerifyBy.CALLBACK)
    other = catalogue().category(road.cast.categories["道路坑洼"])
    assert other.verify_by is VerifyBy.LOOK


def test_evidence_and_place_come_with_the_result(road, category, session):
    category(asks_evidence=True, check_distance_m=200)
    at = {"latitude": 33.5500, "longitude": 117.5600}
    near = Point(latitude=33.5510, longitude=117.5600, datum=Datum.WGS84)
    with_result(road, report=at, evidence=["照片 2026-1123-01", "维修单 88"], point=near)
    review = review_of(road.as_staff("qin"), road.number)
    assert review.evidence == ["照片 2026-1123-01", "维修单 88"]
    numbers = {check.item.value: (check.state.value, check.number) for check in review.checks}
    assert numbers["evidence"] == ("ok", 2)
    assert numbers["place"] == ("ok", 111)
    row = session.scalars(select(Result)).one()
    assert (row.latitude, row.longitude) == (33.5510, 117.5600)


def test_a_far_place_is_a_warning_and_no_bar(road, category):
    category(check_distance_m=100)
    far = Point(latitude=33.57, longitude=117.56, datum=Datum.WGS84)
    with_result(road, report={"latitude": 33.55, "longitude": 117.56}, point=far)
    assert checks(road)["place"] == "warning"
    pass_result(road.as_staff("qin"), road.number)


def test_a_point_outside_china_is_refused(road):
    road.in_progress()
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    nowhere = Point(latitude=0.0, longitude=0.0, datum=Datum.WGS84)
    with pytest.raises(PointOutsideCounty):
        submit_result(road.as_staff("he"), road.number, reply="好", note="好", solved=True, point=nowhere)


def test_a_reply_used_word_for_word_elsewhere_is_counted(road):
    for _ in range(4):
        road.under_review()
    check = next(one for one in review_of(road.as_staff("qin"), road.number).checks if one.item is CheckItem.REPLY)
    assert (check.state, check.number) == (WARNING, 3)
    with_result(road, reply="本次更换了第二盏灯的线路。")
    assert checks(road)["reply"] == "ok"


def test_assists_that_were_not_waited_for_are_a_warning(road):
    road.in_progress(assists=["水利局"])
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    submit_result(road.as_staff("he"), road.number, reply="好了", note="好了", solved=True, without_assists="不需要了")
    assert checks(road)["assists"] == "warning"


def test_assists_that_reported_are_fine(road):
    road.in_progress(assists=["水利局"])
    sign_case(road.as_staff("shui"), road.number)
    submit_assist(road.as_staff("shui"), road.number, note="已疏通")
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    submit_result(road.as_staff("he"), road.number, reply="好了", note="好了", solved=True)
    assert checks(road)["assists"] == "ok"


def test_a_rework_without_a_new_contact_is_a_warning(road):
    road.awaiting_callback()
    record_callback(road.as_staff("lu"), road.number, UNHAPPY)
    road.clock.advance(hours=1)
    triage_case(road.as_staff("sun"), road.number, verdict=Triage.REWORK, note="再查")
    with pytest.raises(NoResultYet):
        review_of(road.as_staff("qin"), road.number)
    submit_result(road.as_staff("he"), road.number, reply="换了线。", note="换线", solved=True)
    assert checks(road)["contact"] == "warning"


def test_a_case_without_a_result_has_no_checklist_and_a_stranger_sees_none(road):
    road.in_progress()
    with pytest.raises(NoResultYet):
        review_of(road.as_staff("qin"), road.number)
    with pytest.raises(CaseNotFound):
        review_of(road.as_staff("xu"), road.number)


class TestLook:
    @pytest.fixture
    def asked(self, road, category):
        category(verify_by=VerifyBy.LOOK)
        road.under_review()
        return road

    def look(self, road, login="zhou", **seen):
        return record_look(road.as_staff(login), road.number, **{"solved": True, "words": "灯亮了"} | seen)

    def test_the_grid_worker_sees_what_is_to_be_looked_at_and_looks(self, asked, session):
        zhou = asked.as_staff("zhou")
        (row,) = to_look_at(zhou, cursor=None, limit=10).items
        assert (row.number, row.grid) == (asked.number, "柳林村一网格")
        assert to_look_at(asked.as_staff("zhao"), cursor=None, limit=10).items == []  # another grid
        assert checks(asked)["people"] == "missing"
        self.look(asked)
        assert to_look_at(zhou, cursor=None, limit=10).items == []
        assert checks(asked)["people"] == "ok"
        (seen,) = review_of(asked.as_staff("qin"), asked.number).verified
        assert (seen.by, seen.solved, seen.recorded_by) == (VerifyBy.LOOK, True, "周格")
        told = session.scalars(select(Notice).where(Notice.template == "look")).all()
        assert [(row.recipient, row.recipient_id) for row in told] == [(Recipient.STAFF, asked.cast.staff["qin"].id)]
        pass_result(asked.as_staff("qin"), asked.number)

    def test_what_is_not_solved_on_the_spot_must_be_explained(self, asked):
        self.look(asked)
        self.look(asked, solved=False, words="又灭了")  # the last look counts
        assert checks(asked)["people"] == "missing"
        with pytest.raises(MissingUnexplained):
            pass_result(asked.as_staff("qin"), asked.number)

    def test_a_look_of_the_last_round_does_not_count_for_this_one(self, asked):
        self.look(asked)
        pass_result(asked.as_staff("qin"), asked.number)
        record_callback(asked.as_staff("lu"), asked.number, UNHAPPY)
        triage_case(asked.as_staff("sun"), asked.number, verdict=Triage.REWORK, note="再查")
        submit_result(asked.as_staff("he"), asked.number, reply="换了线。", note="换线", solved=True)
        assert checks(asked)["people"] == "missing"
        assert len(to_look_at(asked.as_staff("zhou"), cursor=None, limit=10).items) == 1

    def test_who_may_not_look(self, asked, session):
        with pytest.raises(CaseNotFound):
            self.look(asked, "zhao")  # a grid worker of another village
        with pytest.raises(NotYourMove):
            self.look(asked, "wu")
        asked.in_progress()
        with pytest.raises(IllegalMove):
            self.look(asked)

    def test_a_grid_worker_of_the_next_grid_does_not_look(self, asked, session):
        zhou = asked.as_staff("zhou")
        asked.case.grid_id = asked.cast.grids["柳林村二网格"].id
        asked.case.reports[0].filer_resident_id = None
        asked.case.reports[0].filer_staff_id = asked.cast.staff["zhou"].id  # who filed it sees it
        session.flush()
        with pytest.raises(NotYourGrid):
            record_look(zhou, asked.number, solved=True, words="看过")

    def handled_by(self, road, category, unit, login):
        category(verify_by=VerifyBy.LOOK)
        road.accepted()
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units[unit].id)
        sign_case(road.as_staff(login), road.number)
        record_contact(road.as_staff(login), road.number, how="visit", note="上门")
        submit_result(road.as_staff(login), road.number, reply="已处理。", note="已处理", solved=True)

    def asked_of(self, road, login):
        stamp = road.as_staff(login)
        listed = [each.number for each in to_look_at(stamp, cursor=None, limit=10).items]
        assert [each.number for each in work_list(stamp, why=Work.LOOK, cursor=None, limit=10).items] == listed
        return listed

    def test_the_village_that_handles_it_does_not_verify_itself(self, road, category):
        self.handled_by(road, category, "柳林村", "hua")
        with pytest.raises(VerifyOwnWork):
            self.look(road)

    def test_what_a_village_handled_its_township_looks_at(self, road, category):
        self.handled_by(road, category, "柳林村", "hua")
        assert [self.asked_of(road, login) for login in ("zhou", "hua", "zhao", "wu")] == [[], [], [], []]
        assert self.asked_of(road, "liu") == self.asked_of(road, "tong") == [road.number]
        self.look(road, "liu")
        assert checks(road)["people"] == "ok"
        assert self.asked_of(road, "tong") == []

    def test_who_handled_it_for_the_village_does_not_look_at_it_from_the_township(self, road, category):
        self.handled_by(road, category, "柳林村", "liu")
        assert (self.asked_of(road, "liu"), self.asked_of(road, "tong")) == ([], [road.number])
        with pytest.raises(NotYourGrid):
            self.look(road, "liu")

    def test_what_the_township_itself_handled_nobody_below_the_county_is_asked_to_look_at(self, road, category):
        self.handled_by(road, category, "柳河镇", "liu")
        assert [self.asked_of(road, login) for login in ("zhou", "liu", "tong")] == [[], [], []]
        for login in ("zhou", "tong"):
            with pytest.raises(VerifyOwnWork):
                self.look(road, login)

    def test_a_township_does_not_look_where_the_grids_own_worker_may(self, asked):
        assert (self.asked_of(asked, "liu"), self.asked_of(asked, "zhou")) == ([], [asked.number])
        with pytest.raises(NotYourGrid):
            self.look(asked, "liu")

    def test_a_confidential_case_is_not_looked_at_from_the_grid(self, road, category):
        category(verify_by=VerifyBy.LOOK)
        road.in_progress(confidential=True)
        record_contact(road.as_staff("lu"), road.number, how="phone", note="回访员代为联系")
        submit_result(road.as_staff("he"), road.number, reply="已处理。", note="已处理", solved=True)
        assert to_look_at(road.as_staff("zhou"), cursor=None, limit=10).items == []
        with pytest.raises(CaseNotFound):
            self.look(road)


class TestAppraisal:
    def appraise(self, road, login="lu", satisfaction=Satisfaction.SATISFIED):
        return record_appraisal(
            road.as_staff(login), road.number, representative="李代表", satisfaction=satisfaction, words="走访了三户"
        )

    def test_a_representative_rates_where_the_category_asks(self, road, category, session):
        category(verify_by=VerifyBy.REPRESENTATIVE)
        road.under_review()
        self.appraise(road, satisfaction=Satisfaction.DISSATISFIED)
        assert checks(road)["people"] == "missing"
        self.appraise(road, "wu", Satisfaction.BASICALLY_SATISFIED)
        assert checks(road)["people"] == "ok"
        verified = review_of(road.as_staff("qin"), road.number).verified
        assert [(one.representative, one.satisfaction) for one in verified] == [
            ("李代表", Satisfaction.DISSATISFIED),
            ("李代表", Satisfaction.BASICALLY_SATISFIED),
        ]
        kept = session.scalars(select(Verification.representative)).first()
        assert "李代表".encode() not in kept  # the name is sealed

    def test_elsewhere_there_is_nothing_to_rate(self, road):
        road.under_review()
        with pytest.raises(NoRepresentativeAsked):
            self.appraise(road)

    def test_the_handling_unit_records_none(self, road, category, session):
        category(verify_by=VerifyBy.REPRESENTATIVE)
        road.under_review()
        session.add(StaffPost(staff_id=road.cast.staff["lu"].id, role=Role.HANDLER, unit_id=road.cast.units["城市管理局"].id))
        session.flush()
        with pytest.raises(VerifyOwnWork):
            self.appraise(road)
        with pytest.raises(NotYourMove):
            self.appraise(road, "du")


def test_verification_by_call_back_goes_on_as_before(road):
    road.under_review()
    pass_result(road.as_staff("qin"), road.number)
    record_callback(road.as_staff("lu"), road.number, HAPPY)
    road.check(State.CLOSED)
