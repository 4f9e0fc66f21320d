"""Responsible units and live upstream orders from tables: duties all or none, of orders every one that is right."""

import pytest
from sqlalchemy import select

from app.ledger.clocks import Deadline
from app.ledger.dispatching.duties import UnitDuty, duties_page
from app.ledger.models import Case
from app.ledger.vocabulary import Clock, State

DUTIES = "事项分类,单位代码,职责,备注"


def test_duties_come_in_and_a_second_time_change_nothing(run, table, cast):
    file = table(DUTIES, "路灯照明,990101D01,法定主责,三定方案", "城乡建设/市政管理,990101001001,可以主办,")
    assert "2 duties put, 0 unchanged" in run("import", "duties", file).output
    assert [(duty.unit_name, duty.role, duty.put_by) for duty in duties_page().items] == [
        ("城市管理局", "statutory", None),
        ("柳林村", "lead", None),
    ]
    assert "0 duties put, 2 unchanged" in run("import", "duties", file).output
    changed = table(DUTIES, "路灯照明,990101D01,可以协办,")
    assert "1 duties put, 0 unchanged" in run("import", "duties", changed).output
    assert [duty.role for duty in duties_page().items] == ["lead", "assist"]
    assert len(duties_page(ended=True).items) == 3


def test_a_dry_run_of_duties_writes_nothing(run, table, session):
    assert "1 duties put" in run("import", "duties", table(DUTIES, "路灯照明,990101D01,主办,"), "--dry-run").output
    assert session.scalars(select(UnitDuty.id)).all() == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (",990101D01,主办,", "line 3, category: missing"),
        ("路灯,990101D01,主办,", "line 3, category: there is no category “路灯”"),
        ("路灯照明,99,主办,", "line 3, unit_code: there is no unit “99”"),
        ("路灯照明,990101,主办,", "line 3, unit_code: there is no unit “990101”"),
        ("路灯照明,990101D02,负责,", "line 3, role: “负责” is none of"),
        ("路灯照明,990101001001,法定主责,", "line 3, role: a village or community answers for nothing by statute: 柳林村"),
        ("路灯照明,990101D01,协办,", "line 3, unit_code: this category and unit stand in line 2 already"),
    ],
)
def test_a_wrong_duty_is_named_and_nothing_is_written(run, table, session, line, told):
    result = run("import", "duties", table(DUTIES, "路灯照明,990101D01,主办,", line), fails=True)
    assert told in result.stderr
    assert session.scalars(select(UnitDuty.id)).all() == []


UPSTREAM = "工单编号,诉求内容,办理时限,签收时限,诉求类型,分类,网格,诉求人,电话"
GOOD = "SZ-1,柳林村一组的路灯坏了三天。,2026-11-27 17:30,2026-11-23 11:00,求助,路灯照明,99010100100101,王桂花,13800001234"


def test_live_upstream_orders_keep_upstreams_moments(run, table, session, cast):
    file = table(UPSTREAM, GOOD)
    assert "1 upstream orders new, 0 in the ledger already" in run("import", "upstream", file, "--as", "fang").output
    case = session.scalars(select(Case)).one()
    assert (case.upstream_number, case.state, case.kind, case.archived) == ("SZ-1", State.SUBMITTED, "help", False)
    assert case.grid_id == cast.grids["柳林村一网格"].id
    clocks = {row.clock: row for row in session.scalars(select(Deadline).where(Deadline.cancelled_at.is_(None)))}
    assert set(clocks) == {Clock.ACCEPT, Clock.OVERALL, Clock.UPSTREAM_SIGN, Clock.UPSTREAM_DUE}
    assert clocks[Clock.UPSTREAM_DUE].due_at.isoformat() == "2026-11-27T09:30:00+00:00"
    assert clocks[Clock.OVERALL].due_at < clocks[Clock.UPSTREAM_DUE].due_at
    assert "0 upstream orders new, 1 in the ledger already" in run("import", "upstream", file, "--as", "fang").output


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("SZ-2,,2026-11-27 17:30,,,,,,13800001234", "line 3, body: missing"),
        ("SZ-2,路灯又坏了,明天,,,,,,13800001234", "line 3, due_by: “明天” is no date"),
        ("SZ-2,路灯又坏了,2026-11-27 17:30,,抱怨,,,,13800001234", "line 3, kind: “抱怨” is none of"),
        ("SZ-2,路灯又坏了,2026-11-27 17:30,,求助,,000,,13800001234", "line 3, grid: 没有这个编号：000"),
        ("SZ-2,路灯又坏了,2026-11-27 17:30,,求助,,,,12", "line 3, phone:"),
        ("SZ-1,路灯又坏了,2026-11-27 17:30,,求助,,,,13800001234", "line 3, number: SZ-1 stands in line 2 already"),
    ],
)
def test_a_wrong_order_is_named_and_holds_no_other_up(run, table, session, line, told):
    result = run("import", "upstream", table(UPSTREAM, GOOD, line), "--as", "fang", fails=True)
    assert told in result.stderr
    assert "1 upstream orders new" in result.stdout
    session.expire_all()
    assert session.scalars(select(Case.upstream_number)).all() == ["SZ-1"]


def test_a_dry_run_of_orders_names_what_is_wrong_and_writes_nothing(run, table, session):
    wrong = table(UPSTREAM, GOOD, "SZ-2,,2026-11-27 17:30,,,,,,13800001234")
    result = run("import", "upstream", wrong, "--as", "fang", "--dry-run", fails=True)
    assert "line 3, body: missing" in result.stderr
    session.expire_all()
    assert session.scalars(select(Case.id)).all() == []


@pytest.mark.parametrize("login", ["he", "nobody"])
def test_only_a_registrar_registers(run, table, login):
    assert "no registrar" in run("import", "upstream", table(UPSTREAM, GOOD), "--as", login, fails=True).output
