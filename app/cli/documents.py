"""Keeps the documents that are generated from the code: the doors' OpenAPI, settings, error codes, the workflow, the figures."""

import importlib
import json
import pkgutil
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

import app as application
import miniprogram_api
from app.core.errors import Refusal
from app.figures.page import figures_page
from app.ledger.showing.picture import workflow_page
from config import ROOT, SETTINGS, Config

DOORS = {"miniprogram": "MINIPROGRAM_", "grid": "GRID_", "desk": "DESK_"}


def documents() -> dict[Path, str]:
    """Give every generated document: its path below `docs/` and its text."""
    found = {Path("openapi") / f"{door}.json": openapi(door) for door in DOORS}
    return found | {
        Path("settings.md"): settings_page(),
        Path("errors.md"): errors_page(),
        Path("workflow.md"): workflow_page(),
        Path("figures.md"): figures_page(),
    }


def openapi(door: str) -> str:
    """Give a door's OpenAPI document as text, keys sorted, so that a change shows as a small difference."""
    api = current_app.extensions["flask-smorest"]["apis"][DOORS[door]]["ext_obj"]
    return json.dumps(api.spec.to_dict(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def settings_page() -> str:
    """Give the page of settings: all of them are told of when they are read."""
    Config()
    rows = [f"| `{name}` | `{default or ' '}` | {doc} |" for name, (default, doc) in sorted(SETTINGS.items())]
    head = ["# Settings", "", "Read from the environment by `config.py`, the only place that does.", ""]
    return "\n".join([*head, "| name | default | meaning |", "|---|---|---|", *rows, ""])


def errors_page() -> str:
    """Give the page of error codes."""
    rows = [
        f"| `{error.code()}` | {error.status} | {error.title()} |" for error in sorted(refusals(), key=lambda error: error.code())
    ]
    head = [
        "# Error codes",
        "",
        "Every error is `application/problem+json` with a stable `code`; titles are what people read. Besides these:",
        "`validation_failed` (422, field errors under `errors`), the names of HTTP's own statuses (`not_found`,",
        "`method_not_allowed` …), `conflict`, `database_unavailable` (503) and `internal_error` (500).",
        "",
    ]
    return "\n".join([*head, "| code | status | title |", "|---|---|---|", *rows, ""])


def refusals() -> set[type[Refusal]]:
    """Give every concrete refusal of the product, importing all its modules."""
    for package in (application, miniprogram_api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found: set[type[Refusal]] = set()
    waiting = [Refusal]
    while waiting:
        for error in waiting.pop().__subclasses__():
            waiting.append(error)
            if error.__module__ != "app.core.errors" and error.__module__.startswith(("app.", "miniprogram_api.")):
                found.add(error)
    return found


@click.command("write-docs")
@with_appcontext
def write_docs() -> None:
    """Write the generated documents below docs/."""
    for path, text in documents().items():
        whole = ROOT / "docs" / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, encoding="utf-8")
        click.echo(f"docs/{path}")
