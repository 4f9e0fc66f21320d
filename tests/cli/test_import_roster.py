"""The duty roster from a table: all rows right or none written."""

import pytest
from sqlalchemy import select

from app.core.clock import CHINA
from app.people.duty.models import RosterEntry

HEAD = "单位代码,账号,值班岗位,开始时间,结束时间"
EVE = "990101,ma,值班长,2027-02-05 18:00,2027-02-06 18:00"


def test_a_festivals_roster_comes_in_once(run, table, session):
    file = table(HEAD, EVE, "990101D01,he,phone,2027-02-06 08:00,2027-02-07 08:00")
    assert "2 duties put on the roster, 0 unchanged" in run("import", "roster", file).output
    assert "0 duties put on the roster, 2 unchanged" in run("import", "roster", file).output
    entries = session.scalars(select(RosterEntry).order_by(RosterEntry.id)).all()
    assert [(entry.staff.login, entry.what, entry.put_by) for entry in entries] == [("ma", "head", None), ("he", "phone", None)]
    assert entries[0].starts_at.astimezone(CHINA).strftime("%m-%d %H:%M") == "02-05 18:00"


def test_a_number_that_rings_may_stand_in_the_table(run, table, session):
    run("import", "roster", table(f"{HEAD},电话", f"{EVE},0398-2345678"))
    assert session.scalars(select(RosterEntry.phone)).one() == "03982345678"
    late = "990101,ma,值班长,2027-02-07 18:00,2027-02-08 18:00,值班室"
    assert "line 2, phone: 请填写电话号码" in run("import", "roster", table(f"{HEAD},电话", late), fails=True).stderr


def test_a_dry_run_writes_nothing(run, table, session):
    assert "1 duties put" in run("import", "roster", table(HEAD, EVE), "--dry-run").output
    assert session.scalars(select(RosterEntry.id)).all() == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("99,ma,值班长,2027-02-07 18:00,2027-02-08 18:00", "line 3, unit_code: there is no unit “99”"),
        ("990101,nobody,值班长,2027-02-07 18:00,2027-02-08 18:00", "line 3, login: nobody signs in as “nobody”"),
        ("990101,ma,门卫,2027-02-07 18:00,2027-02-08 18:00", "line 3, what: “门卫” is none of"),
        ("990101,ma,值班长,除夕,2027-02-08 18:00", "line 3, from: “除夕” is no moment"),
        ("990101,ma,值班长,2027-02-09 18:00,2027-02-08 18:00", "line 3, until: 结束时间要晚于开始时间"),
        ("990101,ma,值班长,2025-02-07 18:00,2025-02-08 18:00", "line 3, until: 这段时间已经过去"),
        ("990101,fang,值班长,2027-02-07 18:00,2027-02-08 18:00", "line 3, login: 这个人不能担任“云溪县”的值班长"),
        (
            "990101,ma,值班长,2027-02-06 17:00,2027-02-08 18:00",
            "line 3, from: the same person has this duty at that time by line 2",
        ),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(run, table, session, line, told):
    assert told in run("import", "roster", table(HEAD, EVE, line), fails=True).stderr
    assert session.scalars(select(RosterEntry.id)).all() == []
