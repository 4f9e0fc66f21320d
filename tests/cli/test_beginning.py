"""A ledger begins: schema, seeds, and the demo county where it belongs."""

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from app.core.crypto import keyring, use_keyring
from app.core.database import db
from app.core.migrate import FOLDER, present_version, wanted_version
from app.factory import RefusedInProduction, create_app
from app.ledger.clocks import DeadlinePolicy
from app.ledger.models import Case, Reason
from app.territory.calendar.models import CalendarYear
from config import TestConfig
from tests.cli.conftest import line_of


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_migrating_seeds_what_a_ledger_needs_and_names_unconfirmed_years(empty):
    with empty.app_context():
        run = line_of(empty)
        result = run("migrate")
        assert "The holidays of 2027, 2028 are not published" in result.stderr
        assert present_version(db.engine) == wanted_version()
        assert dict(db.session.execute(select(CalendarYear.year, CalendarYear.confirmed)).all()) == {
            2025: True, 2026: True, 2027: False, 2028: False,
        }  # fmt: skip
        seeded = count(DeadlinePolicy), count(Reason)
        assert min(seeded) > 0
        assert "; 0 days and years" in run("migrate").stdout
        assert (count(DeadlinePolicy), count(Reason)) == seeded


def test_the_demo_leaves_a_ledger_alone_that_holds_anything(run, session, cast):
    assert "not empty; nothing was added" in run("demo").stdout
    assert count(Case) == 0


def test_the_demo_is_refused_in_production(server, keys):
    kept = keyring()
    config = {"environment": "production", "wechat_gateway": "off", "database_url": server, "keys_file": keys}
    try:
        made = create_app(TestConfig(**config))
        assert "for development only" in line_of(made)("demo", fails=True).stderr
        with made.app_context():
            db.engine.dispose()
        with pytest.raises(RefusedInProduction):
            create_app(TestConfig(**config, demo=True))
    finally:
        use_keyring(kept)


def test_accounts_are_those_that_are_there(run, cast, empty):
    told = run("accounts").stdout
    assert "密码都是 minhu-demo" in told
    assert "fang" in told
    assert "dev:lin" in told
    with empty.app_context():
        assert "no demo accounts" in line_of(empty)("accounts").stdout


def test_the_numbers_of_the_migrations_are_their_order():
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == wanted_version()
    order = [script.revision for script in scripts.walk_revisions()]
    assert order == sorted(order, reverse=True)
