"""Consent by texted code: it comes to the person's phone, names filer and matter, and serves one filer, one matter, once."""

import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select, text

from app.core.database import db, transaction
from app.core.stamp import Door, Stamp
from app.demo.cast import PASSWORD, find_cast
from app.filings.consent_codes import make_code, try_code, use_code
from app.filings.models import Consent, ConsentCode, ProxyFiling
from app.filings.rules import ConsentIncomplete
from app.people.sessions import staff_actor
from tests.callers import grid_caller
from tests.conftest import MONDAY

PHONE, TITLE = "13800000031", "高龄津贴没有到账"


@pytest.fixture
def wanted(filing):
    """What Wu files for old Sun, whose phone is at hand."""
    return filing | {"person": {"name": "孙大爷", "phone": PHONE}, "title": TITLE, "reason": "刚搬来，还没有登记。"}


def ask(caller, phone=PHONE, title=TITLE):
    return caller.post("/filings/consent-codes", {"phone": phone, "title": title})


def told(gateway):
    """The digits of the last text."""
    return re.search(r"\d{6}", gateway.texts[-1][1])[0]


def prove(caller, code_id, code):
    return caller.post(f"/filings/consent-codes/{code_id}/proof", {"code": code})


def by_code(wanted, code_id):
    return wanted | {"consent": {"method": "sms_code", "code_id": code_id}}


def test_the_text_names_filer_and_matter_and_the_code_is_kept_nowhere(session, wu, gateway):
    answer = ask(wu, "+86 138-0000-0031")
    assert answer.status_code == 201
    (sent,) = gateway.texts
    code = told(gateway)
    assert sent == (PHONE, sent[1])
    assert "柳林村吴村将代您反映“高龄津贴没有到账”" in sent[1]
    row = session.scalars(select(ConsentCode)).one()
    assert code.encode() not in row.code_hash
    assert PHONE.encode() not in row.phone_index
    assert code not in answer.text
    assert not session.scalars(text("SELECT params::text FROM notice")).all()


def test_a_filing_by_code_takes_the_code_that_the_person_told(session, wu, wanted, gateway):
    code_id = ask(wu).json["id"]
    unproved = wu.post("/filings", by_code(wanted, code_id))
    assert (unproved.status_code, list(unproved.json["errors"])) == (422, ["consent.code_id"])
    assert prove(wu, code_id, told(gateway)).json == {"id": code_id, "proved": True}
    assert wu.post("/filings", by_code(wanted, code_id)).status_code == 201
    assert session.scalars(select(Consent.code_id)).one() == code_id
    again = wu.post("/filings", by_code(wanted, code_id) | {"body": "又想代办另一件。"})
    assert (again.status_code, list(again.json["errors"])) == (422, ["consent.code_id"])
    assert session.scalar(select(func.count()).select_from(ProxyFiling)) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"person": {"name": "孙大爷", "phone": "13800000032"}}, "consent.code_id"),
        ({"person": {"name": "孙大爷"}}, "consent.code_id"),
        ({"title": "把宅基地让给邻居"}, "title"),
        ({"title": None}, "title"),
    ],
)
def test_the_code_speaks_of_one_phone_and_one_matter(session, wu, wanted, gateway, change, field):
    code_id = ask(wu).json["id"]
    prove(wu, code_id, told(gateway))
    answer = wu.post("/filings", by_code(wanted, code_id) | change)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert session.scalars(select(ConsentCode.used_at)).one() is None
    assert wu.post("/filings", by_code(wanted, code_id)).status_code == 201


def test_somebody_elses_code_is_not_there(wu, zhou, wanted, gateway):
    code_id = ask(wu).json["id"]
    stolen, unknown = prove(zhou, code_id, told(gateway)), prove(zhou, 10**9, "000000")
    assert (stolen.status_code, unknown.status_code) == (404, 404)
    assert stolen.json["code"] == unknown.json["code"] == "code_not_found"
    prove(wu, code_id, told(gateway))
    refused = zhou.post("/filings", by_code(wanted, code_id))
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["consent.code_id"])


def test_five_wrong_guesses_end_a_code_and_they_stay_counted(session, wu, gateway):
    code_id = ask(wu).json["id"]
    right = told(gateway)
    wrong = "000000" if right != "000000" else "000001"
    for left in (4, 3, 2, 1, 0):
        answer = prove(wu, code_id, wrong)
        assert (answer.status_code, answer.json["code"]) == (422, "wrong_code")
        assert (f"还可以试 {left} 次" in answer.json["errors"]["code"][0]) is (left > 0)
    assert (prove(wu, code_id, right).status_code, session.scalars(select(ConsentCode.tries)).one()) == (409, 5)


def test_a_code_is_told_within_ten_minutes_and_serves_within_the_hour(wu, wanted, gateway, clock):
    late = ask(wu).json["id"]
    clock.advance(minutes=10)
    assert prove(wu, late, told(gateway)).json["code"] == "code_expired"
    proved = ask(wu).json["id"]
    assert prove(wu, proved, told(gateway)).status_code == 200
    clock.advance(minutes=60)
    assert wu.post("/filings", by_code(wanted, proved)).status_code == 422


def test_one_telephone_is_not_flooded_by_two_filers(wu, zhou, gateway):
    for place in range(5):
        assert ask((wu, zhou)[place % 2]).status_code == 201
    answer = ask(zhou)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert len(gateway.texts) == 5
    assert ask(zhou, "13800000033").status_code == 201


def test_a_landline_gets_no_text_and_a_text_that_fails_is_told(wu, gateway):
    landline = ask(wu, "0557-0000001")
    assert (landline.status_code, list(landline.json["errors"])) == (422, ["phone"])
    gateway.failing = True
    assert (ask(wu).status_code, ask(wu).json["code"]) == (409, "text_not_sent")


def test_only_cadres_and_grid_workers_have_codes_sent(client, cast, gateway):
    hua = grid_caller(client, "hua", PASSWORD)
    assert (ask(hua).status_code, gateway.texts) == (403, [])


def test_two_filings_at_once_with_one_code_leave_one(committed):
    """Both have the same proved code in hand; the row is locked, and the second finds it used."""
    with committed.app_context():
        cast = find_cast()
        stamp = Stamp(staff_actor(cast.staff["wu"].id), staff_actor(cast.staff["wu"].id).posts[0].role, MONDAY, Door.GRID)
        with transaction():
            made = make_code(stamp, phone=PHONE, title=TITLE)
        with transaction():
            assert try_code(stamp, made.id, made.params["code"]) is None
    ready, done = Barrier(2), []

    def file():
        with committed.app_context():
            ready.wait()
            try:
                with transaction():
                    use_code(stamp, made.id, phone=PHONE, title=TITLE)
                done.append("used")
            except ConsentIncomplete:
                done.append("refused")
            finally:
                db.session.remove()

    threads = [Thread(target=file) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timedelta(seconds=20).total_seconds())
    assert sorted(done) == ["refused", "used"]


def test_the_words_of_a_code_reach_no_log(wu, gateway, caplog):
    with caplog.at_level("DEBUG"):
        ask(wu)
        gateway.failing = True
        ask(wu)
    assert gateway.texts[0][1] not in caplog.text
    assert PHONE not in caplog.text
