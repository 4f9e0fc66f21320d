"""A year's holidays come in from a table: the year is confirmed, and clocks that waited for it follow."""

from datetime import date

import pytest
from sqlalchemy import select

from app.ledger.clocks import Deadline
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Entry
from app.ledger.rules.policy_changes import PolicyChange
from app.ledger.vocabulary import Action, Clock, Rule
from app.territory.calendar.models import CalendarDay, CalendarYear
from app.territory.calendar.rules import DayKind
from tests.ledger.intake.test_intake import lins_report

DAYS = ("date,kind", "2027-01-01,restday", "2027/1/2,放假", "2027年1月3日,上班", "2027-01-04,休息", "2027-01-05,休")


def test_a_notice_confirms_its_year(run, session, table):
    assert "2027  unconfirmed" in run("calendar", "years").stdout
    assert "2027 is confirmed" in run("calendar", "import", "2027", table(*DAYS), "--source", "国办发明电〔2026〕9号").stdout
    assert "2027  confirmed  国办发明电〔2026〕9号" in run("calendar", "years").stdout
    kinds = dict(session.execute(select(CalendarDay.date, CalendarDay.kind).where(CalendarDay.source.like("国办%"))).all())
    assert kinds == {
        date(2027, 1, 1): DayKind.RESTDAY, date(2027, 1, 2): DayKind.RESTDAY,
        date(2027, 1, 3): DayKind.WORKDAY, date(2027, 1, 4): DayKind.RESTDAY,
        date(2027, 1, 5): DayKind.RESTDAY,
    }  # fmt: skip


def test_clocks_that_reach_into_the_year_are_worked_out_anew(run, session, cast, clock, as_resident, table):
    clock.advance(days=30)  # 30 working days from 23 December reach into 2027
    case_id = take_in(as_resident("lin"), lins_report(cast)).case_id
    session.commit()
    mine = select(Deadline).where(Deadline.case_id == case_id, Deadline.clock == Clock.OVERALL)
    before = session.scalars(mine).one()
    due = before.due_at
    assert before.provisional
    result = run("calendar", "import", "2027", table(*DAYS), "--source", "国办发明电〔2026〕9号")
    assert "1 running clocks were worked out anew" in result.stdout
    session.expire_all()
    after = session.scalars(mine).one()
    assert not after.provisional
    assert after.due_at != due
    assert session.scalars(select(Entry.action).where(Entry.case_id == case_id).order_by(Entry.seq)).all() == [
        Action.SUBMIT, Action.RECOMPUTE_CLOCK,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("someday,restday", "line 3, date: not a date: someday"),
        ("2027-01-02,maybe", "line 3, kind: “maybe” is none of"),
        ("2027-01-01,restday", "line 3, date: 2027-01-01 stands twice"),
        ("2028-05-01,restday", "wrong_calendar: 通知中有不属于2027年的日期"),
    ],
)
def test_a_wrong_notice_changes_nothing(run, session, table, line, told):
    result = run("calendar", "import", "2027", table("日期,类型", "2027-01-01,放假", line), "--source", "国办", fails=True)
    assert told in result.stderr
    assert not session.get_one(CalendarYear, 2027).confirmed


def test_a_day_is_set_by_hand_and_on_record(run, session):
    told = run("calendar", "set-day", "2027-02-14", "workday", "--source", "县政府办〔2027〕1号", "--note", "抗洪").stdout
    assert told.splitlines() == ["2027-02-14 is a workday (县政府办〔2027〕1号).", "0 running clocks were worked out anew."]
    row = session.get_one(CalendarDay, date(2027, 2, 14))
    assert (row.kind, row.note, row.changed_by) == (DayKind.WORKDAY, "抗洪", None)
    change = session.scalars(select(PolicyChange)).one()
    assert (change.rule, change.key, change.reason) == (Rule.CALENDAR_DAY, "2027-02-14", "县政府办〔2027〕1号")
    for wrong in (("soon", "workday"), ("2027-02-14", "holiday")):
        run("calendar", "set-day", *wrong, "--source", "县里", fails=True)


def test_a_day_of_an_unpublished_year_moves_the_clocks_that_wait_for_it(run, session, cast, clock, as_resident):
    clock.advance(days=30)
    case_id = take_in(as_resident("lin"), lins_report(cast)).case_id
    session.commit()
    mine = select(Deadline).where(Deadline.case_id == case_id, Deadline.clock == Clock.OVERALL)
    due = session.scalars(mine).one().due_at
    told = run("calendar", "set-day", "2027-01-05", "restday", "--source", "县里").stdout
    assert "1 running clocks were worked out anew." in told
    session.expire_all()
    assert session.scalars(mine).one().due_at > due


def test_a_years_import_is_on_record(run, session, table):
    run("calendar", "import", "2027", table(*DAYS), "--source", "国办发明电〔2026〕9号")
    change = session.scalars(select(PolicyChange)).one()
    assert (change.rule, change.key, change.after["2027-01-01"]) == (Rule.CALENDAR_YEAR, "2027", "restday")
