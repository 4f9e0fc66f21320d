"""The duty roster: who is on duty when, who may put it, and whom it makes the ledger tell."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.clock import CHINA
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.audiences import recipients, shift_heads
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Audience
from app.notices.jobs import send_notices
from app.notices.models import Notice
from app.notices.templates import By
from app.people.duty.models import OnDuty
from app.people.duty.roster import (
    RosterEntryEnded,
    RosterIsNotYours,
    RosterUnfit,
    end_on_roster,
    on_duty,
    put_on_roster,
    roster_page,
)
from app.people.staff import enrol_hashed
from tests.counting import statements
from tests.ledger.test_straight_road import road

__all__ = ["road"]


@pytest.fixture
def more_staff(cast, session):
    """A second head of the county's unit, and two of the 城市管理局."""
    for login, role, unit in (
        ("ban", Role.UNIT_HEAD, "云溪县"),
        ("ling2", Role.HANDLER, "城市管理局"),
        ("fu", Role.UNIT_HEAD, "城市管理局"),
    ):
        posts = [(role, cast.units[unit].id)]
        cast.staff[login] = enrol_hashed(login=login, name=login, password_hash="-", posts=posts)


@pytest.fixture
def put(cast, as_staff, clock, more_staff):
    def put(login, unit, what, *, by="admin", start=0, hours=12, starts_at=None):
        starts_at = starts_at or clock() + timedelta(hours=start)
        ids = {"unit_id": cast.units[unit].id, "staff_id": cast.staff[login].id}
        return put_on_roster(as_staff(by), what=what, starts_at=starts_at, until=starts_at + timedelta(hours=hours), **ids)

    return put


def heads(cast, at):
    return [next(login for login, staff in cast.staff.items() if staff.id == head) for head in shift_heads(at)]


def test_the_head_of_the_shift_is_who_the_roster_names_else_every_head(cast, clock, put):
    put("ban", "云溪县", OnDuty.HEAD, start=1, hours=8)
    assert heads(cast, clock()) == ["ma", "ban"]
    assert heads(cast, clock() + timedelta(hours=1)) == ["ban"]
    assert heads(cast, clock() + timedelta(hours=9)) == ["ma", "ban"]  # the end belongs to the next shift


def test_the_spring_festival_is_a_span_like_any_other(cast, put):
    eve = datetime(2027, 2, 5, 18, 0, tzinfo=CHINA)
    put("ma", "云溪县", OnDuty.HEAD, starts_at=eve, hours=24)
    put("ban", "云溪县", OnDuty.HEAD, starts_at=eve + timedelta(hours=24), hours=6 * 24)
    assert heads(cast, datetime(2027, 2, 6, 9, 59, tzinfo=UTC)) == ["ma"]
    assert heads(cast, datetime(2027, 2, 6, 10, 0, tzinfo=UTC)) == ["ban"]
    assert heads(cast, datetime(2027, 2, 12, 9, 59, tzinfo=UTC)) == ["ban"]
    assert heads(cast, datetime(2027, 2, 12, 10, 0, tzinfo=UTC)) == ["ma", "ban"]


def test_who_is_taken_off_is_on_duty_no_more(cast, clock, as_staff, put):
    entry = put("ling2", "城市管理局", OnDuty.PHONE)
    assert on_duty(cast.units["城市管理局"].id, OnDuty.PHONE, clock()) == [cast.staff["ling2"].id]
    end_on_roster(as_staff("gao"), entry.id)
    assert on_duty(cast.units["城市管理局"].id, OnDuty.PHONE, clock()) == []
    with pytest.raises(RosterEntryEnded):
        end_on_roster(as_staff("gao"), entry.id)
    assert roster_page(as_staff("he")).items == []
    assert [row.name for row in roster_page(as_staff("he"), past=True).items] == ["ling2"]


def test_heads_edit_their_own_units_roster_and_nobody_elses(put, as_staff):
    entry = put("ling2", "城市管理局", OnDuty.PHONE, by="gao")
    for login in ("he", "tong", "tang", "fang"):
        with pytest.raises(RosterIsNotYours):
            put("he", "城市管理局", OnDuty.PHONE, by=login)
        with pytest.raises(RosterIsNotYours):
            end_on_roster(as_staff(login), entry.id)
    with pytest.raises(RosterIsNotYours):
        put("fang", "云溪县", OnDuty.PHONE, by="gao")


@pytest.mark.parametrize(
    ("login", "unit", "what", "more", "field"),
    [
        ("fang", "云溪县", OnDuty.HEAD, {}, "staff_id"),  # is no head
        ("he", "水利局", OnDuty.PHONE, {}, "staff_id"),  # of another unit
        ("he", "城市管理局", OnDuty.LEADER, {}, "staff_id"),
        ("he", "城市管理局", OnDuty.PHONE, {"hours": -1}, "until"),
        ("he", "城市管理局", OnDuty.PHONE, {"hours": 24 * 32}, "until"),
        ("he", "城市管理局", OnDuty.PHONE, {"start": -13}, "until"),
        ("ling2", "城市管理局", OnDuty.PHONE, {"start": 11}, "starts_at"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(put, login, unit, what, more, field):
    put("ling2", "城市管理局", OnDuty.PHONE)
    with pytest.raises(RosterUnfit) as refused:
        put(login, unit, what, **more)
    assert list(refused.value.errors) == [field]


def test_the_responsible_leader_may_lead_the_duty(put):
    assert put("tang", "城市管理局", OnDuty.LEADER).name == "唐副"


def sent(session, template, cast):
    ids = {staff.id: login for login, staff in cast.staff.items()}
    return [ids[row.recipient_id] for row in session.query(Notice).filter_by(template=template).order_by(Notice.id)]


def test_an_unsigned_case_rings_at_the_duty_phone_then_at_the_duty_leader(road, cast, clock, put, session, gateway):
    put("ling2", "城市管理局", OnDuty.PHONE)
    put("fu", "城市管理局", OnDuty.LEADER)
    road.dispatched()
    for minutes, expected, spoken in (
        (21, ("ling2", "duty_phone", False), "城市管理局值班电话"),
        (20, ("fu", "duty_leader", False), "城市管理局带班领导"),
    ):
        clock.advance(minutes=minutes)
        before = session.query(Notice).count()
        sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, clock(), Door.JOB))
        rows = session.query(Notice).order_by(Notice.id).offset(before)
        ids = {staff.id: login for login, staff in cast.staff.items()}
        assert [(ids[row.recipient_id], row.template, row.digest) for row in rows if row.template != "dispatch_lead"] == [expected]
        send_notices(lambda: Stamp(SYSTEM, Role.SYSTEM, clock(), Door.JOB))
        assert (gateway.sent[-1].by, gateway.words()[-1][:9]) == (By.VOICE, spoken)


def test_without_a_roster_the_handlers_and_the_head_are_told(road, cast, clock, more_staff):
    road.dispatched()
    case = road.case
    (lead,) = case.assignments
    to = {audience: recipients(case, [audience], clock(), unit_id=lead.unit_id) for audience in Audience}
    assert [staff for _, staff in to[Audience.DUTY_PHONE]] == [cast.staff["he"].id, cast.staff["ling2"].id]
    assert [staff for _, staff in to[Audience.DUTY_LEADER]] == [cast.staff["gao"].id, cast.staff["fu"].id]


def test_who_is_recused_is_passed_over_on_duty_too(road, cast, clock, put):
    put("ling2", "城市管理局", OnDuty.PHONE)
    road.dispatched()
    road.case.against_staff_id = cast.staff["ling2"].id
    told = recipients(road.case, [Audience.DUTY_PHONE], clock(), unit_id=cast.units["城市管理局"].id)
    assert [staff for _, staff in told] == [cast.staff["he"].id]


def test_the_roster_is_read_page_by_page_in_two_statements(as_staff, put):
    for start in range(0, 36, 12):
        put("ling2", "城市管理局", OnDuty.PHONE, start=start)
    first = roster_page(as_staff("he"), limit=2)
    second = roster_page(as_staff("he"), limit=2, cursor=first.next_cursor)
    starts = [row.starts_at for row in (*first.items, *second.items)]
    assert (starts, second.next_cursor) == (sorted(starts), None)
    assert len(starts) == 3
    actor = as_staff("he")
    with statements() as made:
        roster_page(actor)
    assert len(made) == 1
