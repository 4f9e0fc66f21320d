"""Keeps the grid door, one file per topic."""

from flask import Flask

from app.core.stamp import Door
from app.grid_api import (
    calls,
    cases,
    consent_codes,
    field,
    filings,
    grids,
    heads,
    homes,
    looks,
    services,
    sync,
    talks,
    tasks,
    territory,
    visits,
)
from app.http.auth import staff
from app.http.blueprint import open_door
from app.http.coverage import coverage_topic
from app.http.digests import digest_topic
from app.http.lists import list_topics
from app.http.proactive import proactive_topics
from app.http.roster import roster_topics
from app.http.service_topics import service_topics
from app.http.sign_in import staff_sign_in
from app.http.uploads import uploads
from app.http.visit_effects import effect_topic
from app.http.whistles import whistle_topics

PREFIX = "/grid/v1"


def register_grid(app: Flask) -> None:
    """Open the door."""
    topics = [
        *staff_sign_in(Door.GRID),
        territory.blp,
        grids.blp,
        grids.moves,
        visits.blp,
        tasks.blp,
        tasks.history,
        effect_topic(Door.GRID),
        coverage_topic(Door.GRID),
        filings.blp,
        consent_codes.blp,
        homes.blp,
        homes.contacts,
        heads.blp,
        heads.work,
        field.listing,
        field.blp,
        field.calling,
        cases.blp,
        looks.listing,
        looks.blp,
        *whistle_topics(Door.GRID),
        digest_topic(Door.GRID),
        *roster_topics(Door.GRID),
        *list_topics(Door.GRID),
        services.items,
        services.orders,
        *service_topics(Door.GRID),
        services.account_codes,
        *uploads(Door.GRID, staff(Door.GRID)),
        *proactive_topics(Door.GRID),
        calls.blp,
        talks.blp,
        sync.pulling,
        sync.pushing,
    ]
    open_door(app, name="GRID", title="民呼 · 网格员接口", prefix=PREFIX, blueprints=topics)
