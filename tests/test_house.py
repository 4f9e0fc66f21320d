"""The house keeps its own rules: guards that fail when two lists fall out of step."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select

import app.models
from app.cli.documents import documents, refusals
from app.core.database import Base, db
from app.core.jobs import JOBS
from app.ledger.intake.taking_in import take_in
from config import ROOT, SETTINGS, Config
from tests.ledger.intake.test_intake import lins_report

assert app.models

SOURCES = sorted((*ROOT.glob("app/**/*.py"), *ROOT.glob("miniprogram_api/**/*.py"), ROOT / "config.py"))


def calls(path: Path, name: str) -> list[int]:
    """Lines of a file on which something called `….name(` is called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [node.lineno for node in found if node.func.attr == name]


def test_commit_stands_once():
    places = [(path.relative_to(ROOT), line) for path in SOURCES for line in calls(path, "commit")]
    places = [place for place in places if "postgres" not in str(place[0])]
    assert [str(path) for path, _ in places] == ["app/core/database.py"]


def test_only_the_clock_asks_the_machine_for_the_time():
    places = {str(path.relative_to(ROOT)) for path in SOURCES for name in ("now", "utcnow", "today") if calls(path, name)}
    assert places <= {"app/core/clock.py"}


def test_only_config_reads_the_environment():
    readers = {
        str(path.relative_to(ROOT)) for path in SOURCES if re.search(r"os\.environ|os\.getenv", path.read_text(encoding="utf-8"))
    }
    assert readers <= {"config.py", "app/supervise.py"}


def test_the_models_are_what_the_migrations_build(session):
    context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
    assert compare_metadata(context, Base.metadata) == []


def test_every_setting_is_documented():
    Config()
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert SETTINGS
    for name, (_, words) in SETTINGS.items():
        assert f"`{name}`" in page
        assert len(words) > 10


def test_no_two_errors_have_the_same_code():
    codes = Counter(error.code() for error in refusals())
    assert {code for code, times in codes.items() if times > 1} == set()


def test_generated_documents_are_up_to_date(app):
    for path, text in documents().items():
        assert (ROOT / "docs" / path).read_text(encoding="utf-8") == text, f"docs/{path} is out of date: run `make openapi`"


def test_every_job_run_twice_changes_nothing_the_second_time(session, cast, clock, as_resident, as_system, gateway):
    take_in(as_resident("lin"), lins_report(cast))
    clock.advance(days=9)

    def picture() -> dict[str, int]:
        tables = [table for table in Base.metadata.sorted_tables if table.name != "job_run"]
        counts = {table.name: db.session.scalar(select(func.count()).select_from(table)) for table in tables}
        clocks = Base.metadata.tables["deadline"]
        counts["levels"] = db.session.scalar(select(func.sum(clocks.c.level)))
        return counts

    assert JOBS
    for job in JOBS.values():
        job.work(as_system)
    first, sent = picture(), len(gateway.sent)
    assert sent
    for job in JOBS.values():
        job.work(as_system)
    assert picture() == first
    assert len(gateway.sent) == sent


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_keeps(path):
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), path


def test_no_file_carries_a_machines_path():
    for path in SOURCES:
        assert not re.search(r"/(root|home)/[a-z]", path.read_text(encoding="utf-8")), path
