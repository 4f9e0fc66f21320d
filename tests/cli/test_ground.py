"""The ground of every command: a sleeping database is woken and put to sleep again, one in use is left alone."""

import shutil
import tempfile
from pathlib import Path

import click
import psycopg
import pytest

from app.cli.ground import on_the_ledger, told
from app.core.database import db
from app.core.errors import Conflict, Invalid
from app.core.postgres import ensure_running, is_running, stop
from app.factory import create_app
from config import TestConfig
from tests.cli.conftest import line_of


class NotToday(Conflict):
    """今天不行"""


@pytest.fixture(scope="module")
def folder():
    """A data folder with a database that sleeps."""
    made = Path(tempfile.mkdtemp(prefix="minhu-cli-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        stop(made, mode="immediate")
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def asleep(folder):
    """An app on that folder with two commands of its own, of which `stumble` fails."""
    stop(folder)
    made = create_app(TestConfig(data_dir=folder))

    @made.cli.command()
    @on_the_ledger
    def ask():
        click.echo(db.session.scalar(db.text("SELECT 40 + 2")))

    @made.cli.command()
    @on_the_ledger
    def stumble():
        db.session.execute(db.text("SELECT 1"))
        raise NotToday

    yield made
    with made.app_context():
        db.engine.dispose()
    stop(folder)


def test_a_sleeping_database_is_woken_and_put_to_sleep_again(asleep, folder):
    assert line_of(asleep)("ask").stdout == "42\n"
    assert not is_running(folder)


def test_it_sleeps_again_after_a_command_that_failed(asleep, folder):
    line_of(asleep)("stumble", fails=True)
    assert not is_running(folder)


def test_a_running_database_is_left_running(asleep, folder):
    ensure_running(folder)
    assert line_of(asleep)("ask").stdout == "42\n"
    assert is_running(folder)


def test_one_that_somebody_else_has_begun_to_use_is_left_running(asleep, folder):
    kept = []

    @asleep.cli.command()
    @on_the_ledger
    def linger():
        kept.append(psycopg.connect(db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)))

    line_of(asleep)("linger")
    kept[0].close()
    assert is_running(folder)


class WrongForm(Invalid):
    """填写的内容有误"""


def test_a_refusal_is_told_by_its_code_and_words_with_its_fields():
    with pytest.raises(click.ClickException) as plain, told():
        raise NotToday("请明天再来")
    assert plain.value.message == "not_today: 请明天再来"
    with pytest.raises(click.ClickException) as fields, told():
        raise WrongForm(errors={"name": ["必填"]})
    assert fields.value.message == "wrong_form: 填写的内容有误\n  name: 必填"


def test_a_database_that_does_not_answer_is_told_in_a_sentence(tmp_path):
    made = create_app(TestConfig(data_dir=tmp_path, database_url=f"postgresql://minhu@/minhu?host={tmp_path}"))
    result = line_of(made)("ledger", "verify", fails=True)
    assert "The database does not answer" in result.stderr
