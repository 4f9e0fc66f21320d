"""What a list may not do: end the living, double those who moved, forget by whom somebody was named."""

from datetime import date

import pytest
from sqlalchemy import func, select

from app.core.stamp import Door
from app.notices.models import Notice, NoticeState, Recipient
from app.notices.outbox import file_notices, notice_row
from app.people.models import EndedBy, Resident
from app.people.roster import commands
from app.people.roster.care import put_care
from app.people.roster.lists.exporting import Wanted, roster_workbook
from app.people.roster.lists.importing import Order, import_people
from app.people.roster.models import CareBy, ResidentTag
from app.people.roster.queries import find_people
from app.people.roster.tags import put_tag
from app.territory.models import Household
from app.visits.leaving import follow_list
from app.visits.models import TaskState, VisitTask
from app.visits.planning import plan_visits
from tests.people.roster.conftest import LI, LI_JR

GRID = "柳林村一网格"


def with_column(lis, header, *words):
    return [[*lis[0], header], *([*row, word] for row, word in zip(lis[1:], words, strict=True))]


def ended(session):
    query = select(Resident.relation, Resident.ended_by).where(Resident.ended_at.is_not(None)).order_by(Resident.id)
    return [tuple(row) for row in session.execute(query)]


def export(tmp_path, stamp):
    path = tmp_path / "export.xlsx"
    path.write_bytes(b"".join(roster_workbook(stamp, Wanted())))
    return path


@pytest.mark.parametrize(
    ("header", "word", "how"),
    [
        ("是否去世", "是", EndedBy.DECEASED),
        ("死亡", "1", EndedBy.DECEASED),
        ("是否迁出", "是", EndedBy.MOVED_AWAY),
        ("是否迁出", "√", EndedBy.MOVED_AWAY),
        ("状态", "死亡", EndedBy.DECEASED),
        ("人员状态", "已迁出", EndedBy.MOVED_AWAY),
        ("注销原因", "死亡注销", EndedBy.DECEASED),
    ],
)
def test_a_column_ends_people_as_it_asks(session, workbook, bring_in, lis, header, word, how):
    bring_in(workbook({GRID: lis}))
    outcome = bring_in(workbook({GRID: with_column(lis, header, "", word, "")}))
    assert (ended(session), outcome.refused) == ([("配偶", how)], [])


@pytest.mark.parametrize("word", ["正常", "在册", "未去世", "没有迁出", "外出", "无", "0"])
def test_a_state_of_the_living_ends_nobody(session, workbook, bring_in, lis, word):
    bring_in(workbook({GRID: lis}))
    outcome = bring_in(workbook({GRID: with_column(lis, "人员状态", word, word, word)}))
    assert (ended(session), outcome.refused) == ([], [])


@pytest.mark.parametrize(
    ("header", "word"), [("状态", "1"), ("人员状态", "有"), ("注销原因", "是"), ("状态", "配偶去世"), ("是否去世", "不详")]
)
def test_a_state_that_is_not_understood_is_told_and_ends_nobody(session, workbook, bring_in, lis, header, word):
    bring_in(workbook({GRID: lis}))
    outcome = bring_in(workbook({GRID: with_column(lis, header, word, word, word)}))
    assert ended(session) == []
    assert [row.line for row in outcome.refused] == [2, 3, 4]
    assert "看不懂" in outcome.refused[0].faults[0].words


def test_asked_twice_who_died_has_died(session, workbook, bring_in, lis):
    bring_in(workbook({GRID: lis}))
    both = with_column(with_column(lis, "是否去世", "是", "否", ""), "是否迁出", "是", "是", "否")
    bring_in(workbook({GRID: both}))
    assert ended(session) == [("户主", EndedBy.DECEASED), ("配偶", EndedBy.MOVED_AWAY)]


def test_the_export_of_a_household_that_moved_comes_back_without_doubling_it(
    session, workbook, bring_in, lis, as_staff, cast, tmp_path
):
    bring_in(workbook({GRID: lis}))
    wu = as_staff("wu", Door.GRID)
    home = session.scalars(select(Household).join(Resident).where(Resident.relation == "配偶")).first()
    commands.move_household(wu, home.id, grid=cast.grids["柳林村二网格"].code)
    before = session.scalar(select(func.count()).select_from(Household))
    outcome = bring_in(export(tmp_path, wu), by=wu)
    assert session.scalar(select(func.count()).select_from(Household)) == before
    assert (outcome.counts["residents_moved"], outcome.counts["households_new"], outcome.refused) == (0, 0, [])
    assert set(session.scalars(select(Resident.household_id).where(Resident.relation == "配偶"))) == {home.id}


def test_the_code_of_another_grids_household_makes_no_household_of_a_like_name(session, workbook, bring_in, lis, cast):
    bring_in(workbook({GRID: lis}))
    lines = [lis[0], [f"{cast.grids[GRID].code}-1", "赵六", "户主", "男", "", "", "二组 2 号", ""]]
    outcome = bring_in(workbook({"柳林村二网格": lines}))
    assert outcome.counts["households_new"] == 0
    assert "属于另一个网格" in outcome.refused[0].faults[0].words


def tags_of_li(session, stamp):
    (father,) = find_people(stamp, id_number=LI)
    query = select(ResidentTag).where(ResidentTag.resident_id == father.id, ResidentTag.ended_at.is_(None))
    return [(tag.source, tag.expires_on) for tag in session.scalars(query)]


def test_an_export_that_comes_back_leaves_source_and_expiry_of_tags(
    session, workbook, bring_in, lis, as_staff, stamp, tmp_path, clock
):
    bring_in(workbook({GRID: lis}))
    (father,) = find_people(stamp, id_number=LI)
    put_tag(stamp, father.id, tag="low_income", source="县民政局 2026 年名单", expires_on=date(2026, 12, 31))
    outcome = bring_in(export(tmp_path, as_staff("zhou", Door.GRID)), by=as_staff("zhou", Door.GRID))
    assert tags_of_li(session, stamp) == [("县民政局 2026 年名单", date(2026, 12, 31))]
    assert outcome.counts["tags_put"] == 0


def test_another_list_renews_a_tag_and_says_whose_word_it_takes_the_place_of(session, workbook, bring_in, lis, stamp):
    bring_in(workbook({GRID: lis}))
    (father,) = find_people(stamp, id_number=LI)
    put_tag(stamp, father.id, tag="low_income", source="县民政局", expires_on=date(2026, 12, 31))
    outcome = bring_in(workbook({GRID: lis}))
    ((source, last),) = tags_of_li(session, stamp)
    assert (source, last > date(2027, 1, 1)) == ("名册导入：名册.xlsx", True)
    assert any("县民政局" in remark.words for remark in outcome.remarks)


def test_whoever_a_list_takes_off_is_visited_no_more_and_told_nothing_at_once(session, workbook, lis, stamp, as_staff, as_system):
    import_people(stamp, workbook({GRID: lis}), Order(source="a"))
    (father,) = find_people(stamp, id_number=LI)
    (son,) = find_people(stamp, id_number=LI_JR)
    put_care(stamp, father.id, by=CareBy.CADRE, staff="wu")
    put_care(stamp, father.id, by=CareBy.VOLUNTEER, carer_id=son.id)
    plan_visits(as_system)
    about = {"to": (Recipient.RESIDENT, father.id), "template": "filed", "params": {}, "case_id": None, "about": "x"}
    file_notices([notice_row("waiting", at=stamp.at, **about)])
    session.flush()
    gone = with_column(lis, "人员状态", "去世", "迁出", "去世")
    outcome = import_people(stamp, workbook({GRID: gone}), Order(source="b"), follow=follow_list)
    assert outcome.counts["residents_ended"] == 3
    tasks = session.scalars(select(VisitTask).where(VisitTask.household_id == father.household_id)).all()
    assert tasks != []
    assert {task.state for task in tasks} == {TaskState.CANCELLED}
    told = session.scalars(select(Notice).execution_options(populate_existing=True)).all()
    assert [row.state for row in told if row.about == "x"] == [NoticeState.DROPPED]
    deaths = {(row.recipient, row.template) for row in told if row.about == f"death:{father.id}"}
    assert (Recipient.STAFF, "death_carer") in deaths
    assert not any(recipient is Recipient.RESIDENT for recipient, _ in deaths)
    assert any(row.about == f"death:{son.id}" and row.template == "death_village" for row in told)


def test_a_list_that_is_only_tried_stops_no_visits(session, workbook, lis, stamp, as_system):
    import_people(stamp, workbook({GRID: lis}), Order(source="a"))
    plan_visits(as_system)
    gone = with_column(lis, "人员状态", "去世", "去世", "去世")
    import_people(stamp, workbook({GRID: gone}), Order(source="b", dry_run=True), follow=follow_list)
    assert TaskState.CANCELLED not in set(session.scalars(select(VisitTask.state)))


def test_a_house_that_a_list_says_stands_empty_is_visited_no_more(session, workbook, lis, stamp, as_system):
    import_people(stamp, workbook({GRID: lis}), Order(source="a"))
    plan_visits(as_system)
    empty = with_column(lis, "户籍类别", "空置户", "", "")
    import_people(stamp, workbook({GRID: empty}), Order(source="b"), follow=follow_list)
    (father,) = find_people(stamp, id_number=LI)
    states = session.scalars(select(VisitTask.state).where(VisitTask.household_id == father.household_id)).all()
    assert set(states) == {TaskState.CANCELLED}
