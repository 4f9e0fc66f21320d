"""What is counted of cases that change hands, stand still or go on: on the product's own commands, now and at a past cut-off."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.figures.catalogue import Report
from app.figures.counting import one_figure, table
from app.figures.groups import Dimension
from app.figures.listing import Chosen, Part, counted_cases, figure_cases
from app.figures.periods import between
from app.figures.recount import check
from app.ledger.callbacks.answers import record_callback
from app.ledger.clocks import Deadline
from app.ledger.corrections import correct_case
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_result
from app.ledger.models import Assignment
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.rounds.reopening import reopen_case
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Clock, Duty, RequestKind, Urgency
from app.ledger.whistles.arrivals import arrive, assess_help, assess_whistle, rule_on_whistle
from app.ledger.whistles.blowing import whistle
from tests.conftest import MONDAY
from tests.ledger.requests.test_requests import YES, asked, to_water
from tests.ledger.test_straight_road import HAPPY, road

__all__ = ["road"]

PERIOD = between(MONDAY - timedelta(days=1), MONDAY + timedelta(days=60))


def swept(road):
    sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))
    road.session.expire_all()


def differences(road):
    return {each.measure for each in check(Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB), PERIOD)[1]}


def told(road, code, cutoff=None):
    """A figure by unit: the name of each line with numerator and denominator."""
    road.session.flush()
    report = next(report for report in Report if any(each.code == code for each in table_of(road, report, None).total.figures))
    made = table_of(road, report, cutoff)
    names = {line.name: next(each for each in line.figures if each.code == code).before for line in (*made.lines, made.total)}
    return {name: (int(share.numerator), share.denominator) for name, share in names.items() if share.denominator}


def table_of(road, report, cutoff):
    return table(road.as_staff("sun"), report, period=PERIOD, cutoff=cutoff, dimension=Dimension.UNIT)


def reassigned(road, **more):
    request = asked(road, "du", RequestKind.REASSIGN, unit_ids=to_water(road))
    decide_request(road.as_staff("sun"), road.number, request.id, Decision(approve=True, note="同意改派", **more))


def closed_by(road, login="shui"):
    sign_case(road.as_staff(login), road.number)
    record_contact(road.as_staff(login), road.number, how="phone", note="已联系")
    submit_result(road.as_staff(login), road.number, reply="修好了。", note="更换灯头", solved=True)
    pass_result(road.as_staff("qin"), road.number, note="核实无误")
    record_callback(road.as_staff("lu"), road.number, HAPPY)


@pytest.mark.parametrize("seen", [True, False])
def test_who_never_signs_stays_late_after_the_case_is_given_to_others(road, seen):
    road.dispatched()
    road.clock.advance(days=2)
    if seen:
        swept(road)
    reassigned(road)
    sign_case(road.as_staff("shui"), road.number)
    assert told(road, "sign_on_time") == {"城市管理局": (0, 1), "水利局": (1, 1), "合计": (1, 2)}
    assert differences(road) == set()


def test_who_never_signs_stays_late_after_a_return_that_was_agreed_to(road):
    road.dispatched()
    road.clock.advance(hours=3)
    request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
    decide_request(road.as_staff("sun"), road.number, request.id, YES)
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["水利局"].id)
    sign_case(road.as_staff("shui"), road.number)
    assert told(road, "sign_on_time") == {"城市管理局": (0, 1), "水利局": (1, 1), "合计": (1, 2)}
    assert told(road, "returned") == {"城市管理局": (1, 1), "水利局": (0, 1), "合计": (1, 2)}
    assert differences(road) == set()


def test_who_gives_a_case_back_before_signing_was_due_is_not_late(road):
    road.dispatched()
    road.clock.advance(minutes=1)
    reassigned(road)
    sign_case(road.as_staff("shui"), road.number)
    assert told(road, "sign_on_time") == {"水利局": (1, 1), "合计": (1, 1)}
    assert differences(road) == set()


@pytest.mark.parametrize("reset", [None, "新单位从头办理"])
def test_a_delay_stays_with_the_case_when_it_changes_hands_with_a_fresh_term_too(road, reset):
    road.in_progress()
    road.clock.advance(days=15)
    swept(road)
    reassigned(road, reset_term=reset)
    closed_by(road)
    assert told(road, "on_time") == {"水利局": (0, 1), "合计": (0, 1)}
    assert told(road, "closed_of_due") == {"水利局": (1, 1), "合计": (1, 1)}
    assert differences(road) == set()


def test_a_case_that_changes_hands_in_time_is_on_time(road):
    road.in_progress()
    road.clock.advance(days=1)
    reassigned(road, reset_term="新单位从头办理")
    closed_by(road)
    assert told(road, "on_time")["合计"] == (1, 1)
    assert differences(road) == set()


def test_a_term_that_stood_still_or_was_replaced_is_judged_by_what_is_left_of_it(road):
    road.in_progress()
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    request = asked(road, "he", RequestKind.SUSPEND, review_on=date(2027, 1, 20), evidence="已列入亮化工程")
    decide_request(road.as_staff("sun"), road.number, request.id, YES)
    road.clock.advance(days=40)
    swept(road)
    assert told(road, "on_time") == {}
    assert differences(road) == set()
    road.clock.advance(days=20)
    swept(road)  # its review date has passed: it goes on with what was left
    assert told(road, "on_time") == {}
    road.clock.advance(days=10)
    swept(road)
    assert told(road, "on_time")["合计"] == (0, 1)
    assert differences(road) == set()


def test_a_breach_that_no_sweep_has_seen_stays_when_the_term_is_replaced(road):
    road.in_progress(kind="help")
    road.clock.advance(days=15)
    correct_case(road.as_staff("du"), road.number, note="属于政策性事项", kind="complaint")
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    assert told(road, "on_time")["合计"] == (0, 1)
    assert differences(road) == set()


def late_case(road):
    road.in_progress()
    road.clock.advance(days=15)
    swept(road)
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    submit_result(road.as_staff("he"), road.number, reply="修好了。", note="更换灯头", solved=True)
    pass_result(road.as_staff("qin"), road.number, note="核实无误")
    record_callback(road.as_staff("lu"), road.number, HAPPY)


@pytest.mark.parametrize(
    ("which", "values", "measures"),
    [
        (Clock.RESOLVE, {"breached_at": None}, {"on_time"}),
        (Clock.SIGN, {"breached_at": MONDAY}, {"signed_on_time"}),
        (Clock.SIGN, {"met_at": None, "due_at": MONDAY + timedelta(days=90)}, {"sign_due", "signed_on_time"}),
        (Clock.SIGN, {"due_at": MONDAY}, {"signed_on_time"}),
    ],
)
def test_a_breach_or_a_verdict_that_was_lost_or_made_up_is_named_by_the_recount(road, which, values, measures):
    late_case(road)
    assert differences(road) == set()
    lead = select(Assignment.id).where(Assignment.duty == Duty.LEAD)
    road.session.execute(update(Deadline).where(Deadline.clock == which, Deadline.subject_id.in_(lead)).values(values))
    assert differences(road) == measures


def test_a_breach_that_is_lost_while_nobody_has_handed_anything_in_is_no_way_out(road):
    road.in_progress()
    road.clock.advance(days=15)
    swept(road)
    lost = {"breached_at": None, "met_at": MONDAY + timedelta(days=1)}
    road.session.execute(update(Deadline).where(Deadline.clock == Clock.RESOLVE).values(lost))
    assert differences(road) == {"due"}


class TestCutoff:
    """What was told at a moment is told of that moment ever after."""

    CODES = (
        "closed_of_accepted", "closed_of_due", "on_time", "resolved", "passed_on", "solution", "coverage", "sign_on_time",
        "returned",
    )  # fmt: skip

    def everything(self, road, cutoff=None):
        return {code: told(road, code, cutoff) for code in self.CODES}

    def test_a_case_that_went_on_is_told_as_it_stood(self, road):
        seen = []

        def look():
            seen.append((road.clock(), self.everything(road), road.case.state))
            road.clock.advance(minutes=7)

        road.accepted()
        look()
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
        look()
        road.clock.advance(hours=3)
        look()
        sign_case(road.as_staff("he"), road.number)
        look()
        road.clock.advance(days=15)
        swept(road)
        look()
        reassigned(road, reset_term="新单位从头办理")
        look()
        closed_by(road)
        look()
        excluded = asked(road, "du", RequestKind.EXCLUDE)
        decide_request(road.as_staff("sun"), road.number, excluded.id, YES)
        look()
        reopen_case(road.as_resident("lin"), road.number, words="又不亮了")
        look()
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["民政局"].id)
        look()
        assert len({str(figures) for _, figures, _ in seen}) >= 7  # they do differ
        for at, figures, state in seen:
            assert self.everything(road, at) == figures, (at, state)

    def test_an_exclusion_of_later_leaves_no_trace_at_an_earlier_cutoff(self, road):
        late_case(road)
        before = road.clock()
        road.clock.advance(minutes=5)
        excluded = asked(road, "du", RequestKind.EXCLUDE)
        decide_request(road.as_staff("sun"), road.number, excluded.id, YES)
        road.session.flush()
        after = {
            cutoff: one_figure(road.as_staff("sun"), "on_time", period=PERIOD, cutoff=cutoff).after.denominator
            for cutoff in (before, None)
        }
        assert after == {before: 1, None: 0}

    def test_a_cutoff_that_lies_ahead_is_now_and_the_link_carries_the_one_that_was_told(self, road):
        road.in_progress()
        road.session.flush()
        ahead = road.clock() + timedelta(days=3)
        value = one_figure(road.as_staff("sun"), "passed_on", period=PERIOD, cutoff=ahead)
        assert (value.cutoff, value.filter.cutoff) == (road.clock(), road.clock())

    def test_the_list_holds_what_was_counted_then(self, road):
        road.in_progress()
        at = road.clock()
        road.clock.advance(days=15)
        swept(road)
        closed = Chosen(figure="closed_of_due", period=PERIOD, cutoff=at)
        now = Chosen(figure="closed_of_due", period=PERIOD)
        assert figure_cases(road.as_staff("sun"), closed).items == []
        assert len(figure_cases(road.as_staff("sun"), now).items) == 1
        assert list(counted_cases(road.as_staff("sun"), closed)) == []


class TestWhistles:
    def blown(self, road, *, login="liu"):
        road.accepted()
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
        (call,) = whistle(
            road.as_staff(login), road.number, unit_ids=to_water(road), words="涵管塌了，请到场会商", place="柳林村村口",
            arrive_by=road.clock() + timedelta(hours=2),
        )  # fmt: skip
        return call

    def test_both_sides_are_assessed_each_in_the_line_of_its_unit_and_a_ruling_stands_above_a_word(self, road):
        call = self.blown(road)
        arrive(road.as_staff("shui"), road.number, call.id)
        road.clock.advance(minutes=5)
        assess_help(road.as_staff("liu"), road.number, call.id, helped=True, note="到场并提出方案")
        assess_whistle(road.as_staff("shui"), road.number, call.id, justified=False, note="不属于我局职责")
        assert told(road, "helped") == {"水利局": (1, 1), "合计": (1, 1)}
        assert told(road, "justified") == {"柳河镇": (0, 1), "合计": (0, 1)}
        assert differences(road) == set()
        before = road.clock()
        road.clock.advance(minutes=5)
        rule_on_whistle(road.as_staff("sun"), road.number, call.id, justified=True, note="应当吹哨")
        assert told(road, "justified") == {"柳河镇": (1, 1), "合计": (1, 1)}
        assert told(road, "justified", before) == {"柳河镇": (0, 1), "合计": (0, 1)}
        assert told(road, "helped", before - timedelta(minutes=1)) == {}
        assert differences(road) == set()
        page = figure_cases(road.as_staff("sun"), Chosen(figure="justified", period=PERIOD))
        assert [row.unit.name for case in page.items for row in case.counted] == ["柳河镇"]

    def test_who_does_not_come_is_late_and_stays_late(self, road):
        self.blown(road)
        road.clock.advance(hours=3)
        assert told(road, "arrived_on_time") == {"水利局": (0, 1), "合计": (0, 1)}
        assert differences(road) == set()


class TestWhatWasCounted:
    def test_a_part_is_listed_with_its_own_unit_and_its_moments(self, road):
        road.dispatched(assists=("水利局",))
        sent = road.case.assignments[0].dispatched_at
        sign_case(road.as_staff("he"), road.number)
        road.clock.advance(hours=3)
        swept(road)
        page = figure_cases(road.as_staff("sun"), Chosen(figure="sign_on_time", period=PERIOD))
        (case,) = page.items
        assert case.lead_unit.name == "城市管理局"
        assert [(row.unit.name, row.in_numerator, row.began_at, row.met_at is not None) for row in case.counted] == [
            ("城市管理局", True, sent, True),
            ("水利局", False, sent, False),
        ]
        assert all(row.due_at > sent for row in case.counted)
        assert (page.counted, page.shown) == (2, 2)
        missing = Chosen(figure="sign_on_time", period=PERIOD, part=Part.MISSING)
        assert [each.row.unit.name for each in counted_cases(road.as_staff("sun"), missing)] == ["水利局"]

    def test_the_first_page_tells_how_many_are_counted_and_how_many_of_them_are_shown(self, road):
        road.dispatched(urgency=Urgency.NORMAL, confidential=True)
        page = figure_cases(road.as_staff("tong"), Chosen(figure="passed_on", period=PERIOD))
        assert (page.items, page.counted, page.shown) == ([], 1, 0)
