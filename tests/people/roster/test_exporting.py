"""Lists that go out: masked unless for a reason on record, edited and brought in again, in other platforms' columns."""

import zipfile
from datetime import UTC, date, datetime

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.database import db
from app.core.stamp import Door
from app.people.identity import _AUDIT_LOCK, verify_accesses
from app.people.models import IdentityAccess
from app.people.roster.lists.export_profiles import (
    ExportProfilesAreTheCountys,
    WrongExportProfile,
    export_profiles,
    profiled_workbook,
    put_export_profile,
)
from app.people.roster.lists.exporting import (
    ExportReasonMissing,
    Wanted,
    people_rows,
    plain_cell,
    roster_workbook,
    write_profiled,
)
from app.people.roster.lists.models import Profiled
from app.people.roster.queries import find_people
from app.people.roster.scope import RosterIsNotYoursToEdit
from app.people.roster.tags import put_tag
from tests.people.roster.conftest import LI, LI_JR

GRID = "柳林村一网格"


@pytest.fixture
def saved(tmp_path):
    """Saves an export and gives its path."""

    def save(parts, name="export.xlsx"):
        path = tmp_path / name
        path.write_bytes(b"".join(parts))
        return path

    return save


def lines_of(path, sheet="名册"):
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()


def test_an_export_is_masked_and_leaves_no_record(session, workbook, bring_in, lis, as_staff, saved):
    bring_in(workbook({GRID: lis}))
    path = saved(roster_workbook(as_staff("zhou", Door.GRID), Wanted()))
    told = lines_of(path)
    assert [row[4] for row in told[1:]] == ["李**", "王*", "李**", "郑**", ""]
    with zipfile.ZipFile(path) as parts:
        everything = "".join(parts.read(name).decode() for name in parts.namelist())
    assert all(word not in everything for word in (LI, "李大田", "13800000011", "一组 1 号"))
    assert session.scalars(select(IdentityAccess)).all() == []


def test_a_plain_export_needs_a_reason_that_goes_on_record_once(session, workbook, bring_in, lis, as_staff, saved, cast):
    bring_in(workbook({GRID: lis}))
    with pytest.raises(ExportReasonMissing):
        roster_workbook(as_staff("admin"), Wanted(plain=True))
    grid = cast.grids[GRID].code
    path = saved(roster_workbook(as_staff("admin"), Wanted(plain=True, grid=grid, reason="报送省平台")))
    assert [row[4] for row in lines_of(path)[1:]] == ["李大田", "王秀", "李小田", "郑守田", ""]
    record = session.scalars(select(IdentityAccess)).one()
    assert (record.resident_id, record.count, record.scope, record.reason) == (None, 5, f"roster grid {grid}", "报送省平台")
    assert verify_accesses() is None
    session.execute(text("ALTER TABLE identity_access DISABLE TRIGGER append_only"))
    record.count = 4
    session.flush()
    assert verify_accesses() == record.id


def test_nobody_who_looks_at_somebody_waits_for_a_plain_export(session, workbook, bring_in, lis, as_staff):
    """What is put on record is chained, one after the other: a list of the county takes half a minute to write."""
    bring_in(workbook({GRID: lis}))
    rows = people_rows(as_staff("admin"), Wanted(plain=True, reason="报送省平台"))
    next(rows)
    with Session(db.engine) as aside:
        assert aside.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _AUDIT_LOCK})
    list(rows)
    assert session.scalars(select(IdentityAccess.count)).all() == [4]


def test_only_ones_own_people_go_out(workbook, bring_in, lis, as_staff, saved):
    bring_in(workbook({GRID: lis}))
    assert len(lines_of(saved(roster_workbook(as_staff("zhao", Door.GRID), Wanted())))) == 1
    with pytest.raises(RosterIsNotYoursToEdit):
        roster_workbook(as_staff("sun"), Wanted())


def test_an_export_comes_back_edited_and_nothing_else_changes(session, workbook, bring_in, lis, as_staff, saved, stamp):
    bring_in(workbook({GRID: lis}))
    path = saved(roster_workbook(as_staff("zhou", Door.GRID), Wanted()))
    untouched = bring_in(path, by=as_staff("zhou", Door.GRID))
    assert (untouched.counts["residents_unchanged"], untouched.counts["residents_changed"]) == (4, 0), untouched.refused
    lines = [[str(cell) for cell in row] for row in lines_of(path)]
    heads = lines[0]
    son = next(row for row in lines if row[heads.index("与户主关系")] == "儿子")
    son[heads.index("与户主关系")], son[heads.index("联系电话")], son[heads.index("人群类别")] = "长子", "13822223333", "党员"
    outcome = bring_in(workbook({"名册": lines}), by=as_staff("zhou", Door.GRID))
    assert (outcome.counts["residents_changed"], outcome.counts["residents_unchanged"]) == (1, 3), outcome.refused
    (changed,) = find_people(stamp, id_number=LI_JR)
    assert (changed.relation, changed.phone, [tag.code for tag in changed.tags]) == ("长子", "138****3333", ["party_member"])
    assert changed.name == "李**"
    assert find_people(stamp, name="李小田") != []


def test_cells_are_chosen_from_lists_and_the_rows_number_is_hidden(workbook, bring_in, lis, as_staff, saved, cast):
    bring_in(workbook({GRID: lis}))
    path = saved(roster_workbook(as_staff("wu", Door.GRID), Wanted()))
    with zipfile.ZipFile(path) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<dataValidation ") == 8
    assert 'hidden="1"' in sheet
    assert "<f>" not in sheet
    choices = lines_of(path, "选项")
    grids = [row[4] for row in choices[1:] if row[4]]
    assert grids == [cast.grids[name].code for name in ("柳林村一网格", "柳林村二网格")]


def test_another_platforms_columns_and_codes(workbook, bring_in, lis, as_staff, saved, cast):
    bring_in(workbook({GRID: lis}))
    wanted = Wanted(plain=True, reason="报送", grid=cast.grids[GRID].code)
    path = saved(profiled_workbook(as_staff("admin"), "province_people", wanted))
    head, father, *_ = lines_of(path, "省平台人员信息")
    assert head[:5] == ["所属网格编码", "姓名", "公民身份号码", "性别代码", "出生年月"]
    assert father[:6] == [cast.grids[GRID].code, "李大田", LI, "1", "194501", "13800000011"]


def test_any_rows_may_be_written_in_a_profiles_columns(saved):
    profile = next(each for each in export_profiles_of(Profiled.VISITS))
    at = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    rows = iter([{"key": "k1", "visited_at": at, "findings": "=1+1", "outcome": "met"}])
    path = saved(write_profiled(rows, profile.columns, name=profile.name))
    assert lines_of(path, profile.name)[1] == ["k1", "2026-11-23 09:00:00", "", "", "met", "=1+1"]


def export_profiles_of(kind):
    return [profile for profile in export_profiles() if profile.of is kind]


@pytest.fixture(autouse=True)
def _session(session):
    """Every test here looks at the database."""


@pytest.mark.parametrize("name", ["省平台/人员[1]", "a:b*c?d\\e", "'引号'", "History", "//", "长" * 60, "省平台人员"])
def test_any_name_of_a_profile_makes_a_sheet(saved, name):
    file = saved(write_profiled(iter(()), [{"field": "key", "header": "编号"}], name=name))
    (sheet,) = CalamineWorkbook.from_path(file).sheet_names
    assert 0 < len(sheet) <= 31
    assert sheet == name or name != "省平台人员"


def test_cells_by_codes_dates_and_lists():
    assert plain_cell(date(1940, 3, 1), {"date": "%Y%m"}) == "194003"
    assert plain_cell(["低保户", "党员"], {"join": ",", "codes": {"党员": "01"}}) == "低保户,01"
    assert plain_cell(None, {}) == ""


def test_profiles_are_the_countys_and_held_to_our_fields(as_staff):
    columns = [{"field": "name", "header": "姓名"}]
    with pytest.raises(ExportProfilesAreTheCountys):
        put_export_profile(as_staff("sun"), "x", name="某平台", of=Profiled.ROSTER, columns=columns)
    for wrong in ([], columns * 2, [{"field": "password_hash", "header": "密码"}]):
        with pytest.raises(WrongExportProfile):
            put_export_profile(as_staff("admin"), "x", name="某平台", of=Profiled.ROSTER, columns=wrong)
    put_export_profile(as_staff("admin"), "x", name="某平台", of=Profiled.ROSTER, columns=columns)
    assert "x" in [profile.code for profile in export_profiles()]


def test_a_population_goes_out_by_itself(workbook, bring_in, lis, as_staff, saved, stamp):
    bring_in(workbook({GRID: lis}))
    put_tag(stamp, find_people(stamp, id_number=LI)[0].id, tag="veteran", source="退役军人事务局")
    assert len(lines_of(saved(roster_workbook(as_staff("zhou", Door.GRID), Wanted(tag="veteran"))))) == 2
