"""Lists as villages keep them: headers found, families kept together, people moved and never doubled, bad rows told."""

from threading import Thread

import pytest
from sqlalchemy import func, select

from app.core.database import db, transaction
from app.core.sheets import Unreadable
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.people.identity import Person, find_or_enrol, open_person
from app.people.models import EndedBy, Resident
from app.people.roster.lists.exporting import Wanted, roster_workbook
from app.people.roster.lists.importing import ImportAtWork, ImportUnitNotFound, Order, import_people
from app.people.roster.models import ResidentTag, RosterChange
from app.people.roster.queries import find_people
from app.people.roster.residents import edit_resident
from app.territory.models import Household
from tests.counting import statements
from tests.people.roster.conftest import HEAD, LI, LI_JR, WANG, id_number

GRID = "柳林村一网格"


def names(session, grid=GRID):
    """Who lives in which household: code's end → names, the demo's own households left out."""
    found: dict[str, list[str]] = {}
    query = select(Resident, Household).join(Household, Household.id == Resident.household_id).where(Resident.ended_at.is_(None))
    for resident, household in session.execute(query.order_by(Resident.id)):
        found.setdefault(household.code[14:], []).append(open_person(resident.identity).name)
    return {code: who for code, who in found.items() if code not in ("H001", "H002")}


def everything(session):
    tables = (Resident, Household, ResidentTag, RosterChange)
    versions = session.scalar(select(func.sum(Resident.version)))
    return [session.scalar(select(func.count()).select_from(table)) for table in tables] + [versions]


def test_a_family_comes_in_with_what_the_list_says(session, workbook, bring_in, lis, stamp):
    outcome = bring_in(workbook({GRID: lis}))
    assert (outcome.counts["residents_new"], outcome.counts["households_new"], outcome.refused) == (3, 1, [])
    assert names(session) == {"-1": ["李大田", "王秀", "李小田"]}
    (wife,) = find_people(stamp, id_number=WANG)
    assert (wife.sex, wife.birth_month.isoformat(), wife.relation) == ("female", "1948-02-01", "配偶")
    (son,) = find_people(stamp, name="李小田")
    assert [tag.code for tag in son.tags] == ["disabled", "party_member"]
    assert next(tag for tag in son.tags if tag.code == "disabled").source == "名册导入：名册.xlsx"


def test_the_same_list_again_changes_nothing(session, workbook, bring_in, lis, clock):
    path = workbook({GRID: lis})
    bring_in(path)
    before = everything(session)
    clock.advance(days=1)
    again = bring_in(path)
    assert everything(session) == before
    assert (again.counts["residents_unchanged"], again.counts["residents_new"], again.counts["residents_changed"]) == (3, 0, 0)


def test_only_what_differs_is_changed_and_blanks_leave_things_be(session, workbook, bring_in, lis, stamp):
    bring_in(workbook({GRID: lis}))
    lis[1][5], lis[3][5] = "13800000099", ""
    outcome = bring_in(workbook({GRID: lis}))
    assert (outcome.counts["residents_changed"], outcome.counts["residents_unchanged"]) == (1, 2)
    assert find_people(stamp, phone="13800000099")[0].version == 2
    assert find_people(stamp, phone="13800000012")[0].version == 1
    line = session.scalars(select(RosterChange).order_by(RosterChange.id.desc())).first()
    assert (line.what, line.facts, line.door) == ("resident_edited", {"sealed": ["phone"]}, "import")


def test_titles_merged_cells_and_columns_in_any_order(session, workbook, bring_in):
    lines = [
        ["柳河镇柳林村一网格人口信息登记表（2026 年）"],
        ["填表人：吴村", "", "填表日期：2026-11-01"],
        ["序号", "身份证\n号码", "家庭住址", "姓 名*", "基本情况", "", "备注"],
        ["", "", "", "", "性别", "与户主关系", ""],
        [1, LI, "柳林村一组 1 号", "李大田", "男", "户主", "=1+1"],
        [2, WANG, "", "王秀", "女", "配偶", ""],
        ["序号", "身份证\n号码", "家庭住址", "姓 名*", "性别", "与户主关系", "备注"],
        [3, LI_JR, "", "李小田", "男", "儿子", ""],
    ]
    merge = {"Sheet1": [(4, 2, 7, 2, "柳林村一组 1 号"), (2, 4, 2, 5, "基本情况")]}
    outcome = bring_in(workbook({"Sheet1": lines}, merge=merge))
    assert outcome.headings["Sheet1"].line == 4
    assert [list(names(session).values()), outcome.counts["refused"]] == [[["李大田", "王秀", "李小田"]], 0]


def test_the_title_above_says_where_they_live(session, workbook, bring_in, lis, cast, stamp, read_report):
    lis[2][3] = "男"
    outcome = bring_in(workbook({"Sheet1": [["柳林村二网格人口登记表"], *lis]}))
    assert outcome.counts["residents_new"] == 2
    assert find_people(stamp, id_number=LI)[0].grid == cast.grids["柳林村二网格"].code
    sheet = read_report(outcome)["Sheet1"]
    assert sheet[0][0] == "柳林村二网格人口登记表"
    assert sheet[1][:8] == HEAD


def test_sheets_are_villages_and_a_column_names_the_grid(session, workbook, bring_in, cast, stamp):
    head = ["姓名", "身份证号", "所属网格", "家庭住址"]
    sheets = {
        "柳林村": [head, ["李大田", LI, "一网格", "一组 1 号"], ["王秀", WANG, cast.grids["柳林村二网格"].code, "二组 2 号"]],
        "河湾村": [head, ["李小田", LI_JR, "河湾村二网格", "河湾 3 号"]],
        "说明": [["填写说明"], ["请如实填写"]],
    }
    outcome = bring_in(workbook(sheets))
    assert (outcome.counts["residents_new"], list(outcome.headings)) == (3, ["柳林村", "河湾村"])
    grids = [find_people(stamp, id_number=number)[0].grid for number in (LI, WANG, LI_JR)]
    assert grids == [cast.grids[name].code for name in ("柳林村一网格", "柳林村二网格", "河湾村二网格")]


BAD = [
    (4, float(LI[:-1] + "0"), "身份证号在 Excel 里被当成数字"),
    (4, "9.90101E+17", "身份证号在 Excel 里被当成数字"),
    (4, LI[:15] + "000", "身份证号在 Excel 里被当成数字"),
    (4, LI[:17] + ("1" if LI[17] != "1" else "2"), "身份证号不正确"),
    (4, id_number("99010119451301111"), "出生日期不对"),
    (4, id_number("99010120991201111"), "出生日期不对"),
    (4, "990101450101111", "15 位的旧身份证号"),
    (3, "女", "性别与身份证号不一致"),
    (3, "公", "性别请填"),
    (5, "12345", "请填写 11 位手机号"),
    (1, "", "请填写姓名"),
    (1, "李**", "脱敏"),
    (7, "很穷", "不认识的人群类别“很穷”"),
]


@pytest.mark.parametrize(("column", "value", "words"), BAD)
def test_a_bad_row_is_left_out_and_told_and_the_others_come_in(session, workbook, bring_in, lis, read_report, column, value, words):
    lis[1][column] = value
    outcome = bring_in(workbook({GRID: lis}))
    (refused,) = outcome.refused
    assert refused.line == 2
    assert words in "；".join(fault.words for fault in refused.faults)
    assert outcome.counts["residents_new"] == 2
    sheet = read_report(outcome)[GRID]
    assert sheet[0][:8] == HEAD
    assert sheet[0][8] == "错误说明"
    assert sheet[1][8].startswith("原第 2 行：")
    assert words in sheet[1][8]


def test_the_report_is_mended_and_brought_in_as_it_is(session, workbook, bring_in, lis, read_report):
    lis[2][4] = WANG[:17] + ("1" if WANG[17] != "1" else "2")
    outcome = bring_in(workbook({GRID: lis}))
    sheets = read_report(outcome)
    sheets[GRID][1][4] = WANG
    mended = bring_in(workbook({name: [[str(cell) for cell in row] for row in lines] for name, lines in sheets.items()}))
    assert (mended.counts["residents_new"], mended.counts["refused"]) == (1, 0)
    assert names(session) == {"-1": ["李大田", "李小田", "王秀"]}


def test_a_strict_list_is_all_or_nothing_and_a_dry_run_is_nothing(session, workbook, bring_in, lis):
    before = everything(session)
    dry = bring_in(workbook({GRID: lis}), dry_run=True)
    assert (dry.counts["residents_new"], dry.written) == (3, False)
    assert everything(session) == before
    lis[3][3] = "女"
    strict = bring_in(workbook({GRID: lis}), strict=True)
    assert (strict.counts["refused"], strict.written) == (1, False)
    assert everything(session) == before


def test_the_same_person_twice_in_a_list_even_in_two_villages(session, workbook, bring_in, lis):
    lis.append(["1", "李大田", "父亲", "男", LI, "", "", ""])
    other = [[*HEAD, "所属网格"], ["9", "李小田", "户主", "男", LI_JR, "", "河湾 1 号", "", "一网格"]]
    outcome = bring_in(workbook({GRID: lis, "河湾村": other}))
    told = {(row.sheet, row.line): row.faults[0].words for row in outcome.refused}
    assert told == {
        (GRID, 5): f"与“{GRID}”第 2 行的身份证号相同",
        ("河湾村", 2): f"与“{GRID}”第 4 行的身份证号相同",
    }


def test_people_without_numbers_are_told_apart_by_name_and_phone_or_household(session, workbook, bring_in):
    lines = [
        HEAD,
        ["1", "张三", "户主", "男", "", "", "一组 1 号", ""],
        ["1", "张三", "儿子", "男", "", "", "", ""],
        ["2", "张三", "户主", "男", "", "13811112222", "一组 2 号", ""],
        ["3", "张三", "户主", "", "", "13811112222", "一组 3 号", ""],
    ]
    outcome = bring_in(workbook({GRID: lines}))
    assert [(row.line, row.faults[0].words) for row in outcome.refused] == [
        (3, f"与“{GRID}”第 2 行的姓名和户相同"),
        (5, f"与“{GRID}”第 4 行的姓名和电话相同"),
    ]
    assert bring_in(workbook({GRID: lines})).counts["residents_unchanged"] == 2


def test_people_move_with_the_list_and_are_not_doubled(session, workbook, bring_in, lis, cast, stamp):
    bring_in(workbook({GRID: lis}))
    moved = [[*HEAD], ["5", "李小田", "户主", "男", LI_JR, "", "河湾 5 号", ""]]
    outcome = bring_in(workbook({"河湾村一网格": moved}))
    assert (outcome.counts["residents_moved"], outcome.counts["residents_new"]) == (1, 0)
    assert [remark.words for remark in outcome.remarks] == ["名册上原在另一户，已迁到这一户"]
    (son,) = find_people(stamp, id_number=LI_JR)
    assert (son.grid, son.relation) == (cast.grids["河湾村一网格"].code, "户主")
    line = session.scalars(select(RosterChange).where(RosterChange.what == "resident_moved")).one()
    assert (line.from_grid_id, line.grid_id) == (cast.grids[GRID].id, cast.grids["河湾村一网格"].id)


def test_whoever_lives_beyond_ones_reach_is_told_as_registered_and_no_more(session, workbook, bring_in, lis, as_staff):
    bring_in(workbook({GRID: lis}))
    lines = [HEAD, ["7", "李小田", "户主", "男", LI_JR, "", "河湾 7 号", ""], ["8", "何河", "户主", "男", "", "", "河湾 8 号", ""]]
    outcome = bring_in(workbook({"河湾村一网格": lines}), by=as_staff("zhao", Door.GRID))
    assert [(row.line, [fault.words for fault in row.faults]) for row in outcome.refused] == [(2, ["这位居民已在本县其他网格登记"])]
    assert outcome.counts["residents_new"] == 1
    beyond = bring_in(workbook({GRID: lines}), by=as_staff("zhao", Door.GRID))
    assert {fault.words for row in beyond.refused for fault in row.faults} == {"您负责的范围内没有“柳林村”"}
    assert len(beyond.refused) == 2


def test_a_changed_address_is_no_new_household(session, workbook, bring_in):
    head = ["姓名", "与户主关系", "身份证号", "家庭住址"]
    lines = [head, ["李大田", "户主", LI, "一组 1 号"], ["王秀", "配偶", WANG, ""]]
    bring_in(workbook({GRID: lines}))
    count = session.scalar(select(func.count()).select_from(Household))
    lines[1][3] = "一组 11 号"
    outcome = bring_in(workbook({GRID: lines}))
    assert (outcome.counts["households_changed"], outcome.counts["households_new"]) == (1, 0)
    assert outcome.counts["residents_unchanged"] == 2
    assert session.scalar(select(func.count()).select_from(Household)) == count


def test_another_name_under_a_known_number_is_not_believed(workbook, bring_in, lis):
    bring_in(workbook({GRID: lis}))
    lis[1][1] = "李太田"
    (refused,) = bring_in(workbook({GRID: lis})).refused
    assert "另一个姓名" in refused.faults[0].words


def test_whoever_was_known_of_a_filing_is_taken_up(session, workbook, bring_in, lis, stamp):
    known = find_or_enrol(stamp, Person("李大田", "13800000011", LI))
    session.flush()
    outcome = bring_in(workbook({GRID: lis}))
    assert outcome.counts["residents_new"] == 2
    assert find_people(stamp, id_number=LI)[0].id == known.id


def test_the_dead_leave_and_do_not_come_back_by_a_list(session, workbook, bring_in, lis, stamp):
    bring_in(workbook({GRID: lis}))
    with_state = [[*row, ""] for row in lis]
    with_state[0][-1], with_state[1][-1] = "是否去世", "是"
    outcome = bring_in(workbook({GRID: with_state}))
    assert outcome.counts["residents_ended"] == 1
    assert find_people(stamp, id_number=LI) == []
    ended = session.scalars(select(Resident).where(Resident.ended_at.is_not(None))).one()
    assert ended.ended_by is EndedBy.DECEASED
    assert (
        session.scalars(select(ResidentTag).where(ResidentTag.resident_id == ended.id, ResidentTag.ended_at.is_(None))).all() == []
    )
    (refused,) = bring_in(workbook({GRID: lis})).refused
    assert "已经去世" in refused.faults[0].words


def test_whom_a_list_leaves_out_is_told_and_stays(session, workbook, bring_in, lis, cast, read_report):
    bring_in(workbook({GRID: lis}))
    outcome = bring_in(workbook({GRID: lis[:3]}))
    assert sorted(missing.name for missing in outcome.missing) == ["李**", "郑**"]
    assert names(session) == {"-1": ["李大田", "王秀", "李小田"]}
    hints = [row[2] for row in read_report(outcome)["提示"]]
    assert "李**：名册上有，这份名单里没有，未改动" in hints


def test_yes_and_no_columns_of_populations(session, workbook, bring_in, lis, stamp):
    lines = [
        ["姓名", "与户主关系", "身份证号", "家庭住址", "低保", "是否残疾人"],
        ["李大田", "户主", LI, "一组 1 号", "是", "肢体三级"],
    ]
    bring_in(workbook({GRID: lines}))
    assert [tag.code for tag in find_people(stamp, id_number=LI)[0].tags] == ["over_80", "disabled", "low_income", "over_60"]
    lines[1][4:] = ["否", ""]
    outcome = bring_in(workbook({GRID: lines}))
    assert outcome.counts["tags_ended"] == 1
    assert [tag.code for tag in find_people(stamp, id_number=LI)[0].tags] == ["over_80", "disabled", "over_60"]


def test_a_profile_is_remembered_and_known_again_by_the_headers(session, workbook, bring_in):
    lines = [["名字", "号码", "住哪儿", "称谓"], ["李大田", LI, "一组 1 号", "户主"]]
    with pytest.raises(Unreadable, match="没有找到表头"):
        bring_in(workbook({GRID: lines}))
    given = {"name": "名字", "id_number": "号码", "place": "住哪儿", "relation": "称谓"}
    bring_in(workbook({GRID: lines}), given=given, profile="柳林村的表")
    turned = [["称谓", "住哪儿", "号码", "名字"], ["户主", "一组 1 号", LI, "李大田"]]
    assert bring_in(workbook({GRID: turned})).counts["residents_unchanged"] == 1
    assert bring_in(workbook({GRID: turned}), profile="柳林村的表").counts["residents_unchanged"] == 1


def test_a_formula_in_a_name_stays_text_in_the_report(workbook, bring_in, lis, read_report):
    lis[1][1], lis[1][3] = '=HYPERLINK("http://x")', "女"
    assert read_report(bring_in(workbook({GRID: lis})))[GRID][1][1] == '=HYPERLINK("http://x")'


def test_what_is_no_workbook_of_people_is_told(tmp_path, workbook, bring_in):
    (tmp_path / "word.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 not a workbook")
    for path, words in (
        (tmp_path / "word.xlsx", "另存为 .xlsx"),
        (workbook({"表": [["今天天气"]]}), "没有找到表头"),
        (workbook({"表": [["姓名", "住址", "现住址"], ["甲", "1", "2"]]}), "两列是同一项内容，.*字段 place"),
    ):
        with pytest.raises(Unreadable, match=words):
            bring_in(path)


def test_a_unit_beyond_ones_posts_is_not_there(workbook, bring_in, lis, as_staff):
    for code in ("990101001002", "990199"):
        with pytest.raises(ImportUnitNotFound):
            bring_in(workbook({GRID: lis}), by=as_staff("wu", Door.GRID), unit=code)


def test_a_row_that_somebody_changes_meanwhile_is_not_overwritten(session, workbook, bring_in, lis, stamp, tmp_path):
    bring_in(workbook({GRID: lis}))
    path = tmp_path / "export.xlsx"
    path.write_bytes(b"".join(roster_workbook(stamp, Wanted(plain=False))))
    (father,) = find_people(stamp, id_number=LI)
    edit_resident(stamp, father.id, phone="13800000077")
    outcome = bring_in(path)
    assert [(row.faults[0].words) for row in outcome.refused] == ["这位居民的信息在导出之后有人改过，请重新导出后再改"]
    assert find_people(stamp, phone="13800000077")[0].id == father.id


def test_statements_do_not_grow_with_the_rows(session, workbook, bring_in):
    def cost(count, start):
        given = "甲乙丙丁戊己庚辛壬癸"
        numbers = {n: id_number(f"9901011960010{n:04d}") for n in range(start, start + count)}
        rows = [[str(n), f"张{given[n % 10]}", "户主", "", number, "", f"一组 {n} 号", ""] for n, number in numbers.items()]
        with statements() as sent:
            outcome = bring_in(workbook({GRID: [HEAD, *rows]}))
        assert outcome.counts["residents_new"] == count, [row.faults for row in outcome.refused]
        return len(sent)

    cost(2, 1000)
    assert cost(2, 1100) == cost(60, 1200)


def test_two_imports_at_once_do_not_double_anybody(committed, workbook, lis):
    path, told = workbook({GRID: lis}), []

    def run():
        with committed.app_context():
            at = committed.extensions["minhu"].clock()
            try:
                with transaction():
                    outcome = import_people(Stamp(SYSTEM, Role.SYSTEM, at, Door.IMPORT), path, Order(source="名册"))
                    told.append(outcome.counts["residents_new"])
            except ImportAtWork:
                told.append("busy")
            db.session.remove()

    threads = [Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each for each in told if each != "busy") in ([3], [0, 3], [0, 0, 3])
    with committed.app_context():
        assert names(db.session)["-1"] == ["李大田", "王秀", "李小田"]
        db.session.remove()


def test_an_import_that_fails_half_way_leaves_no_trace(session, workbook, bring_in, lis):
    class Pulled(Exception):
        pass

    def pull(done, known):
        raise Pulled

    before = everything(session)
    at = session.scalar(select(func.now()))
    with pytest.raises(Pulled):
        import_people(Stamp(SYSTEM, Role.SYSTEM, at, Door.IMPORT), workbook({GRID: lis}), Order(source="x"), progress=pull)
    assert everything(session) == before
