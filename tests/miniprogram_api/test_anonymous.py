"""Anonymous reports: whoever takes the whole database finds nothing that leads from the case to the person."""

from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from app.core.crypto import keyring
from app.core.database import db
from app.ledger.models import Case, Report
from app.ledger.vocabulary import State
from app.notices.models import Notice
from app.people.models import ResidentIdentity, Session, WechatAccount
from tests.backstage import HAPPY


def everything(session) -> dict[str, list[dict]]:
    """Every row of every table, as dictionaries, with the transaction that wrote it."""
    tables = sorted(db.metadata.tables)
    return {name: [dict(row) for row in session.execute(text(f'SELECT xmin, t.* FROM "{name}" t')).mappings()] for name in tables}


def changed(before, after):
    """The rows that are new or different: table → rows."""
    return {name: [row for row in rows if row not in before[name]] for name, rows in after.items() if rows != before[name]}


def test_no_row_that_an_anonymous_report_leaves_tells_who_it_was(session, lin, cast, street_light, clock):
    lin_id = cast.residents["lin"].id
    account = session.scalars(select(WechatAccount).where(WechatAccount.resident_id == lin_id)).one()
    identity = session.get(ResidentIdentity, lin_id)
    hers = [account.openid, account.openid_index, identity.phone, identity.phone_index, identity.name]
    hers += [row.token_hash for row in session.scalars(select(Session).where(Session.resident_id == lin_id))]
    hers += [lin.token, "dev-lin", "林秀英", "13800000001", keyring().blind("wx-test\0dev-lin", field="openid")]
    clock.advance(minutes=30)
    before = everything(session)
    answer = lin.post("/anonymous-reports", street_light)
    assert answer.status_code == 201
    rows = changed(before, everything(session))
    assert set(rows) == {"case", "report", "entry", "entry_words", "deadline", "case_text", "first_answer", "sync_change"}
    for table, written in rows.items():
        for row in written:
            for column, value in row.items():
                assert value not in hers, (table, column)
                if isinstance(value, str):
                    assert not [each for each in hers if isinstance(each, str) and each in value], (table, column)
                names_a_person = column in ("actor_id", "filer_resident_id", "concerned_id", "resident_id", "household_id")
                assert not (names_a_person and value is not None), (table, column)
    (kept,) = rows["first_answer"]
    opened = keyring().decrypt(bytes(kept["sealed"]), field="first_answer.sealed")
    assert "lin" not in opened
    assert str(lin_id) not in opened.replace(answer.json["number"], "").replace(answer.json["claim_code"], "").split('"')


def test_no_row_of_hers_bears_the_moment_or_the_transaction_of_the_report(committed):
    """The mark of her session's use would; it is left out, so that time and transaction join nothing."""
    from tests.callers import resident_caller

    clock = committed.extensions["minhu"].clock
    lin = resident_caller(committed.test_client(), "lin")
    clock.advance(minutes=47)
    assert lin.post("/anonymous-reports", {"body": "有人半夜往河里倒垃圾。"}).status_code == 201
    with committed.app_context():
        rows = everything(db.session)
        case = rows["case"][0]
        about_people = ("resident", "resident_identity", "wechat_account", "session", "identity_access", "throttle", "notice")
        tied = [
            (table, column)
            for table in about_people
            for row in rows[table]
            for column, value in row.items()
            if (isinstance(value, datetime) and value == case["opened_at"]) or (column == "xmin" and value == case["xmin"])
        ]
    assert tied == []


def test_the_same_key_repeats_the_answer_without_knowing_whose_it_is(lin, street_light):
    key = str(uuid4())
    first, again = (lin.post("/anonymous-reports", street_light, key=key) for _ in range(2))
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"


def test_an_anonymous_report_is_in_nobodys_list_and_is_told_to_nobody(session, lin, street_light):
    number = lin.post("/anonymous-reports", street_light).json["number"]
    assert lin.get("/cases").json["items"] == []
    assert lin.get(f"/cases/{number}").status_code == 404
    assert session.scalars(select(Notice)).all() == []


def test_an_anonymous_report_takes_no_home_and_no_name(session, lin, street_light):
    for more in ({"at_home": True}, {"name": "林秀英"}, {"confidential": True}):
        answer = lin.post("/anonymous-reports", street_light | more)
        assert (answer.status_code, list(answer.json["errors"])) == (422, list(more))
    assert session.scalars(select(Report)).all() == []


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_an_anonymous_report_still_needs_somebody_signed_in(client, headers):
    answer = client.post("/miniprogram/v1/anonymous-reports", json={"body": "路灯坏了。"}, headers=headers)
    assert answer.status_code == 401


def test_an_anonymous_matter_closes_without_a_call_and_is_rated_by_its_code(session, lin, nobody, street_light, backstage):
    receipt = lin.post("/anonymous-reports", street_light).json
    proof = {"number": receipt["number"], "claim_code": receipt["claim_code"]}
    for step in (backstage.accept, backstage.dispatch, backstage.sign, backstage.report_result, backstage.let_pass):
        step(receipt["number"])
    shown = nobody.post("/look-ups", proof, key=None).json
    assert (shown["state"], shown["may_rate"]) == ("closed", True)
    assert "您可以在 12月8日 09:25 前评价。" in shown["what_next"]
    assert nobody.post("/look-ups/rating", proof | HAPPY).status_code == 201
    case = session.scalars(select(Case)).one()
    assert (case.state, case.heat) == (State.CLOSED, 1)
