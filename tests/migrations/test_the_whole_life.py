"""A ledger as the first version left it, filled, goes on under the present one: nothing is lost, every chain holds."""

from collections.abc import Iterator
from datetime import timedelta
from json import dumps
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.exc import OperationalError

from app.core.chain import GENESIS
from app.core.database import db, transaction
from app.core.migrate import present_version, upgrade, wanted_version
from app.core.stamp import SYSTEM, Actor, ActorKind, Door, Role, Stamp
from app.ledger.commands import answer_case
from app.ledger.models import Case
from app.ledger.numbers import new_number
from app.ledger.reference import seed_reference
from app.ledger.sweep import sweep
from app.ledger.timeline import entry_columns, sealed_words, verify_ledger
from app.ledger.vocabulary import Action, State
from app.people.sessions import staff_actor
from tests.conftest import MONDAY, drop_database

BODY = "路灯坏了，请来修"
TABLES = ("case", "report", "entry", "entry_words", "deadline", "request", "assignment", "callback", "staff", "unit")


@pytest.fixture
def first_version(server, make_app) -> Iterator[Engine]:
    """A database at the first version, filled."""
    make_app(server)  # holds the keys that seal and link
    name = f"first_{uuid4().hex[:12]}"
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    engine = create_engine(server.replace("/minhu?", f"/{name}?"))
    try:
        upgrade(engine, to="0001")
        with engine.begin() as connection:
            _fill(connection)
        yield engine
    finally:
        engine.dispose()
        drop_database(server, name)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://").replace("/minhu?", "/postgres?")


def _put(connection: Connection, table: str, **columns: object) -> int:
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(
        f"CAST(:{name} AS jsonb)" if isinstance(value, dict | list) else f":{name}" for name, value in columns.items()
    )
    given = {name: dumps(value) if isinstance(value, dict | list) else value for name, value in columns.items()}
    return connection.execute(text(f'INSERT INTO "{table}" ({names}) VALUES ({values}) RETURNING id'), given).scalar_one()


def _fill(connection: Connection) -> None:
    """A county with an intake clerk; a case that waits with a pending request, one late, one in its second round, one closed."""
    county = _put(connection, "unit", code="01", name="云溪县", level="county", path="/1/", active=True)
    connection.execute(text("UPDATE unit SET path = '/' || id || '/'"))
    clerk = _put(connection, "staff", login="fang", name="方晓", password_hash="-", active=True, failed_count=0)
    _put(connection, "staff_post", staff_id=clerk, role="intake", unit_id=county)
    category = _put(connection, "category", path="城乡建设", name="城乡建设", urgent=False, active=True)
    connection.execute(text("INSERT INTO reason (code, kind, words, active) VALUES ('scope', 'reject', '不属于受理范围', true)"))
    policy = {"unit": "working_day", "hours": "work", "ladder": [], "active": True, "version": 1}
    overall = _put(connection, "deadline_policy", code="overall", clock="overall", amount=30, **policy)
    accept = _put(connection, "deadline_policy", code="accept", clock="accept", amount=2, **policy)
    for state, round_, policies in (
        ("submitted", 1, {"overall": overall, "accept": accept}),
        ("submitted", 1, {"overall": overall}),
        ("in_progress", 2, {"overall": overall}),
        ("closed", 1, {}),
    ):
        case = _case(connection, county, category, state, round_)
        for clock, policy_id in policies.items():
            due = MONDAY + timedelta(days=10 if clock == "overall" else 1)
            _put(
                connection, "deadline", clock=clock, subject="case", subject_id=case, case_id=case, round=round_,
                owner_unit_id=county, label="时限", policy_id=policy_id, amount=1, starts_at=MONDAY,
                warn_at=due - timedelta(hours=1),
                due_at=due, provisional=False, next_check_at=due, level=0, breached_at=MONDAY if round_ == 2 else None,
            )  # fmt: skip
        if len(policies) == 2:
            _put(
                connection, "request", case_id=case, kind="reject", state="pending", reason_code="scope", reply="请找物业",
                asked_by=clerk, asked_at=MONDAY,
            )  # fmt: skip


def _case(connection: Connection, county: int, category: int, state: str, round_: int) -> int:
    number, sealed = new_number(MONDAY), sealed_words(None, BODY)
    assert sealed is not None
    stamp = Stamp(Actor(ActorKind.SYSTEM), Role.SYSTEM, MONDAY, Door.IMPORT)
    entry = entry_columns(
        stamp, number, seq=1, before=GENESIS, action=Action.SUBMIT, states=(None, State(state)), facts={}, seal=sealed[1]
    )
    case = _put(
        connection, "case", number=number, state=state, channel="hotline", title=BODY, kind="help", category_id=category,
        urgency="normal", territory_path=f"/{county}/", confidential=False, anonymous=False, archived=False, round=round_, heat=1,
        opened_at=MONDAY, closed_at=MONDAY if state == "closed" else None, version=1, entry_count=1, chain_head=entry["link"],
    )  # fmt: skip
    _put(
        connection, "report", case_id=case, channel="hotline", title=BODY, body=BODY, said_at=MONDAY, received_at=MONDAY,
        anonymous=False, confidential=False,
    )  # fmt: skip
    entry_id = _put(connection, "entry", case_id=case, **entry)
    words = {"id": entry_id, "salt": sealed[0], "note": BODY}
    connection.execute(text("INSERT INTO entry_words (entry_id, salt, note) VALUES (:id, :salt, :note)"), words)
    return case


def _counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {table: connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() for table in TABLES}


def test_a_filled_ledger_is_carried_over_whole_and_goes_on(first_version, make_app):
    before = _counts(first_version)
    upgrade(first_version)
    assert present_version(first_version) == wanted_version()
    assert _counts(first_version) == before
    app = make_app(first_version.url.render_as_string(hide_password=False))
    with app.app_context():
        with transaction():
            seed_reference()
        assert verify_ledger().breaks == []
        waiting, late, again, closed = db.session.scalars(select(Case).order_by(Case.id)).all()
        assert (waiting.next_due_at, waiting.late_since) == (MONDAY + timedelta(days=1), None)
        assert (late.next_due_at, late.amber_at) == (MONDAY + timedelta(days=10), MONDAY + timedelta(days=10, hours=-1))
        assert (again.reworks, again.late_since, late.reworks) == (1, MONDAY, 0)
        assert (closed.next_due_at, closed.amber_at, closed.late_since) == (None, None, None)
        with transaction():
            clerk = staff_actor(1)
            at = MONDAY + timedelta(hours=1)
            answer_case(
                Stamp(clerk, Role.INTAKE, at, Door.DESK), waiting.number, reply="已转告物业，今晚修好。", outside_grids=True
            )
        swept = sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, MONDAY + timedelta(days=11), Door.JOB))
        assert swept.breaches == 1  # the late one's; the other's was written before, the answered one's was met
        assert verify_ledger().breaks == []
        db.session.remove()
        db.engine.dispose()


def test_a_migration_that_cannot_get_its_lock_gives_up_and_can_be_repeated(first_version, monkeypatch):
    monkeypatch.setattr("app.core.migrate.LOCK_TIMEOUT", "200ms")
    before = _counts(first_version)
    with first_version.connect() as reader:
        reader.execute(text('SELECT count(*) FROM "case"'))  # an open transaction that reads
        with pytest.raises(OperationalError, match="lock timeout"):
            upgrade(first_version)
    assert present_version(first_version) == "0001"
    assert _counts(first_version) == before
    upgrade(first_version)
    assert present_version(first_version) == wanted_version()
