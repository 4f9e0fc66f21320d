"""Intake: every report is stored whole, at once, in a case of its own."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import psycopg

from app.ledger.clocks import Deadline
from app.ledger.intake.storing import _STORE, AlreadyInLedger
from app.ledger.intake.submission import ConcernMissing, Submission, WordsUnfit
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case, Entry, Report
from app.ledger.numbers import check_number
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Channel, Kind, State
from app.notices.models import Notice


def lins_report(cast, **more):
    lin = cast.residents["lin"].id
    given = {
        "channel": Channel.MINI_PROGRAM,
        "body": "柳林村一组路口的路灯坏了三天了，晚上老人出门看不见。",
        "kind": Kind.HELP,
        "category_id": cast.categories["路灯照明"],
        "grid_id": cast.grids["柳林村一网格"].id,
        "filer_resident_id": lin,
        "concerned_id": lin,
    }
    return Submission(**(given | more))


def test_a_report_becomes_a_case_with_entry_clocks_and_notice(session, cast, as_resident):
    receipt = take_in(as_resident("lin"), lins_report(cast))
    case = session.get(Case, receipt.case_id)
    assert case.state is State.SUBMITTED
    assert check_number(receipt.number) == case.number
    assert receipt.claim_code is None
    assert [report.id for report in case.reports] == [receipt.report_id]
    assert session.scalar(select(func.count()).select_from(Entry).where(Entry.case_id == case.id)) == 1
    clocks = {d.clock.value: d for d in session.scalars(select(Deadline).where(Deadline.case_id == case.id))}
    assert set(clocks) == {"accept", "overall"}
    assert clocks["accept"].due_at.isoformat() == "2026-11-23T03:00:00+00:00"
    notice = session.scalars(select(Notice).where(Notice.case_id == case.id)).one()
    assert (notice.template, notice.recipient_id) == ("submit", cast.residents["lin"].id)
    assert verify_ledger().breaks == []


def test_the_same_source_key_is_taken_in_once(session, cast, as_resident):
    take_in(as_resident("lin"), lins_report(cast, source_key="import:1"))
    with pytest.raises(AlreadyInLedger):
        take_in(as_resident("lin"), lins_report(cast, source_key="import:1"))


@pytest.mark.parametrize(
    ("body", "word"),
    [("", "请用文字"), ("😀😀😀", "请用文字"), ("路灯坏了\x00", "控制字符"), ("长" * 5000, "不超过")],
)
def test_unfit_words_are_refused_by_field(session, cast, as_resident, body, word):
    with pytest.raises(WordsUnfit) as refused:
        take_in(as_resident("lin"), lins_report(cast, body=body))
    assert word in refused.value.errors["body"][0]
    assert session.scalar(select(func.count()).select_from(Report)) == 0


def test_an_anonymous_report_names_nobody_and_gets_a_claim_code(session, cast, as_anonymous):
    with pytest.raises(ConcernMissing):
        take_in(as_anonymous(), lins_report(cast, anonymous=True))
    receipt = take_in(as_anonymous(), lins_report(cast, anonymous=True, filer_resident_id=None, concerned_id=None))
    assert receipt.claim_code
    entry = session.scalars(select(Entry).where(Entry.case_id == receipt.case_id)).one()
    assert entry.actor_id is None
    assert session.scalars(select(Notice).where(Notice.case_id == receipt.case_id)).all() == []


def test_the_statement_that_stores_an_intake_stays_one_that_the_driver_keeps_prepared():
    compiled = _STORE.compile(dialect=psycopg.dialect())
    assert len(str(compiled)) <= 4096
    assert len(compiled.params) <= 50
