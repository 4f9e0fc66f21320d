"""Lists in the village: who keeps the workbook hands it in and fetches it, for their own grids and villages alone."""

import io
from uuid import uuid4

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.core.jobs import JOBS
from app.core.stamp import Door, Role
from app.people.models import Resident, StaffPost
from app.people.roster.lists.models import ListExport, RosterImport
from tests.people.roster.conftest import HEAD, LI, WANG


def book(sheet, *lines):
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as made:
        page = made.add_worksheet(sheet)
        for row, cells in enumerate(lines):
            page.write_row(row, 0, cells)
    return held.getvalue()


def family(grid):
    head = ["1", "李大田", "户主", "男", LI, "13800000011", f"{grid[:3]}一组 1 号", ""]
    return book(grid, HEAD, head, ["1", "王秀", "配偶", "女", WANG, "", "", ""])


def hand_in(caller, unit, contents):
    headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": str(uuid4())}
    data = {"file": (io.BytesIO(contents), "人口.xlsx"), "unit": unit}
    return caller.client.post(f"{caller.door}/roster-imports", data=data, headers=headers, content_type="multipart/form-data")


@pytest.fixture
def work(as_system):
    def run():
        JOBS["take-in-rosters"].work(as_system)
        JOBS["write-lists"].work(as_system)

    return run


@pytest.fixture
def village(cast):
    return cast.units["柳林村"].code


def test_a_grid_worker_hands_in_the_list_of_an_own_grid(zhou, village, work, session, cast):
    answer = hand_in(zhou, village, family("柳林村一网格"))
    assert answer.status_code == 201, answer.text
    work()
    told = zhou.get(f"/roster-imports/{answer.json['id']}").json
    assert (told["state"], told["counts"]["residents_new"]) == ("done", 2), told
    assert zhou.get(f"/roster-imports/{answer.json['id']}/report.xlsx").status_code == 200
    assert zhou.post("/residents/find", {"id_number": LI}).json["items"][0]["name"] == "李**"


def test_rows_of_another_grid_are_refused_to_a_grid_worker_and_taken_from_the_cadre(zhou, wu, village, work, session, cast):
    """二网格 is of Wu's village, and not Zhou's."""
    before = len(session.scalars(select(Resident.id)).all())
    for sheet in ("柳林村二网格", "二网格", cast.grids["柳林村二网格"].code):
        theirs = hand_in(zhou, village, family(sheet))
        work()
        told = zhou.get(f"/roster-imports/{theirs.json['id']}").json
        assert (told["counts"].get("residents_new", 0), told["counts"]["refused"]) == (0, 2), told
    assert len(session.scalars(select(Resident.id)).all()) == before
    whole = hand_in(wu, village, family("柳林村二网格"))
    work()
    assert wu.get(f"/roster-imports/{whole.json['id']}").json["counts"]["residents_new"] == 2


def test_another_village_and_the_county_are_not_there(zhao, wu, village, cast):
    for caller, unit in ((zhao, village), (wu, cast.units["河湾村"].code), (wu, "990101"), (wu, "123")):
        answer = hand_in(caller, unit, family("柳林村一网格"))
        assert (answer.status_code, answer.json["code"]) == (404, "import_unit_not_found")


def test_exports_hold_ones_own_people_and_visits(zhou, zhao, wu, visit, work, cast):
    assert zhou.post("/visits", visit).status_code == 201
    span = {"profile": "province_visits", "since": "2026-11-01T00:00:00+08:00", "until": "2026-12-01T00:00:00+08:00"}
    seen = {}
    for caller, name in ((zhou, "zhou"), (zhao, "zhao"), (wu, "wu")):
        for path, wanted in (("/roster-exports", {}), ("/visit-exports", span)):
            asked = caller.post(path, wanted)
            assert asked.status_code == 201, asked.text
            work()
            fetched = caller.get(f"/list-exports/{asked.json['id']}/list.xlsx")
            sheet = CalamineWorkbook.from_filelike(io.BytesIO(fetched.data)).get_sheet_by_index(0).to_python()
            seen[name, path] = [str(cell) for line in sheet[1:] for cell in line]
    for name in ("zhou", "wu"):
        assert "郑**" in seen[name, "/roster-exports"]
        assert visit["key"] in seen[name, "/visit-exports"]
    assert "郑**" not in seen["zhao", "/roster-exports"]
    assert seen["zhao", "/visit-exports"] == []
    assert zhao.post("/roster-exports", {"grid": cast.grids["柳林村一网格"].code}).json["code"] == "grid_not_found"


def test_a_plain_list_asks_for_a_reason_here_too(wu):
    assert wu.post("/roster-exports", {"plain": True}).json["code"] == "export_reason_missing"


def test_what_an_administrator_may_at_the_desk_is_not_brought_along(wu, village, work, session, cast):
    """Wu is the county's administrator as well: in the village's door that reaches nothing, nor what was made at the desk."""
    session.add(StaffPost(staff_id=cast.staff["wu"].id, role=Role.ADMINISTRATOR, unit_id=cast.units["云溪县"].id))
    session.flush()
    assert hand_in(wu, cast.units["河湾村"].code, family("河湾村一网格")).status_code == 404
    export, handed = wu.post("/roster-exports", {}).json["id"], hand_in(wu, village, family("柳林村一网格")).json["id"]
    session.get_one(ListExport, export).door = Door.DESK
    row = session.get_one(RosterImport, handed)
    row.options = row.options | {"door": "desk"}
    session.flush()
    work()
    for path in (f"/list-exports/{export}", f"/list-exports/{export}/list.xlsx", f"/roster-imports/{handed}"):
        assert wu.get(path).status_code == 404, path
    assert wu.get("/list-exports").json["items"] == wu.get("/roster-imports").json["items"] == []
