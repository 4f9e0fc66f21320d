"""Lists that are asked for at the desk: written by a scheduler, fetched by whoever asked, on record, let go after a day."""

import io

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from app.core.jobs import JOBS
from app.people.identity import verify_accesses
from app.people.models import IdentityAccess, Resident, Staff
from app.people.roster.lists import exports
from app.people.roster.lists.models import ImportState, ListExport


@pytest.fixture
def work(as_system):
    return lambda: JOBS["write-lists"].work(as_system)


def ask(caller, path="/roster-exports", **wanted):
    answer = caller.post(path, wanted)
    assert answer.status_code == 201, answer.text
    return answer.json


def lines(caller, export_id):
    answer = caller.get(f"/list-exports/{export_id}/list.xlsx")
    assert answer.status_code == 200, answer.text
    return CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()


def test_a_list_is_asked_for_written_and_fetched(desk, work):
    admin = desk("admin")
    asked = ask(admin)
    assert (asked["state"], asked["of"], asked["plain"], asked["has_file"]) == ("waiting", "roster", False, False)
    assert asked["words"].startswith("正在后台写")
    assert admin.get(f"/list-exports/{asked['id']}/list.xlsx").json["code"] == "list_export_not_found"
    assert work() == 1
    told = admin.get(f"/list-exports/{asked['id']}").json
    assert (told["state"], told["has_file"], told["words"]) == ("done", True, "已经写好，请在 11 月 24 日 09:00 前下载")
    assert "郑**" in [line[4] for line in lines(admin, asked["id"])[1:]]
    assert [each["id"] for each in admin.get("/list-exports").json["items"]] == [asked["id"]]
    assert work() == 0


def test_a_plain_list_needs_a_reason_and_is_on_record_before_it_can_be_fetched(session, desk, work):
    admin = desk("admin")
    refused = admin.post("/roster-exports", {"plain": True})
    assert (refused.json["code"], list(refused.json["errors"])) == ("export_reason_missing", ["reason"])
    asked = ask(admin, plain=True, reason="报送", profile="province_people")
    work()
    people = len(lines(admin, asked["id"])) - 1
    record = session.scalars(select(IdentityAccess)).one()
    assert (record.reason, record.count, record.staff_id) == ("报送", people, admin_id(session))
    assert verify_accesses() is None
    dump = session.scalar(text("SELECT e::text FROM list_export e"))
    assert "郑守田" not in dump
    assert b"PK\x03\x04".hex() not in dump


def admin_id(session):
    return session.scalars(select(Staff.id).where(Staff.login == "admin")).one()


def test_what_may_not_be_had_is_refused_when_it_is_asked_for(desk):
    admin = desk("admin")
    for wanted, code in (
        ({"profile": "none"}, "export_profile_not_found"),
        ({"profile": "province_visits"}, "export_profile_not_found"),
        ({"grid": "123"}, "grid_not_found"),
        ({"tag": "none"}, "tag_not_found"),
    ):
        assert admin.post("/roster-exports", wanted).json["code"] == code
    span = {"profile": "province_visits", "since": "2026-11-01T00:00:00+08:00", "until": "2026-11-01T00:00:00+08:00"}
    assert admin.post("/visit-exports", span).json["code"] == "export_span_unfit"
    assert desk("sun").post("/roster-exports", {}).json["code"] == "roster_is_not_yours_to_edit"


def test_visits_are_asked_for_in_the_same_way(desk, work):
    span = {"profile": "province_visits", "since": "2026-11-01T00:00:00+08:00", "until": "2026-12-01T00:00:00+08:00"}
    asked = ask(desk("admin"), "/visit-exports", **span)
    assert (asked["of"], asked["profile"]) == ("visits", "province_visits")
    work()
    assert lines(desk("admin"), asked["id"])[0][0] == "走访编号"


def test_a_list_is_fetched_by_whoever_asked_alone(desk, work):
    asked = ask(desk("admin"))
    work()
    for path in (f"/list-exports/{asked['id']}", f"/list-exports/{asked['id']}/list.xlsx"):
        assert desk("wu").get(path).json["code"] == desk("sun").get(path).json["code"] == "list_export_not_found"
    assert desk("wu").get("/list-exports").json["items"] == []


def test_a_list_is_let_go_after_a_day(session, desk, work, clock):
    asked = ask(desk("admin"))
    work()
    clock.advance(hours=25)
    work()
    told = desk("admin").get(f"/list-exports/{asked['id']}").json
    assert (told["state"], told["has_file"], told["kept_until"]) == ("done", False, None)
    assert told["words"] == "已过保存时间，需要时请重新导出"
    session.expire_all()
    assert session.get_one(ListExport, asked["id"]).file is None


def test_a_list_is_written_with_the_rights_of_that_moment(session, desk, work):
    asked = ask(desk("admin"))
    session.scalars(select(Staff).where(Staff.login == "admin")).one().active = False
    session.flush()
    assert work() == 1
    session.expire_all()
    row = session.get_one(ListExport, asked["id"])
    assert (row.state, row.file) == (ImportState.REFUSED, None)


def test_one_person_does_not_fill_the_line(desk, work):
    for _ in range(exports.MOST_WAITING):
        ask(desk("admin"))
    full = desk("admin").post("/roster-exports", {})
    assert (full.status_code, full.json["code"]) == (429, "exports_in_line")
    ask(desk("wu"))
    assert work() == exports.MOST_WAITING + 1
    ask(desk("admin"))


@pytest.mark.parametrize(("tries", "state"), [(1, ImportState.DONE), (2, ImportState.FAILED)])
def test_a_list_over_which_a_process_ended_is_tried_once_more(session, desk, work, clock, tries, state):
    row = session.get_one(ListExport, ask(desk("admin"))["id"])
    row.state, row.touched_at, row.tries = ImportState.RUNNING, clock(), tries
    session.flush()
    assert work() == 0
    clock.advance(minutes=11)
    work()
    session.expire_all()
    assert row.state is state


def test_what_fails_is_tried_again_and_then_told(session, desk, work, cast):
    asked = ask(desk("admin"))
    session.get_one(Resident, cast.residents["zheng"].id).identity.name = b"\0" * 40
    session.commit()
    assert work() == 1
    assert desk("admin").get(f"/list-exports/{asked['id']}").json["state"] == "waiting"
    work()
    work()
    told = desk("admin").get(f"/list-exports/{asked['id']}").json
    assert (told["state"], told["words"]) == ("failed", "写了两次都中断，请分网格导出")
