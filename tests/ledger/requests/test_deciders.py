"""Whose decision a request is: the list, the buttons and the door itself say the same of everybody on the staff."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.callbacks.answers import rate_case
from app.ledger.handling import OwnWork, dispatch_case, record_contact
from app.ledger.moves import APPROVING
from app.ledger.requests.awaited import awaiting_decision
from app.ledger.requests.deciding import decide_request
from app.ledger.requests.models import Request
from app.ledger.requests.withdrawal import wish_to_withdraw
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.showing.possible import possible_actions
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Action, RequestKind, RequestState
from app.ledger.workflow import NotYourMove
from app.notices.models import Notice, Recipient
from app.people.models import StaffPost
from app.people.staff import posts_held
from tests.counting import statements
from tests.ledger.requests.test_requests import NO, YES, asked, to_water, told_of
from tests.ledger.test_straight_road import UNHAPPY, road

__all__ = ["road"]

CENTRE = "du pai sun ling"
SUPERVISORS = "sun ling yan tang"
SECOND = "fang ding du pai shi ma sun ling"
AT_THE_COUNTY = "sun ling yan"

EXPECTED = {
    # kind: (who asks, who decides, who is told that it waits)
    RequestKind.REJECT: ("he", SECOND, "ma"),
    RequestKind.REDIRECT: ("he", SECOND, "ma"),
    RequestKind.RETURN: ("he", CENTRE, "du pai"),
    RequestKind.REASSIGN: ("he", CENTRE, "du pai"),
    RequestKind.SUPPORT: ("he", CENTRE, "du pai"),
    RequestKind.EXTEND: ("he", CENTRE, "sun ling"),
    RequestKind.SUSPEND: ("he", SUPERVISORS, "sun ling"),
    RequestKind.TERMINATE: ("he", SUPERVISORS, "sun ling"),
    RequestKind.EXCLUDE: ("he", AT_THE_COUNTY, "sun ling"),
    RequestKind.VOID: ("fang", SECOND.replace("fang ", "").replace("shi ", ""), "ma"),
    RequestKind.JUDGE_CLOSED: ("sun", AT_THE_COUNTY.replace("sun ", ""), "ling"),
    RequestKind.WITHDRAW: ("lin", "fang ding du pai lu", "lu"),
}


def waiting(road, kind, asker="he"):
    """A request of a kind waits in a case of the city management bureau; what its kind needs comes with it."""
    if kind is RequestKind.JUDGE_CLOSED:
        road.awaiting_callback()
        rate_case(road.as_resident("lin"), road.number, UNHAPPY)
    else:
        road.in_progress()
        record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    if kind is RequestKind.WITHDRAW:
        wish_to_withdraw(road.as_resident("lin"), road.number, words="已经自己修好了")
        return road.session.scalars(select(Request).where(Request.kind == kind)).one()
    needs = {"reply": "您好，情况是这样的。", "redirect_to": "县法院", "unit_ids": to_water(road), "amount": 3}
    return asked(road, asker, kind, **needs, review_on=date(2027, 1, 20), evidence="计划")


def decides(road, login, request):
    """Say whether somebody may decide: what the door answers to yes and to no, what the list shows, what the buttons offer."""
    stamp, session = road.as_staff(login), road.session
    said = set()
    for decision in (YES, NO):
        nested = session.begin_nested()
        try:
            decide_request(stamp, road.number, request.id, decision)
            said.add(True)
        except (NotYourMove, CaseNotFound):
            said.add(False)
        nested.rollback()
    said.add([row.request.id for row in awaiting_decision(stamp).items] == [request.id])
    said.add({APPROVING[request.kind], Action.REFUSE_REQUEST} <= set(buttons(stamp, road.number, request)))
    (agreed,) = said
    return agreed


def buttons(stamp, number, request):
    """What the case view offers; nothing to whom it does not show the case."""
    try:
        return possible_actions(stamp, find_case(stamp, number), [request])
    except CaseNotFound:
        return []


@pytest.mark.parametrize("kind", list(RequestKind))
def test_door_list_and_buttons_agree_on_who_decides(road, kind):
    asker, deciders, _ = EXPECTED[kind]
    request = waiting(road, kind, asker)
    assert {login for login in road.cast.staff if decides(road, login, request)} == set(deciders.split())


@pytest.mark.parametrize("kind", list(RequestKind))
def test_those_are_told_whose_decision_it_is_and_the_asker_hears_the_answer_once(road, session, kind):
    asker, deciders, told = EXPECTED[kind]
    request = waiting(road, kind, asker)
    staff = road.cast.staff
    assert told_of(session, f"ask_{kind}") == sorted(staff[login].id for login in told.split())
    seen = session.scalar(select(func.max(Notice.id)))
    login = next(each for each in deciders.split() if each != asker)
    decide_request(road.as_staff(login), road.number, request.id, YES)
    to = (Recipient.RESIDENT, road.cast.residents["lin"].id) if asker == "lin" else (Recipient.STAFF, staff[asker].id)
    query = select(Notice).where(Notice.id > seen, Notice.recipient == to[0], Notice.recipient_id == to[1])
    assert len(session.scalars(query).all()) == 1
    assert (request.state, request.decided_by) == (RequestState.APPROVED, staff[login].id)


class TestSecondExtension:
    @pytest.fixture
    def request_(self, road):
        road.in_progress()
        first = asked(road, "he", RequestKind.EXTEND, amount=3)
        decide_request(road.as_staff("du"), road.number, first.id, YES)
        return asked(road, "he", RequestKind.EXTEND, amount=2)

    def test_it_is_a_leaders_whose_post_reaches_the_lead(self, road, request_):
        township = StaffPost(staff_id=road.cast.staff["tong"].id, role=Role.LEADER, unit_id=road.cast.units["柳河镇"].id)
        road.session.add(township)  # reaches the place, not the unit that handles the case
        road.session.flush()
        posts_held.forget()
        assert {login for login in road.cast.staff if decides(road, login, request_)} == {"yan", "tang"}

    def test_the_responsible_leader_is_told(self, road, session, request_):
        staff = road.cast.staff
        assert told_of(session, "ask_extend") == sorted([staff["sun"].id, staff["ling"].id, staff["tang"].id])

    def test_only_the_leader_and_the_head_of_the_shift_hear_that_it_is_late(self, road, session, request_):
        seen = session.scalar(select(func.max(Notice.id)))
        road.clock.move_to(datetime(2026, 11, 24, 9, 31, tzinfo=UTC))
        sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))
        late = select(Notice).where(Notice.id > seen, Notice.template == "breach_clock")
        told = {notice.recipient_id for notice in session.scalars(late) if "审批时限" in notice.params["clock"]}
        assert told == {road.cast.staff["tang"].id, road.cast.staff["ma"].id}


@pytest.mark.parametrize(
    ("kind", "told"), [(RequestKind.RETURN, "du pai ma"), (RequestKind.SUSPEND, "sun ling ma"), (RequestKind.WITHDRAW, "lu ma")]
)
def test_a_decision_that_is_late_is_told_to_whose_it_is(road, session, kind, told):
    waiting(road, kind)
    road.clock.move_to(datetime(2026, 11, 24, 9, 31, tzinfo=UTC))
    sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))
    late = session.scalars(select(Notice).where(Notice.template == "breach_clock"))
    heard = {notice.recipient_id for notice in late if "审批时限" in notice.params["clock"]}
    assert heard == {road.cast.staff[login].id for login in told.split()}


def test_nobody_decides_for_the_unit_in_which_they_serve_themselves(road, session):
    he = road.cast.staff["gao"].id
    session.add(StaffPost(staff_id=he, role=Role.SUPERVISOR, unit_id=road.cast.units["云溪县"].id))
    session.flush()
    request = waiting(road, RequestKind.SUSPEND)
    assert not decides(road, "gao", request)


LETS_OFF = [RequestKind.REJECT, RequestKind.REDIRECT, RequestKind.EXCLUDE, RequestKind.VOID, RequestKind.JUDGE_CLOSED]


@pytest.mark.parametrize("kind", LETS_OFF)
def test_nobody_of_the_handling_unit_decides_what_would_let_it_off(road, session, kind):
    """Neither who supervises or dispatches in the unit itself, nor its leader; nor is it put before them."""
    asker, deciders, _ = EXPECTED[kind]
    inside = {"ling": Role.SUPERVISOR, "ma": Role.HANDLER, "yan": Role.LEADER, "pai": Role.DISPATCHER}
    for login, role in inside.items():
        session.add(StaffPost(staff_id=road.cast.staff[login].id, role=role, unit_id=road.cast.units["城市管理局"].id))
    session.flush()
    posts_held.forget()
    request = waiting(road, kind, asker)
    expected = set(deciders.split()) - {*inside, "tang"}
    assert {login for login in road.cast.staff if decides(road, login, request)} == expected
    kept_out = {road.cast.staff[login].id for login in inside}
    assert not kept_out & set(told_of(session, f"ask_{kind}"))


def test_a_township_that_handles_a_case_neither_voids_it_nor_decides_that_it_is_void(road, session):
    session.add(StaffPost(staff_id=road.cast.staff["tong"].id, role=Role.DISPATCHER, unit_id=road.cast.units["柳河镇"].id))
    session.flush()
    posts_held.forget()
    road.accepted()
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
    assert Action.ASK_VOID not in possible_actions(road.as_staff("shi"), road.case, [])
    with pytest.raises(OwnWork):
        asked(road, "shi", RequestKind.VOID, reply="误录")
    request = asked(road, "fang", RequestKind.VOID, reply="误录")
    assert not decides(road, "tong", request)
    assert decides(road, "du", request)


def test_what_a_supervisor_asks_to_terminate_is_not_decided_in_the_lead_unit(road, session):
    session.add(StaffPost(staff_id=road.cast.staff["gao"].id, role=Role.SUPERVISOR, unit_id=road.cast.units["云溪县"].id))
    session.flush()
    request = waiting(road, RequestKind.TERMINATE, "sun")
    assert {login for login in road.cast.staff if decides(road, login, request)} == {"ling", "yan", "tang"}


def test_a_township_does_not_decide_over_its_own_villages_return(road):
    road.accepted()
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳林村"].id)
    request = asked(road, "hua", RequestKind.RETURN, unit_ids=to_water(road))
    assert {login for login in road.cast.staff if decides(road, login, request)} == set(CENTRE.split())


def test_a_post_that_does_not_reach_the_case_lends_no_say(road, session):
    fang = road.cast.staff["fang"].id
    session.add(StaffPost(staff_id=fang, role=Role.SUPERVISOR, unit_id=road.cast.units["石桥镇"].id))
    session.flush()
    request = waiting(road, RequestKind.SUSPEND)
    assert not decides(road, "fang", request)


def test_the_list_keeps_recusal_and_what_is_confidential(road, session):
    road.in_progress(confidential=True, against_staff_id=road.cast.staff["sun"].id)
    request = asked(road, "he", RequestKind.EXTEND, amount=3)
    assert {login for login in road.cast.staff if decides(road, login, request)} == {"du", "pai", "ling"}
    assert told_of(session, "ask_extend") == [road.cast.staff["ling"].id]


def test_the_list_is_read_in_pages_in_a_fixed_number_of_statements(road, session):
    counted, ids = [], []
    for _ in range(3):
        road.in_progress()
        ids.append(asked(road, "he", RequestKind.REASSIGN, unit_ids=to_water(road)).id)
        session.flush()
        awaiting_decision(road.as_staff("du"))  # what is held for seconds is held now
        stamp = road.as_staff("du")
        session.expire_all()
        with statements() as sent:
            rows = awaiting_decision(stamp).items
        counted.append(len(sent))
        assert [row.request.id for row in rows] == ids
    assert len(set(counted)) == 1, counted
    first = awaiting_decision(road.as_staff("du"), limit=2)
    rest = awaiting_decision(road.as_staff("du"), limit=2, cursor=first.next_cursor)
    assert [row.request.id for row in (*first.items, *rest.items)] == ids
    assert rest.next_cursor is None
    assert awaiting_decision(road.as_staff("du"), kind=RequestKind.RETURN).items == []
    (row, *_) = first.items
    assert (row.request.note, row.request.asked_by, row.request.unit.name) == ("情况说明", "何城", "城市管理局")
    assert ([unit.name for unit in row.request.units], row.lead_unit.name) == (["水利局"], "城市管理局")
    assert row.due_at == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
