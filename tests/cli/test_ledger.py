"""Proving the ledger from the command line: what was altered is named, and the exit status says so."""

import pytest
from sqlalchemy import text

from app.core.database import db, transaction
from app.core.stamp import ActorKind, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.intake.own_report import Matter, report_own
from app.ledger.rules.policy_editor import publish_policy
from app.people.identity import unmask
from app.people.sessions import staff_actor
from tests.cli.conftest import line_of
from tests.conftest import MONDAY
from tests.ledger.rules.test_policy_editor import draft


@pytest.fixture
def run(committed):
    """A command line to a ledger with two cases, one look at an identity and one new version of a policy."""
    with committed.app_context():
        cast = find_cast()
        actor = staff_actor(cast.staff["fang"].id)
        fang = Stamp(actor, actor.posts[0].role, MONDAY, Door.DESK)
        lin = Stamp(type(actor)(ActorKind.RESIDENT, cast.residents["lin"].id), "resident", MONDAY, Door.MINI_PROGRAM)
        with transaction():
            for body in ("路灯坏了三天了。", "水管漏水了。"):
                report_own(lin, Matter(body=body))
            unmask(fang, cast.residents["lin"].id, fields=("name",), reason="回访核对")
            administrator = Stamp(staff_actor(cast.staff["admin"].id), Role.ADMINISTRATOR, MONDAY, Door.DESK)
            publish_policy(administrator, draft(), reason="加快", version=1)
        yield line_of(committed)


def tamper(*statements):
    """Change what may not be changed, as somebody with the database's own password could."""
    with transaction():
        for table in ("entry", "identity_access", "policy_change", "deadline_policy"):
            db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
        for statement in statements:
            db.session.execute(text(statement))


def test_a_whole_ledger_is_proved(run):
    result = run("ledger", "verify")
    assert "2 cases, 2 entries, 0 broken cases" in result.stdout


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE entry SET at = at + interval '1 minute' WHERE case_id = (SELECT min(id) FROM \"case\")",
            "entry 1: entry was altered",
        ),
        ("UPDATE entry_words SET note = '没有说过' WHERE entry_id = (SELECT min(id) FROM entry)", "entry 1: words were altered"),
        ("DELETE FROM entry_words WHERE entry_id = (SELECT min(id) FROM entry)", "entry 1: words are missing"),
        ('UPDATE "case" SET state = \'closed\' WHERE id = (SELECT min(id) FROM "case")', "does not stand where its timeline ends"),
    ],
)
def test_what_was_altered_is_named_and_fails(run, statement, told):
    number = db.session.scalar(text('SELECT number FROM "case" ORDER BY id LIMIT 1'))
    tamper(statement)
    result = run("ledger", "verify", fails=True)
    assert f"case {number}, entry 1: " in result.stdout
    assert told in result.stdout
    assert "2 cases, 2 entries, 1 broken cases" in result.stdout


def test_every_broken_case_is_named(run):
    tamper("UPDATE entry_words SET note = '没有说过'")
    assert run("ledger", "verify", fails=True).stdout.count("words were altered") == 2


def test_an_altered_record_of_who_looked_is_named(run):
    tamper("UPDATE identity_access SET reason = '好奇'")
    result = run("ledger", "verify", fails=True)
    assert "identity access 1: the record was altered" in result.stdout
    assert "0 broken cases" in result.stdout


def test_an_altered_change_of_a_rule_is_named(run):
    tamper("UPDATE policy_change SET reason = '没有说过'")
    result = run("ledger", "verify", fails=True)
    assert "change of a rule 1: the record was altered" in result.stdout


def test_a_policy_that_was_altered_behind_the_editor_is_named(run):
    tamper("UPDATE deadline_policy SET amount = 50 WHERE code = 'resolve-help'")
    result = run("ledger", "verify", fails=True)
    assert "policy resolve-help, version 2: is not what its record says" in result.stdout
