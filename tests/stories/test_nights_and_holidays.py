"""Nights and holidays: gas leaks at two in the morning, over the Spring Festival, and while the only handler is away."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.core.clock import CHINA
from app.core.stamp import Role
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case
from app.ledger.deadlines import is_open
from app.ledger.handling import dispatch_case, sign_case
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Assignment, Case, Entry
from app.ledger.shifts.leaves import begin_and_end_leaves
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Channel, Clock, Kind, Urgency
from app.ledger.whistles.arrivals import arrive
from app.ledger.whistles.blowing import whistle
from app.notices.models import Notice, Recipient
from app.people.duty.absences import end_leave, put_leave
from app.people.duty.models import OnDuty
from app.people.duty.roster import put_on_roster
from app.people.staff import enrol_hashed
from app.territory.calendar.queries import load_calendar

FESTIVAL = datetime(2027, 2, 6, 23, 0, tzinfo=CHINA)
"""The eve of the year of the goat; the notices of 2027 are not out when the roster is put."""


class County:
    """The county by night: a head and his deputy, the waterworks with one handler, and a log of whom the house rings."""

    def __init__(self, session, cast, clock, as_staff, as_system):
        self.session, self.cast, self.clock, self.as_staff, self.as_system = session, cast, clock, as_staff, as_system
        self.enrol("ban", "班副", Role.UNIT_HEAD, "云溪县")
        self.enrol("ye", "叶班", Role.HANDLER, "公安局")
        self.heard = 0

    def enrol(self, login, name, role, unit):
        posts = [(role, self.cast.units[unit].id)]
        self.cast.staff[login] = enrol_hashed(login=login, name=name, password_hash="-", posts=posts)

    def night(self, day=24, hour=2):
        self.clock.move_to(datetime(2026, 11, day, hour, 0, tzinfo=CHINA))

    def on_duty(self, login, unit, what, since, hours):
        ids = {"unit_id": self.cast.units[unit].id, "staff_id": self.cast.staff[login].id}
        put_on_roster(self.as_staff("admin"), **ids, what=what, starts_at=since, until=since + timedelta(hours=hours))

    def on_leave(self, login, hours=48):
        since = self.clock()
        who = self.cast.staff[login].id
        until = since + timedelta(hours=hours)
        leave = put_leave(self.as_staff("admin"), staff_id=who, starts_at=since, until=until, reason="探亲假")
        self.work()
        return leave

    def leak(self, **more):
        """Somebody reports a gas leak by hotline; gives its number."""
        lin = self.cast.residents["lin"].id
        said = {
            "channel": Channel.HOTLINE, "body": "楼道里燃气泄漏，味道很重！", "kind": Kind.HELP, "urgency": Urgency.URGENT,
            "category_id": self.cast.categories["燃气泄漏"], "grid_id": self.cast.grids["柳林村一网格"].id,
            "filer_staff_id": self.cast.staff["fang"].id, "concerned_id": lin,
        }  # fmt: skip
        return take_in(self.as_staff("fang"), Submission(**(said | more))).number

    def dispatched(self, unit):
        number = self.leak()
        grid, category = self.cast.grids["柳林村一网格"].id, self.cast.categories["燃气泄漏"]
        accept_case(self.as_staff("fang"), number, kind=Kind.HELP, category_id=category, grid_id=grid)
        dispatch_case(self.as_staff("du"), number, lead_unit_id=self.cast.units[unit].id)
        return number

    def work(self, **later):
        """Let time pass, then let the house do its rounds."""
        self.clock.advance(**later)
        begin_and_end_leaves(self.as_system)
        sweep(self.as_system)

    def rung(self, *templates):
        """Who of the staff was told by some templates since the last time this was asked, by login."""
        logins = {member.id: login for login, member in self.cast.staff.items()}
        query = select(Notice).where(Notice.template.in_(templates), Notice.recipient == Recipient.STAFF, Notice.id > self.heard)
        rows = self.session.scalars(query.order_by(Notice.id)).all()
        self.heard = self.session.scalars(select(Notice.id).order_by(Notice.id.desc()).limit(1)).first() or 0
        assert not any(row.digest for row in rows)
        return [logins[row.recipient_id] for row in rows]

    def owner(self, number, clock):
        query = select(Deadline).join(Case, Case.id == Deadline.case_id).where(Case.number == number, Deadline.clock == clock)
        (found,) = [each for each in self.session.scalars(query) if is_open(each)]
        return next((login for login, member in self.cast.staff.items() if member.id == found.owner_staff_id), None)


@pytest.fixture
def county(session, cast, clock, as_staff, as_system):
    return County(session, cast, clock, as_staff, as_system)


ALARMS = ("danger", "breach_clock", "escalate_clock", "breach_urgent", "escalate_urgent", "duty_phone", "duty_leader")


class TestNobodyIsOnTheRoster:
    def test_at_night_the_heads_of_the_intake_unit_hear_of_the_leak_and_that_nobody_takes_it_up(self, county):
        county.night()
        county.leak()
        assert county.rung("danger") == ["ma", "ban"]
        county.work(minutes=31)
        assert county.rung("breach_urgent") == ["ma", "ban"]

    def test_a_head_who_is_away_sleeps_on(self, county):
        county.night()
        county.on_leave("ma")
        county.leak()
        assert county.rung(*ALARMS) == ["ban"]
        county.on_leave("ban")
        county.leak()
        assert county.rung(*ALARMS) == ["sun", "ling"]

    def test_a_unit_without_duty_phone_is_rung_at_its_handler_then_its_head(self, county):
        county.night()
        county.dispatched("城市管理局")
        county.rung(*ALARMS)
        county.work(minutes=21)
        assert county.rung(*ALARMS) == ["he"]
        county.work(minutes=20)
        assert county.rung(*ALARMS) == ["gao"]


class TestOverTheSpringFestival:
    @pytest.fixture
    def festival(self, county):
        """The roster that was put in November for the Spring Festival, whose days no notice has confirmed yet."""
        assert not load_calendar().is_confirmed(2027)
        eve = datetime(2027, 2, 5, 17, 30, tzinfo=CHINA)
        county.on_duty("ban", "云溪县", OnDuty.HEAD, eve, 72)
        county.on_duty("ye", "公安局", OnDuty.PHONE, eve, 72)
        county.on_duty("yan", "公安局", OnDuty.LEADER, eve, 72)
        return county

    def test_who_is_on_the_roster_is_rung_and_nobody_else(self, festival):
        festival.clock.move_to(FESTIVAL)
        number = festival.dispatched("公安局")
        assert festival.rung(*ALARMS) == ["ban"]
        festival.work(minutes=21)
        assert festival.rung(*ALARMS) == ["ye"]
        festival.work(minutes=20)
        assert festival.rung(*ALARMS) == ["yan"]
        sign_case(festival.as_staff("ye"), number)
        assert verify_ledger().breaks == []

    def test_when_it_is_over_the_heads_stand_again(self, festival):
        festival.clock.move_to(datetime(2027, 2, 8, 17, 30, tzinfo=CHINA))
        festival.leak()
        assert festival.rung("danger") == ["ma", "ban"]

    def test_a_rostered_head_who_fell_ill_is_passed_over(self, festival):
        festival.clock.move_to(FESTIVAL)
        festival.on_leave("ban")
        festival.leak()
        assert festival.rung("danger") == ["ma"]

    def test_whoever_is_called_at_night_comes_from_the_duty_phone(self, festival):
        festival.clock.move_to(FESTIVAL)
        number = festival.leak()
        units = [festival.cast.units["公安局"].id]
        (call,) = whistle(festival.as_staff("wu"), number, unit_ids=units, words="楼道里很大燃气味", place="一号楼")
        assert festival.rung("whistle") == ["ye", "yan"]
        festival.work(minutes=10)
        assert arrive(festival.as_staff("ye"), number, call.id).in_time is True
        assert festival.rung("arrive") == ["wu"]


class TestTheOnlyHandlerIsAway:
    def test_the_shift_head_answers_for_the_waterworks_until_its_handler_is_back(self, county):
        number = county.dispatched("供水公司")
        sign_case(county.as_staff("gong"), number)
        assert county.owner(number, Clock.RESOLVE) == "gong"
        leave = county.on_leave("gong")
        assert county.owner(number, Clock.RESOLVE) in ("ma", "ban")
        county.clock.advance(hours=5)
        end_leave(county.as_staff("gong"), leave.id)
        county.work()
        assert county.owner(number, Clock.RESOLVE) == "gong"
        part = county.session.scalars(select(Assignment).join(Case).where(Case.number == number)).one()
        assert part.handler_id == county.cast.staff["gong"].id
        entries = select(Entry).join(Case).where(Case.number == number, Entry.action == Action.HAND_OVER)
        assert [entry.role for entry in county.session.scalars(entries)] == [Role.SYSTEM, Role.SYSTEM]
        assert verify_ledger().breaks == []

    def test_what_arrives_meanwhile_rings_at_the_shift_head(self, county):
        county.on_leave("gong")
        county.dispatched("供水公司")
        county.rung(*ALARMS)
        county.work(minutes=21)
        assert county.rung(*ALARMS) == ["ma", "ban"]
