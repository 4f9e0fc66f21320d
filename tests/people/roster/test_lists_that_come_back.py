"""What lists say of household groups, their heads, carers, terms of tags and empty houses: it comes in, goes out, comes back."""

from datetime import date

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app.core.stamp import Door
from app.people.models import Staff
from app.people.roster.care import care_of, put_care
from app.people.roster.commands import edit_household
from app.people.roster.groups import add_group, groups_page, name_head
from app.people.roster.lists import importing, taking_in
from app.people.roster.lists.exporting import Wanted, roster_workbook
from app.people.roster.models import Care, CareBy, GroupHead, ResidentTag, RosterChange
from app.people.roster.queries import find_people
from app.people.roster.tags import put_tag
from app.people.staff import posts_held
from app.territory.models import Household, HouseholdGroup, HouseholdKind
from tests.counting import statements
from tests.people.roster.conftest import HEAD, LI, LI_JR, WANG, id_number

GRID = "柳林村一网格"


@pytest.fixture
def zhou(as_staff):
    """The worker of 柳林村一网格."""
    return as_staff("zhou", Door.GRID)


@pytest.fixture
def lines(tmp_path):
    """Gives the lines of somebody's export."""

    def read(stamp, **wanted):
        path = tmp_path / "export.xlsx"
        path.write_bytes(b"".join(roster_workbook(stamp, Wanted(**wanted))))
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("名册").to_python()
        return [[str(cell) for cell in row] for row in sheet]

    return read


def put(lines, header, value, *, where="姓名", named=None):
    """Write into a column of the rows that say `named` in the column `where`."""
    place, by = lines[0].index(header), lines[0].index(where)
    for row in lines[1:]:
        if named is None or row[by] == named:
            row[place] = value


def listed(lis, **columns):
    """The family with more columns: header → words of its three rows."""
    return [[*lis[0], *columns], *([*row, *(words[n] for words in columns.values())] for n, row in enumerate(lis[1:]))]


def heads(session):
    query = select(HouseholdGroup.name, GroupHead.resident_id).join(GroupHead.group).where(GroupHead.ended_at.is_(None))
    return [tuple(row) for row in session.execute(query.order_by(GroupHead.id))]


def carers(stamp, number):
    (found,) = find_people(stamp, id_number=number)
    return [(care.by, care.name) for care in care_of([found.id])[found.id]]


def test_a_group_is_made_once_and_its_head_is_named(session, workbook, bring_in, lis, stamp):
    family = listed(lis, 户区=["一户区", "", ""], 户长=["否", "", "是"])
    family.append(["2", "赵六", "户主", "男", "", "", "柳林村一组 2 号", "", "一户区", ""])
    outcome = bring_in(workbook({GRID: family}))
    assert (outcome.counts["groups_new"], outcome.counts["heads_named"], outcome.refused) == (1, 1, [])
    (son,) = find_people(stamp, id_number=LI_JR)
    assert heads(session) == [("一户区", son.id)]
    (group,) = groups_page(stamp).items
    assert (group.name, group.households, group.heads[0].resident_id) == ("一户区", 2, son.id)
    assert {"group_added", "head_named"} <= set(session.scalars(select(RosterChange.what)))
    again = bring_in(workbook({GRID: family}))
    counts = [again.counts[name] for name in ("groups_new", "heads_named", "households_changed", "residents_unchanged")]
    assert counts == [0, 0, 0, 4]


def test_the_head_is_named_on_the_rows_of_the_group(session, workbook, bring_in, lis, stamp):
    family = listed(lis, 户区=["一户区", "", ""], 户长姓名=["李小田", "李小田", "李小田"])
    family.append(["2", "赵六", "户主", "男", "", "", "柳林村一组 2 号", "", "二户区", "没有的人"])
    outcome = bring_in(workbook({GRID: family}))
    (son,) = find_people(stamp, id_number=LI_JR)
    assert heads(session) == [("一户区", son.id)]
    assert [(told.line, told.words) for told in outcome.remarks] == [
        (5, "户长“没有的人”在这个网格的名册上没有找到，请在“户长”一列标注本人，或在系统里指定")
    ]


def test_any_row_of_a_household_may_name_its_group(session, workbook, bring_in, lis, stamp):
    bring_in(workbook({GRID: lis}))
    bring_in(workbook({GRID: listed(lis, 户区=["", "一户区", ""])}))
    assert [(group.name, group.households) for group in groups_page(stamp).items] == [("一户区", 1)]
    left = bring_in(workbook({GRID: listed(lis, 户区=["无", "", ""])}))
    assert (left.counts["households_changed"], groups_page(stamp).items[0].households) == (1, 0)


def test_a_list_too_long_to_be_held_is_written_in_parts_and_names_are_found_at_its_end(
    session, workbook, bring_in, lis, stamp, monkeypatch
):
    monkeypatch.setattr(taking_in, "MOST_HELD", 1)
    monkeypatch.setattr(importing, "BATCH", 1)
    family = listed(lis, 户区=["一户区", "", ""], 户长姓名=["李小田", "", ""], 帮扶人=["wu、亲属：李小田", "wu", ""])
    outcome = bring_in(workbook({GRID: family}))
    assert (outcome.refused, outcome.remarks) == ([], [])
    (son,) = find_people(stamp, id_number=LI_JR)
    assert heads(session) == [("一户区", son.id)]
    assert [len(carers(stamp, number)) for number in (LI, WANG)] == [2, 1]


def test_a_head_without_a_group_is_told_and_heads_nothing(session, workbook, bring_in, lis):
    outcome = bring_in(workbook({GRID: listed(lis, 户长=["是", "", ""])}))
    assert heads(session) == []
    assert "没有写户区" in outcome.remarks[0].words


def test_two_groups_of_one_name_are_told_apart_by_their_codes(session, workbook, bring_in, lis, stamp, cast):
    codes = [add_group(stamp, grid=cast.grids[GRID].code, name="一户区").code for _ in range(2)]
    outcome = bring_in(workbook({GRID: listed(lis, 户区=["一户区", "", ""])}))
    assert "请写户区编号" in outcome.refused[0].faults[0].words
    assert bring_in(workbook({GRID: listed(lis, 户区=[codes[1], "", ""])})).refused == []
    assert [group.households for group in groups_page(stamp).items] == [0, 1]


@pytest.mark.parametrize("words", ["wu", "吴村", "吴村（wu）", "干部：wu"])
def test_a_cadre_who_cares_is_known_by_login_or_name(session, workbook, bring_in, lis, stamp, words):
    outcome = bring_in(workbook({GRID: listed(lis, 帮扶人=[words.replace("吴村", staff_name(session, "wu")), "", ""])}))
    assert (outcome.counts["care_put"], [told.words for told in outcome.remarks]) == (1, [])
    assert carers(stamp, LI) == [(CareBy.CADRE, staff_name(session, "wu"))]
    assert bring_in(workbook({GRID: listed(lis, 帮扶人=["wu", "", ""])})).counts["care_put"] == 0


def staff_name(session, login):
    return session.scalar(select(Staff.name).where(Staff.login == login))


def test_family_cares_by_name_and_who_is_not_known_is_told(session, workbook, bring_in, lis, stamp):
    outcome = bring_in(workbook({GRID: listed(lis, 帮扶责任人=["亲属：李小田", "查无此人", "亲属：李小田"])}))
    assert carers(stamp, LI) == [(CareBy.FAMILY, "李**")]
    assert session.scalar(select(func.count()).select_from(Care)) == 1
    told = [(remark.line, remark.words.split("：")[0]) for remark in outcome.remarks]
    assert told == [(3, "帮扶人“查无此人”不清楚是谁，未登记"), (4, "帮扶人“李小田”在这个网格的名册上没有找到，未登记")]


def test_a_carer_who_has_left_stays_as_they_are_and_is_named_by_no_list(session, workbook, bring_in, lis, lines, stamp, zhou):
    bring_in(workbook({GRID: listed(lis, 帮扶人=["wu", "", ""])}))
    session.scalars(select(Staff).where(Staff.login == "wu")).one().active = False
    session.flush()
    posts_held.forget()
    back = bring_in(workbook({"名册": lines(zhou)}), by=zhou)
    assert (back.counts["care_ended"], back.remarks) == (0, [])
    outcome = bring_in(workbook({GRID: listed(lis, 帮扶人=["", "wu", ""])}))
    assert (outcome.counts["care_put"], "已不在岗" in outcome.remarks[0].words) == (0, True)


def open_tags(session, ident):
    query = select(ResidentTag).where(ResidentTag.resident_id == ident, ResidentTag.ended_at.is_(None))
    return {tag.tag.code: (tag.source, tag.expires_on) for tag in session.scalars(query.order_by(ResidentTag.id))}


def test_tags_come_with_source_and_expiry(session, workbook, bring_in, lis, stamp):
    columns = {"低保到期": ["2027-06-30", "", ""], "低保来源": ["县民政局", "", ""], "人群来源": ["", "", "县残联"]}
    outcome = bring_in(workbook({GRID: listed(lis, **columns)}))
    assert outcome.refused == []
    assert open_tags(session, find_people(stamp, id_number=LI)[0].id) == {"low_income": ("县民政局", date(2027, 6, 30))}
    son = open_tags(session, find_people(stamp, id_number=LI_JR)[0].id)
    assert (son["disabled"][0], son["party_member"][0]) == ("县残联", "县残联")
    assert bring_in(workbook({GRID: listed(lis, **columns)})).counts["tags_put"] == 0


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("明年", "看不懂的到期日期"),
        ("2027-13-01", "看不懂的到期日期"),
        ("2027101", "看不懂的到期日期"),
        (46203, "看不懂的到期日期"),
    ],
)
def test_an_expiry_that_is_no_day_is_a_fault_and_a_past_one_is_told(workbook, bring_in, lis, words, what):
    outcome = bring_in(workbook({GRID: listed(lis, 低保到期=[words, "", ""])}))
    assert what in outcome.refused[0].faults[0].words
    past = bring_in(workbook({GRID: listed(lis, 低保到期=["2020-01-01", "", ""])}))
    assert (past.counts["tags_put"], "已经过去" in past.remarks[0].words) == (0, True)


@pytest.fixture
def full(session, workbook, bring_in, lis, stamp, cast):
    """A grid with all that a list may say of it."""
    bring_in(workbook({GRID: listed(lis, 户区=["一户区", "", ""], 户长=["是", "", ""], 帮扶人=["wu、亲属：李小田", "", ""])}))
    (father,) = find_people(stamp, id_number=LI)
    put_tag(stamp, father.id, tag="low_income", source="县民政局；2026 年名单", expires_on=date(2027, 3, 31))
    (wife,) = find_people(stamp, id_number=WANG)
    other = add_group(stamp, grid=cast.grids[GRID].code, name="二户区")
    name_head(stamp, other.code, resident_id=wife.id)
    put_care(stamp, wife.id, by=CareBy.VOLUNTEER, staff="zhou")
    return father


def everything(session):
    tables = (Household, HouseholdGroup, GroupHead, Care, ResidentTag, RosterChange)
    return [session.scalar(select(func.count()).select_from(table)) for table in tables]


@pytest.mark.parametrize("plain", [False, True])
def test_all_that_goes_out_comes_back_and_nothing_changes(session, workbook, bring_in, full, lines, stamp, zhou, clock, plain):
    before = everything(session)
    clock.advance(days=1)
    out = lines(zhou, plain=plain, reason="核对" if plain else None)
    outcome = bring_in(workbook({"名册": out}), by=zhou)
    assert (outcome.refused, outcome.remarks) == ([], [])
    assert everything(session) == before


def test_what_is_edited_in_an_export_is_all_that_changes(session, workbook, bring_in, full, lines, stamp, zhou):
    out = lines(zhou)
    by = {"where": "与户主关系"}
    assert next(row for row in out if "户主" in row)[out[0].index("户长")] == "是"
    put(out, "户长", "", named="户主", **by)
    put(out, "户长", "是", named="儿子", **by)
    put(out, "帮扶人", "wu", named="户主", **by)
    put(out, "人群来源与期限", "低保户：县民政局；2026 年名单，至 2027-09-30", named="户主", **by)
    put(out, "户区", "三户区", named="户主", **by)
    outcome = bring_in(workbook({"名册": out}), by=zhou)
    assert (outcome.refused, outcome.remarks) == ([], [])
    (son,), (wife,) = find_people(stamp, id_number=LI_JR), find_people(stamp, id_number=WANG)
    assert heads(session) == [("二户区", wife.id), ("三户区", son.id)]
    assert carers(stamp, LI) == [(CareBy.CADRE, staff_name(session, "wu"))]
    assert open_tags(session, full.id)["low_income"] == ("县民政局；2026 年名单", date(2027, 9, 30))
    counts = {name: outcome.counts[name] for name in ("care_put", "care_ended", "heads_ended", "tags_put", "groups_new")}
    assert counts == {"care_put": 0, "care_ended": 1, "heads_ended": 1, "tags_put": 1, "groups_new": 1}


def test_an_empty_house_comes_in_goes_out_and_comes_back(session, workbook, bring_in, lines, stamp, zhou):
    house = [[*HEAD, "户籍类别", "户主姓名"], ["9", "", "", "", "", "", "柳林村一组 9 号", "", "空置户", "钱多多"]]
    outcome = bring_in(workbook({GRID: house}))
    assert (outcome.counts["households_new"], outcome.counts["residents_new"], outcome.refused) == (1, 0, [])
    empty = session.scalars(select(Household).order_by(Household.id.desc())).first()
    assert empty.kind is HouseholdKind.VACANT
    out = lines(zhou)
    place = out[0].index("户号")
    row = next(row for row in out if row[place] == empty.code)
    assert (row[0], row[out[0].index("户主姓名")]) == (f"H{empty.id}", "钱**")
    assert bring_in(workbook({"名册": out}), by=zhou).counts["households_changed"] == 0
    row[out[0].index("家庭住址")], row[out[0].index("户区")] = "柳林村一组 19 号", "一户区"
    changed = bring_in(workbook({"名册": out}), by=zhou)
    assert (changed.counts["households_changed"], changed.refused) == (1, [])
    stale = bring_in(workbook({"名册": out}), by=zhou)
    assert [each.faults[0].words for each in stale.refused] == ["这一户的信息在导出之后有人改过，请重新导出后再改"]


def test_whoever_moves_into_an_empty_house_is_written_into_its_row(session, workbook, bring_in, lines, stamp, zhou):
    bring_in(workbook({GRID: [[*HEAD, "户籍类别", "户主姓名"], ["9", "", "", "", "", "", "一组 9 号", "", "空置户", "钱多多"]]}))
    empty = session.scalars(select(Household).order_by(Household.id.desc())).first()
    out = lines(zhou)
    row = next(row for row in out if row[out[0].index("户号")] == empty.code)
    row[out[0].index("姓名")], row[out[0].index("身份证号")] = "李大田", LI
    outcome = bring_in(workbook({"名册": out}), by=zhou)
    assert (outcome.counts["residents_new"], outcome.refused) == (1, [])
    assert find_people(stamp, id_number=LI)[0].household_id == empty.id


def test_an_old_export_does_not_undo_what_was_changed_of_the_household(session, workbook, bring_in, lis, lines, stamp, zhou):
    bring_in(workbook({GRID: lis}))
    out = lines(zhou, plain=True, reason="核对")
    (father,) = find_people(stamp, id_number=LI)
    edit_household(stamp, father.household_id, place="柳林村一组 77 号")
    outcome = bring_in(workbook({"名册": out}), by=zhou)
    assert outcome.counts["households_changed"] == 0
    assert any("户主、住址、户类别和户区没有改动" in remark.words for remark in outcome.remarks)


def test_statements_do_not_grow_with_groups_heads_and_carers(session, workbook, bring_in):
    def cost(count, start):
        rows = []
        for n in range(start, start + count):
            number = id_number(f"9901011960010{n:04d}")
            rows.append([str(n), "张三", "户主", "", number, "", f"一组 {n} 号", "低保户", f"{n}户区", "是", "wu、亲属：张四"])
        with statements() as sent:
            outcome = bring_in(workbook({GRID: [[*HEAD, "户区", "户长", "帮扶人"], *rows]}))
        assert (outcome.counts["heads_named"], outcome.refused) == (count, [])
        return len(sent)

    cost(2, 1000)
    assert cost(2, 1100) == cost(60, 1200)
