"""How lists keep families together: who heads a household, two heads of one, what is masked, what somebody changes meanwhile."""

from threading import Event, Thread

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select, text

from app.core.database import db, lock_rows, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.people.models import Resident
from app.people.roster.commands import edit_household, open_household
from app.people.roster.lists.exporting import Wanted, roster_workbook
from app.people.roster.lists.importing import Order, import_people
from app.people.roster.models import RosterChange
from app.people.roster.queries import find_people
from app.people.roster.residents import edit_resident
from app.territory.models import Household
from tests.people.roster.conftest import LI, LI_JR, WANG, id_number

GRID = "柳林村一网格"
ZHAO = id_number("99010119600404455")


def home(session, stamp, number=LI):
    (found,) = find_people(stamp, id_number=number)
    return session.get_one(Household, found.household_id, populate_existing=True)


def export(tmp_path, stamp, **wanted):
    path = tmp_path / "export.xlsx"
    path.write_bytes(b"".join(roster_workbook(stamp, Wanted(**wanted))))
    return [[str(cell) for cell in row] for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_name("名册").to_python()]


@pytest.mark.parametrize("word", ["户主", "本人"])
def test_the_row_of_the_head_decides_wherever_it_stands(session, workbook, bring_in, lis, stamp, word):
    lis[1][2] = word
    bring_in(workbook({GRID: [lis[0], lis[2], lis[3], lis[1]]}))
    assert open_household(home(session, stamp)) == ("李大田", "柳林村一组 1 号")


def test_the_row_of_the_head_decides_in_another_sheet_too(session, workbook, bring_in, lis, stamp):
    place = [lis[0], [*lis[2]], lis[1]]
    place[1][6] = "王家"
    bring_in(workbook({GRID: place[:2], f"{GRID}续": [lis[0], lis[1]]}))
    assert open_household(home(session, stamp)) == ("李大田", "柳林村一组 1 号")


def test_a_list_of_some_members_makes_nobody_the_head_and_leaves_the_place(session, workbook, bring_in, lis, stamp):
    bring_in(workbook({GRID: lis}))
    outcome = bring_in(workbook({GRID: [["户号", "姓名", "身份证号", "人群类别"], ["1", "王秀", WANG, "低保户"]]}))
    assert (outcome.counts["households_changed"], outcome.refused) == (0, [])
    assert open_household(home(session, stamp)) == ("李大田", "柳林村一组 1 号")


def test_two_heads_of_one_number_are_not_made_one_family(session, workbook, bring_in, lis):
    lis += [["1", "赵六", "户主", "男", ZHAO, "", "柳林村二组 1 号", ""], ["1", "孙七", "配偶", "女", "", "", "", ""]]
    outcome = bring_in(workbook({GRID: lis}))
    assert outcome.counts["residents_new"] == 3
    assert [(row.line, row.faults[0].words) for row in outcome.refused] == [
        (5, f"户号与“{GRID}”第 2 行的户主相同，一户只有一位户主：请核对户号或与户主关系"),
        (6, "本户户主那一行有错误，请一起改好再导入"),
    ]


def test_two_heads_of_one_name_at_one_place_are_not_made_one_family(session, workbook, bring_in):
    head = ["姓名", "与户主关系", "身份证号", "家庭住址"]
    lines = [head, ["李大田", "户主", LI, "柳林村一组"], ["李大田", "户主", ZHAO, "柳林村一组"], ["李小田", "儿子", LI_JR, ""]]
    outcome = bring_in(workbook({GRID: lines}))
    assert [row.line for row in outcome.refused] == [3, 4]
    assert "同名同住址" in outcome.refused[0].faults[0].words


def test_a_collective_household_has_heads_as_it_likes(workbook, bring_in, lis):
    lis = [[*row, "集体户" if place else "户籍类别"] for place, row in enumerate(lis)]
    for row in lis[1:]:
        row[2] = "本人"
    assert bring_in(workbook({GRID: lis})).refused == []


@pytest.mark.parametrize(
    ("column", "value", "now"),
    [("户主姓名", "李太田", ("李太田", "柳林村一组 1 号")), ("家庭住址", "柳林村二组 8 号", ("李大田", "柳林村二组 8 号"))],
)
@pytest.mark.parametrize("row", [1, 2])
def test_what_is_plain_in_a_masked_export_is_taken_and_the_rest_kept(
    session, workbook, bring_in, lis, stamp, as_staff, tmp_path, column, value, now, row
):
    bring_in(workbook({GRID: lis}))
    zhou = as_staff("zhou", Door.GRID)
    lines = export(tmp_path, zhou)
    lines[row][lines[0].index(column)] = value
    outcome = bring_in(workbook({"名册": lines}), by=zhou)
    assert (outcome.counts["households_changed"], outcome.refused) == (1, [])
    assert open_household(home(session, stamp)) == now


def test_who_is_added_below_a_masked_row_does_not_mask_the_household(session, workbook, bring_in, lis, stamp, as_staff, tmp_path):
    bring_in(workbook({GRID: lis}))
    zhou = as_staff("zhou", Door.GRID)
    lines = export(tmp_path, zhou)
    added = [""] * len(lines[0])
    for column, value in (
        ("户号", lines[1][2]),
        ("姓名", "赵六"),
        ("身份证号", ZHAO),
        ("所属网格", lines[1][lines[0].index("所属网格")]),
    ):
        added[lines[0].index(column)] = value
    lines.insert(2, added)
    outcome = bring_in(workbook({"名册": lines}), by=zhou)
    assert (outcome.counts["residents_new"], outcome.counts["households_changed"], outcome.refused) == (1, 0, [])
    assert home(session, stamp, ZHAO).id == home(session, stamp).id
    assert open_household(home(session, stamp)) == ("李大田", "柳林村一组 1 号")


@pytest.mark.parametrize(
    ("cell", "month"),
    [(1950.1, None), (1950.02, None), (20123.0, None), ("20123", None), (195010.0, "1950-10"), ("1950.10", "1950-10"),
     ("1950年3月", "1950-03"), (19500307.0, "1950-03")],
)  # fmt: skip
def test_a_month_that_excel_has_lost_is_not_guessed(session, workbook, bring_in, cell, month):
    lines = [["户号", "姓名", "与户主关系", "出生年月", "家庭住址"], ["1", "李大田", "户主", cell, "一组 1 号"]]
    outcome = bring_in(workbook({GRID: lines}))
    if month is None:
        assert "看不准的出生日期" in outcome.refused[0].faults[0].words
    else:
        born = session.scalars(select(Resident).order_by(Resident.id.desc())).first().birth_month
        assert (outcome.refused, f"{born:%Y-%m}") == ([], month)


def test_the_first_filled_of_several_phones_is_taken(workbook, bring_in, stamp):
    head = ["姓名", "手机号", "联系电话", "家庭住址"]
    outcome = bring_in(workbook({GRID: [head, ["李大田", "", "13800000011", "1 号"], ["王秀", "13800000022", "66", "2 号"]]}))
    assert outcome.refused == []
    assert [len(find_people(stamp, phone=phone)) for phone in ("13800000011", "13800000022")] == [1, 1]


def test_columns_of_phones_are_remembered_in_a_profile(workbook, bring_in):
    path = workbook({GRID: [["姓名", "手机号", "联系电话", "家庭住址"], ["李大田", "", "13800000011", "1 号"]]})
    bring_in(path, profile="两个电话")
    assert bring_in(path, profile="两个电话").counts["residents_unchanged"] == 1


def meanwhile(bring, change):
    """Brings a list in while somebody changes what it is about, after it has been read and before it is written."""
    done = []

    def moved(read, known):
        if not done:
            done.append(change())

    return bring(moved)


def test_a_household_that_somebody_changes_meanwhile_keeps_it_and_it_is_told(session, workbook, bring_in, lis, stamp):
    bring_in(workbook({GRID: lis}))
    ident = home(session, stamp).id
    lis[1][6] = "柳林村一组 99 号"
    path, at = workbook({GRID: lis}), Stamp(stamp.actor, stamp.role, stamp.at, Door.IMPORT)

    def bring(progress):
        return import_people(at, path, Order(source="x"), progress=progress)

    outcome = meanwhile(bring, lambda: edit_household(stamp, ident, place="柳林村一组 7 号"))
    assert open_household(home(session, stamp))[1] == "柳林村一组 7 号"
    assert (outcome.counts["households_changed"], outcome.counts["residents_unchanged"]) == (0, 3)
    assert any("刚刚有人改过" in remark.words for remark in outcome.remarks)


def test_tags_denied_in_a_row_that_was_left_stay(session, workbook, bring_in, lis, stamp):
    bring_in(workbook({GRID: lis}))
    (father,) = find_people(stamp, id_number=LI)
    lines = [
        ["姓名", "与户主关系", "身份证号", "家庭住址", "低保", "联系电话"],
        ["李大田", "户主", LI, lis[1][6], "否", "13800000088"],
    ]
    path, at = workbook({GRID: lines}), Stamp(stamp.actor, stamp.role, stamp.at, Door.IMPORT)

    def bring(progress):
        return import_people(at, path, Order(source="x"), progress=progress)

    outcome = meanwhile(bring, lambda: edit_resident(stamp, father.id, phone="13800000077"))
    assert [row.faults[0].words for row in outcome.refused] == ["刚刚有人改过，请再导入一次"]
    assert (outcome.counts["tags_ended"], outcome.counts["residents_changed"]) == (0, 0)
    assert "low_income" in [tag.code for tag in find_people(stamp, id_number=LI)[0].tags]


def test_lines_of_tags_stand_in_the_history_of_the_household(session, workbook, bring_in, lis, stamp):
    bring_in(workbook({GRID: lis}))
    lines = session.scalars(select(RosterChange).where(RosterChange.what == "tag_put")).all()
    assert {line.household_id for line in lines} == {home(session, stamp).id}


def test_while_a_list_is_read_nobody_waits_for_whom_it_changes(committed, workbook, lis):
    """Households and residents of the list are locked by a door while it is at work, up to its last lines."""
    with committed.app_context():
        at = committed.extensions["minhu"].clock()
        stamp = Stamp(SYSTEM, Role.SYSTEM, at, Door.IMPORT)
        with transaction():
            import_people(stamp, workbook({GRID: lis}), Order(source="名册"))
        ids = list(db.session.scalars(select(Resident.household_id).where(Resident.relation == "配偶")))
        residents = list(db.session.scalars(select(Resident.id).where(Resident.household_id.in_(ids))))
        db.session.remove()
    lis[1][5], lis[1][6] = "13800000099", "柳林村一组 99 号"
    lis.append(["1", "赵六", "孙子", "男", ZHAO, "", "", ""])
    read, free, held = Event(), Event(), []

    def door():
        with committed.app_context():
            read.wait(20)
            with transaction():
                db.session.execute(text("SET LOCAL lock_timeout = '2s'"))
                held.append(len(lock_rows(Household, ids)) + len(lock_rows(Resident, residents)))
            free.set()
            db.session.remove()

    other = Thread(target=door)
    other.start()
    with committed.app_context():

        def moved(done, known):
            read.set()
            assert free.wait(20)

        with transaction():
            outcome = import_people(stamp, workbook({GRID: lis}), Order(source="名册"), progress=moved)
        counts = {name: outcome.counts[name] for name in ("residents_changed", "residents_new", "households_changed")}
        assert counts == {"residents_changed": 1, "residents_new": 1, "households_changed": 1}
        assert db.session.scalar(select(func.count()).where(Resident.household_id.in_(ids))) == 4
        db.session.remove()
    other.join()
    assert held == [4]
