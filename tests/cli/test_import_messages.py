"""Past appeals from a table: whole, once, as archived history that troubles nobody."""

import csv
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.callbacks.models import Callback
from app.ledger.clocks import Deadline
from app.ledger.intake.archive import archive_messages
from app.ledger.intake.importing import PastMessage
from app.ledger.models import Case, Entry, EntryWords, Report
from app.ledger.numbers import check_number
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Channel, State
from app.notices.models import Notice
from app.people.identity import open_person
from app.people.models import Resident
from tests.cli.conftest import line_of
from tests.conftest import MONDAY

HEADER = "留言编号,留言用户,留言主题,留言时间,留言详情,点赞数"
LIGHT = "1001,A0001,路灯不亮,2019/2/28 11:25:05,村口的路灯坏了三天，请派人来修。,3"
WATER = "1002,A0002,家里停水,2019年3月1日,从昨晚开始没有水，孩子没法喝奶。,0"
AGAIN = "1003,A0001,路灯又坏了,2019-03-02 08:00,修好没两天又不亮了。,1"
REAL = Path(__file__).resolve().parents[3] / "shared" / "data"


def import_stamp():
    return Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.IMPORT)


def reports():
    return {row.source_key: row for row in db.session.scalars(select(Report).where(Report.source_key.is_not(None)))}


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_history_is_archived_with_its_own_times(run, session, clock, table):
    result = run("import", "messages", table(HEADER, LIGHT, WATER, AGAIN))
    assert "3 rows read, 3 stored, 0 already there, 0 refused" in result.stdout
    assert "Not used: 点赞数" in result.stdout
    report = reports()["history:1001"]
    case = report.case
    assert (case.state, case.archived, case.channel, case.title) == (State.CLOSED, True, Channel.MAILBOX, "路灯不亮")
    assert report.body == "村口的路灯坏了三天，请派人来修。"
    said = datetime(2019, 2, 28, 3, 25, 5, tzinfo=UTC)
    assert (report.said_at, case.opened_at, report.received_at) == (said, said, MONDAY)
    assert check_number(case.number).startswith("20190228")
    entry = session.scalars(select(Entry).where(Entry.case_id == case.id)).one()
    assert (entry.action, entry.at, entry.door) == (Action.ARCHIVE, MONDAY, Door.IMPORT)
    assert entry.facts["said_at"] == said.isoformat()
    assert entry.words.note == report.body
    assert verify_ledger().breaks == []


def test_history_troubles_nobody(run, table):
    run("import", "messages", table(HEADER, LIGHT, WATER))
    assert [count(model) for model in (Deadline, Notice, Callback)] == [0, 0, 0]


def test_a_person_of_the_source_is_one_resident_whose_name_is_sealed(run, session, table):
    before = count(Resident)
    run("import", "messages", table(HEADER, LIGHT, WATER, AGAIN))
    run("import", "messages", table(HEADER, "1004,A0001,谢谢,2019-04-01,路灯修好了，谢谢。,0"))
    run("import", "messages", table(HEADER, "1,A0001,别的系统,2019-04-01,别的系统里的同名用户。,0"), "--source", "other")
    found = reports()
    mine = {found[f"history:{number}"].concerned_id for number in (1001, 1003, 1004)}
    assert len(mine) == 1
    assert found["history:1002"].concerned_id not in mine
    assert found["other:1"].concerned_id not in mine
    assert count(Resident) == before + 3
    report = found["history:1001"]
    assert report.filer_resident_id == report.concerned_id
    assert open_person(session.get_one(Resident, report.concerned_id).identity).name == "A0001"
    dump = session.scalar(text("SELECT string_agg(i::text, ' ') FROM resident_identity i"))
    assert "A0001" not in dump
    assert b"A0001".hex() not in dump


def test_who_spoke_anonymously_is_nobody_and_without_a_user_nobody_knows(run, table):
    before = count(Resident)
    run("import", "messages", table(HEADER, "1,匿名,甲,2019-04-01,匿名说的话。,0", "2,,乙,2019-04-01,不知谁说的话。,0"))
    assert count(Resident) == before
    anonymous, unknown = reports()["history:1"], reports()["history:2"]
    assert (anonymous.anonymous, anonymous.case.anonymous, anonymous.concerned_id) == (True, True, None)
    assert (unknown.anonymous, unknown.concerned_id, unknown.filer_resident_id) == (False, None, None)


def test_a_file_goes_in_twice_without_a_duplicate(run, table):
    file = table(HEADER, LIGHT, WATER, AGAIN)
    run("import", "messages", file, "--batch", "2")
    assert "3 rows read, 0 stored, 3 already there, 0 refused" in run("import", "messages", file).stdout
    assert (count(Report), count(Case), count(Entry), count(EntryWords)) == (3, 3, 3, 3)


def test_an_interrupted_import_is_repeated_as_a_whole(run, table):
    run("import", "messages", table(HEADER, LIGHT))
    result = run("import", "messages", table(HEADER, LIGHT, WATER, AGAIN))
    assert "3 rows read, 2 stored, 1 already there" in result.stdout


def test_a_dry_run_tells_and_writes_nothing(run, table):
    run("import", "messages", table(HEADER, LIGHT))
    result = run("import", "messages", table(HEADER, LIGHT, WATER), "--dry-run")
    assert "2 rows read, 1 would be stored (dry run), 1 already there" in result.stdout
    assert count(Report) == 1


def test_wrong_rows_are_told_by_line_and_field_and_the_others_go_in(run, table, tmp_path):
    errors = tmp_path / "errors.csv"
    lines = (
        HEADER,
        LIGHT,
        ",A1,没有编号,2019-01-01,内容,0",
        "5,A1,没有内容,2019-01-01,,0",
        "6,A1,,昨天,内容,0",
        "7,A1,太早,1900-01-01,内容,0",
        "8,A1,未来,2030-01-01,内容,0",
        "1001,A1,重复,2019-01-01,内容,0",
        '9,"A1,引号没有收尾,2019-01-01,内容,0',
    )
    result = run("import", "messages", table(*lines), "--errors", errors, fails=True)
    assert "9 rows read" not in result.stdout
    assert "8 rows read, 2 stored, 0 already there, 6 refused" in result.stdout
    with errors.open(encoding="utf-8-sig", newline="") as report:
        told = [(row["line"], row["field"]) for row in csv.DictReader(report)]
    assert told == [("3", "number"), ("5", "said_at"), ("6", "said_at"), ("7", "said_at"), ("8", "number"), ("9", "")]
    assert reports()["history:5"].body == "没有内容"  # a title without a body is what was said
    assert "line 5, said_at: “昨天” is no date" in result.stderr


def test_history_is_never_cut(run, table):
    body = "很长的话。" * 2000
    title = "很长的标题" * 20
    run("import", "messages", table(HEADER, f"1,A1,{title},2019-01-01,{body},0"))
    report = reports()["history:1"]
    assert (report.body, report.title) == (body, title)


def test_a_title_is_made_where_there_is_none(run, table):
    run("import", "messages", table("编号,时间,内容", "1,2019-01-01,村口的路灯坏了。请来修。"))
    assert reports()["history:1"].title == "村口的路灯坏了"


def test_control_characters_are_taken_out_and_the_entry_says_so(run, session, table):
    result = run("import", "messages", table(HEADER, "1,A1,路灯,2019-01-01,路灯\x00坏\x07了,0"))
    assert "taken out of 1 rows" in result.stdout
    report = reports()["history:1"]
    assert report.body == "路灯坏了"
    entry = session.scalars(select(Entry).where(Entry.case_id == report.case_id)).one()
    assert entry.facts["control_characters_removed"] == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "gb18030"])
def test_whatever_an_office_saves_is_read(run, table, encoding):
    run("import", "messages", table(HEADER, LIGHT, encoding=encoding))
    assert reports()["history:1001"].body == "村口的路灯坏了三天，请派人来修。"


def test_columns_are_named_where_they_cannot_be_guessed(run, session, cast, table):
    header = "单号,谁,什么时候,说了什么,哪一类,怎么答的,何时答的"
    row = "1,张三,2019-01-01,路灯坏了,路灯照明,已修好，谢谢,2019-01-03 10:00"
    file = table(header.replace(",", "\t"), row.replace(",", "\t"))
    assert "No column for number, said_at, body" in run("import", "messages", file, fails=True).stderr
    names = {"number": "单号", "user": "谁", "said_at": "什么时候", "body": "说了什么", "category": "哪一类", "reply": "怎么答的",
             "replied_at": "何时答的"}  # fmt: skip
    run("import", "messages", file, *(word for name, column in names.items() for word in ("--map", f"{name}={column}")))
    report = reports()["history:1"]
    assert report.case.category_id == cast.categories["路灯照明"]
    assert report.case.closed_at == datetime(2019, 1, 3, 2, tzinfo=UTC)
    words = session.scalars(select(EntryWords).join(Entry).where(Entry.case_id == report.case_id)).one()
    assert words.reply == "已修好，谢谢"
    assert verify_ledger().breaks == []


def test_an_unknown_category_is_refused_unless_left_out(run, table):
    file = table("编号,时间,内容,分类", "1,2019-01-01,路灯坏了,没有这一类")
    assert "line 2, category: there is no category “没有这一类”" in run("import", "messages", file, fails=True).stderr
    run("import", "messages", file, "--map", "category=")
    assert reports()["history:1"].case.category_id is None


def test_live_appeals_start_their_clocks_and_tell_their_people(run, session, table):
    lines = (LIGHT, "2,匿名,甲,2019-04-01,匿名说的话。,0", f"3,A3,太长,2019-04-01,{'长' * 5000},0")
    result = run("import", "messages", table(HEADER, *lines), "--live", fails=True)
    assert "3 rows read, 2 stored, 0 already there, 1 refused" in result.stdout
    assert "line 4, body: 内容请不超过" in result.stderr
    report = reports()["history:1001"]
    assert (report.case.state, report.case.archived) == (State.SUBMITTED, False)
    assert report.said_at == datetime(2019, 2, 28, 3, 25, 5, tzinfo=UTC)
    clocks = session.scalars(select(Deadline.starts_at).where(Deadline.case_id == report.case_id)).all()
    assert clocks == [MONDAY, MONDAY]
    assert session.scalars(select(Notice.recipient_id)).all() == [report.concerned_id]
    again = run("import", "messages", table(HEADER, *lines), "--live", fails=True)
    assert "0 stored, 2 already there, 1 refused" in again.stdout
    assert verify_ledger().breaks == []


def test_units_come_first(empty, table):
    with empty.app_context():
        result = line_of(empty)("import", "messages", table(HEADER, LIGHT), fails=True)
        assert "county_missing" in result.stderr


def test_two_imports_at_once_store_each_message_once(committed):
    said = datetime(2019, 1, 1, tzinfo=UTC)
    messages = [
        PastMessage(line=n, number=str(n), user=f"A{n % 7}", anonymous=False, title="路灯", body=f"路灯坏了 {n}", said_at=said)
        for n in range(300)
    ]
    stored, barrier = [], threading.Barrier(2)

    def work(order):
        with committed.app_context():
            barrier.wait()
            for start in range(0, 300, 50):
                with transaction():
                    part = order[start : start + 50]
                    stored.append(archive_messages(import_stamp(), part, source="history", channel=Channel.MAILBOX))

    threads = [threading.Thread(target=work, args=(order,)) for order in (messages, messages[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with committed.app_context():
        assert sum(stored) == 300
        assert count(Report) == 300
        assert len({row.concerned_id for row in reports().values()}) == 7
        assert verify_ledger().breaks == []


@pytest.mark.skipif(not REAL.exists(), reason="the real files are not beside the checkout")
def test_the_real_files_go_in_whole_and_twice(empty):
    with empty.app_context():
        run = line_of(empty)
        assert "333 units new" in run("import", "units", REAL / "lingbi_units.csv").stdout
        assert "650 categories new" in run("import", "categories", REAL / "categories.csv").stdout
        assert "4326 rows read, 4326 stored, 0 already there, 0 refused" in run("import", "messages", REAL / "messages.csv").stdout
        assert "0 stored, 4326 already there, 0 refused" in run("import", "messages", REAL / "messages.csv").stdout
        assert (count(Report), count(Case), count(Entry), count(Deadline), count(Notice)) == (4326, 4326, 4326, 0, 0)
        assert "4326 cases, 4326 entries, 0 broken" in run("ledger", "verify").stdout
