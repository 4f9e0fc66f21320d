"""Lists at the desk: handed in, taken in by a scheduler, reported; each sees their own imports alone."""

import io
from uuid import uuid4

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.database import db, transaction
from app.core.jobs import JOBS
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.people.models import Resident, Staff
from app.people.roster.lists import desk_imports
from app.people.roster.lists.desk_imports import hand_in as hand_in_at_once
from app.people.roster.lists.importing import import_people
from app.people.roster.lists.models import ImportState, RosterImport
from app.people.sessions import staff_actor
from tests.people.roster.conftest import HEAD, LI, WANG

GRID = "柳林村一网格"


def book(*lines, sheet=GRID):
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as made:
        page = made.add_worksheet(sheet)
        for row, cells in enumerate(lines):
            for column, cell in enumerate(cells):
                page.write_string(row, column, cell)
    return held.getvalue()


FAMILY = book(
    HEAD,
    ["1", "李大田", "户主", "男", LI, "13800000011", "柳林村一组 1 号", "低保户"],
    ["1", "王秀", "配偶", "男", WANG, "", "", ""],
)


@pytest.fixture
def hand_in(desk):
    def post(login="admin", contents=FAMILY, key=None, **order):
        caller = desk(login)
        data = {"file": (io.BytesIO(contents), "人口.xlsx"), "unit": "990101001", **order}
        headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": key or str(uuid4())}
        return caller.client.post(f"{caller.door}/roster-imports", data=data, headers=headers, content_type="multipart/form-data")

    return post


@pytest.fixture
def work(as_system):
    return lambda: JOBS["take-in-rosters"].work(as_system)


def test_a_list_is_handed_in_taken_in_and_reported(session, desk, hand_in, work, stamp):
    answer = hand_in()
    assert (answer.status_code, answer.json["state"]) == (201, "waiting"), answer.text
    path = f"/roster-imports/{answer.json['id']}"
    assert desk("admin").get(f"{path}/report.xlsx").status_code == 404
    assert work() == 1
    told = desk("admin").get(path).json
    assert (told["state"], told["rows_done"], told["has_report"]) == ("done", 2, True)
    assert (told["counts"]["residents_new"], told["counts"]["refused"]) == (1, 1)
    report = desk("admin").get(f"{path}/report.xlsx")
    assert report.status_code == 200
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(report.data))
    assert sheets.get_sheet_by_name(GRID).to_python()[1][8] == "原第 3 行：性别与身份证号不一致"
    assert work() == 0
    row = session.scalars(select(RosterImport)).one()
    assert row.file is None


def test_a_waiting_list_lies_sealed(session, hand_in):
    hand_in(contents=FAMILY + b"\0" * 10)
    dump = session.scalar(text("SELECT i::text FROM roster_import i"))
    assert FAMILY[:40].hex() not in dump
    assert "李大田" not in dump


def test_a_repeated_upload_is_one_import(session, hand_in):
    key = str(uuid4())
    first = hand_in(key=key)
    hand_in(key=key)
    assert [row.id for row in session.scalars(select(RosterImport))] == [first.json["id"]]


def test_an_import_is_seen_by_whoever_handed_it_in_alone(desk, hand_in, work):
    ident = hand_in().json["id"]
    work()
    for path in (f"/roster-imports/{ident}", f"/roster-imports/{ident}/report.xlsx", "/roster-imports/999999999"):
        assert desk("sun").get(path).json["code"] == "roster_import_not_found"
    assert desk("sun").get("/roster-imports").json["items"] == []


def test_who_edits_the_roster_hands_lists_in_for_their_own_units(hand_in, desk, work, cast):
    assert hand_in("sun").json["code"] == "roster_is_not_yours_to_edit"
    assert hand_in(unit="123").json["code"] == "import_unit_not_found"
    village = cast.units["柳林村"].code
    assert hand_in("zhao", unit=village).json["code"] == hand_in("wu").json["code"] == "import_unit_not_found"
    wrong = hand_in(contents=b"name,phone")
    assert (wrong.status_code, wrong.json["code"], list(wrong.json["errors"])) == (422, "not_a_workbook", ["file"])
    mine = hand_in("wu", unit=village)
    assert mine.status_code == 201, mine.text
    work()
    assert desk("wu").get(f"/roster-imports/{mine.json['id']}").json["counts"]["residents_new"] == 1


def test_nobody_fills_the_line_of_imports(hand_in, work, cast):
    for _ in range(desk_imports.MOST_WAITING):
        assert hand_in().status_code == 201
    full = hand_in()
    assert (full.status_code, full.json["code"]) == (429, "imports_in_line")
    assert hand_in("wu", unit=cast.units["柳林村"].code).status_code == 201
    work()
    assert hand_in().status_code == 201


def test_what_cannot_be_read_is_told_and_does_not_stop_the_next(session, desk, hand_in, work):
    bad = hand_in(contents=book(["今天"])).json["id"]
    good = hand_in().json["id"]
    assert work() == 2
    told = desk("admin").get(f"/roster-imports/{bad}").json
    assert (told["state"], told["problem"][:6]) == ("refused", "没有找到表头")
    assert desk("admin").get(f"/roster-imports/{good}").json["state"] == "done"


def test_an_import_whose_process_died_is_taken_up_again(session, hand_in, work, clock):
    ident = hand_in().json["id"]
    row = session.get_one(RosterImport, ident)
    row.state, row.touched_at = ImportState.RUNNING, clock()
    session.commit()
    assert work() == 0
    clock.advance(minutes=11)
    assert work() == 1
    session.expire_all()
    assert session.get_one(RosterImport, ident).state is ImportState.DONE


def test_reports_are_let_go_after_a_month(session, hand_in, work, clock):
    ident = hand_in().json["id"]
    work()
    clock.advance(days=31)
    work()
    session.expire_all()
    assert session.get_one(RosterImport, ident).report is None


def test_columns_are_named_at_the_desk_and_remembered(session, desk, hand_in, work):
    odd = book(["名字", "号码", "住哪儿"], ["李大田", LI, "一组 1 号"])
    named = hand_in(contents=odd, columns=["name=名字", "id_number=号码", "place=住哪儿"], profile="柳河镇的表").json["id"]
    work()
    assert desk("admin").get(f"/roster-imports/{named}").json["counts"]["residents_new"] == 1
    again = hand_in(contents=odd).json["id"]
    work()
    assert desk("admin").get(f"/roster-imports/{again}").json["counts"]["residents_unchanged"] == 1
    assert list(hand_in(columns=["name"]).json["errors"]) == ["columns.0"]


def test_profiles_and_populations_are_put_at_the_desk(desk):
    admin, sun = desk("admin"), desk("sun")
    profile = {"name": "市平台", "of": "roster", "columns": [{"field": "name", "header": "姓名"}]}
    assert admin.put("/export-profiles/city", profile).json["code"] == "city"
    wrong = admin.put("/export-profiles/city", profile | {"columns": [{"field": "salary", "header": "收入"}]})
    assert list(wrong.json["errors"]) == ["columns.0"]
    assert sun.put("/export-profiles/city", profile).status_code == 403
    population = {"name": "九十岁以上老人", "key": True, "place": 1, "from_age": 90}
    assert admin.put("/populations/over_90", population).json["from_age"] == 90
    assert sun.put("/populations/over_90", population).status_code == 403


def test_administrators_see_the_countys_roster_at_the_desk_and_others_none(session, desk, cast):
    zheng = cast.residents["zheng"].id
    assert desk("admin").get(f"/residents/{zheng}").json["name"] == "郑**"
    assert desk("sun").get(f"/residents/{zheng}").status_code == 404
    assert session.get_one(Resident, zheng).version == 1


def test_progress_is_seen_while_the_lists_own_transaction_is_open(committed, monkeypatch):
    clock = committed.extensions["minhu"].clock
    seen = []

    def watched(stamp, path, order, *, progress, follow):
        def told(done, known):
            progress(done, known)
            with Session(db.engine) as aside:
                seen.append(aside.execute(select(RosterImport.state, RosterImport.rows_done, RosterImport.rows_all)).one())

        return import_people(stamp, path, order, progress=told, follow=follow)

    monkeypatch.setattr(desk_imports, "import_people", watched)
    with committed.app_context():
        admin = staff_actor(db.session.scalars(select(Staff.id).where(Staff.login == "admin")).one())
        with transaction():
            hand_in_at_once(Stamp(admin, Role.ADMINISTRATOR, clock(), Door.DESK), FAMILY, unit="990101001", file_name="人口.xlsx")
        assert JOBS["take-in-rosters"].work(lambda: Stamp(SYSTEM, Role.SYSTEM, clock(), Door.JOB)) == 1
        row = db.session.scalars(select(RosterImport)).one()
        assert (row.state, row.rows_done, row.counts["residents_new"]) == (ImportState.DONE, 2, 1)
        db.session.remove()
    assert seen == [(ImportState.RUNNING, 2, 2)]


def test_a_clerk_who_was_switched_off_stops_nobody_elses_list(session, hand_in, work):
    gone = hand_in(login="admin").json["id"]
    session.scalars(select(Staff).where(Staff.login == "admin")).one().active = False
    session.flush()
    assert work() == 1
    session.expire_all()
    row = session.get_one(RosterImport, gone)
    assert (row.state, row.file) == (ImportState.REFUSED, None)


@pytest.mark.parametrize(("tries", "state"), [(0, ImportState.DONE), (1, ImportState.FAILED)])
def test_a_list_over_which_a_process_ended_is_tried_once_more(session, hand_in, work, clock, tries, state):
    row = session.get_one(RosterImport, hand_in().json["id"])
    row.state, row.touched_at, row.options = ImportState.RUNNING, clock(), row.options | {"tries": tries}
    session.flush()
    assert work() == 0
    clock.advance(minutes=11)
    work()
    session.expire_all()
    assert (row.state, row.file) == (state, None)
    assert (row.problem or "").startswith("导入中断了两次") is (state is ImportState.FAILED)
