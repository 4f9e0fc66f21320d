"""Keeps the landing page and the pages that show the API documents; no script stands in a page, nothing comes from elsewhere."""

from datetime import datetime
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, make_response, render_template, send_from_directory

from app.core.clock import CHINA
from app.demo.accounts import ACCOUNTS, RESIDENT_CODES
from app.demo.cast import PASSWORD
from app.home.health import readiness
from app.http.auth import now_clock
from app.ledger.labels import label
from app.ledger.showing.overview import late_cases, newest_entries

pages = Blueprint("pages", __name__, template_folder="templates")

DOORS = {"miniprogram": "居民小程序接口", "grid": "网格员接口", "desk": "坐席台接口"}
ASSETS = Path(__file__).parent / "assets"
SWAGGER = Path(str(files("flask_swagger_ui"))) / "dist"
SWAGGER_FILES = {"swagger-ui.css", "swagger-ui-bundle.js"}
PAGE_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
ASSET_SECONDS = 3600


@pages.get("/")
def landing() -> Response:
    """Show what runs where and, in a demo, whom to sign in as, the newest entries and the late cases."""
    state = readiness()
    shown = current_app.extensions["minhu"].config.demo and state["ready"]
    page = render_template(
        "landing.html",
        state=state,
        doors=DOORS,
        now=now_clock()(),
        accounts=ACCOUNTS if shown else (),
        residents=RESIDENT_CODES if shown else (),
        password=PASSWORD if shown else "",
        entries=newest_entries() if shown else [],
        late=late_cases() if shown else [],
        label=label,
        moment=_moment,
        fours=_fours,
        tone=_tone,
    )
    return _with_policy(make_response(page), PAGE_POLICY)


@pages.get("/docs/<door>")
def docs(door: str) -> Response:
    """Show the API document of a door."""
    if door not in DOORS:
        abort(404)
    return _with_policy(make_response(render_template("docs.html", door=door, title=DOORS[door])), DOCS_POLICY)


@pages.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """Serve a style sheet or script of ours, or of the document viewer."""
    folder = SWAGGER if name in SWAGGER_FILES else ASSETS
    return send_from_directory(folder, name, max_age=ASSET_SECONDS)


def _with_policy(response: Response, policy: str) -> Response:
    response.headers["Content-Security-Policy"] = policy
    return response


def _moment(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%m-%d %H:%M")


def _fours(number: str) -> str:
    return " ".join(number[place : place + 4] for place in range(0, len(number), 4))


def _tone(state: StrEnum) -> str:
    """Give the colour class of a state's badge."""
    quiet = {"closed", "rejected", "redirected", "merged", "withdrawn", "terminated", "void"}
    return "quiet" if state.value in quiet else "fresh" if state.value == "submitted" else "busy"
