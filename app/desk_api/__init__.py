"""Keeps the desk door, one file per topic."""

from flask import Flask

from app.core.stamp import Door
from app.desk_api import (
    accounts,
    assignments,
    callbacks,
    calls,
    cases,
    corrections,
    county_rules,
    directory,
    disputes,
    duties,
    emergencies,
    figures,
    grid_shapes,
    handling,
    homes,
    identity,
    intake,
    meetings,
    merging,
    outcome,
    oversight,
    policies,
    registrations,
    requests,
    rosters,
    services,
    shifts,
    supervision,
    upstream,
    verification,
    visits,
    whistles,
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

PREFIX = "/desk/v1"


def register_desk(app: Flask) -> None:
    """Open the door."""
    topics = [
        *staff_sign_in(Door.DESK),
        registrations.blp,
        calls.blp,
        cases.blp,
        intake.blp,
        handling.blp,
        homes.blp,
        assignments.blp,
        emergencies.blp,
        corrections.blp,
        corrections.many_blp,
        duties.blp,
        duties.suggestions_blp,
        outcome.blp,
        callbacks.blp,
        verification.blp,
        requests.blp,
        supervision.blp,
        supervision.case_blp,
        oversight.blp,
        disputes.blp,
        disputes.looking,
        meetings.blp,
        merging.blp,
        upstream.blp,
        upstream.list_blp,
        policies.blp,
        policies.trial_blp,
        policies.changes_blp,
        county_rules.blp,
        *whistle_topics(Door.DESK),
        whistles.blp,
        shifts.blp,
        accounts.blp,
        identity.blp,
        directory.blp,
        figures.blp,
        grid_shapes.blp,
        grid_shapes.trial_blp,
        visits.blp,
        visits.plans_blp,
        effect_topic(Door.DESK),
        coverage_topic(Door.DESK),
        digest_topic(Door.DESK),
        *roster_topics(Door.DESK),
        *list_topics(Door.DESK),
        rosters.catalogue_blp,
        *uploads(Door.DESK, staff(Door.DESK)),
        services.items,
        services.orders,
        *service_topics(Door.DESK),
        *proactive_topics(Door.DESK),
    ]
    open_door(app, name="DESK", title="民呼 · 坐席台接口", prefix=PREFIX, blueprints=topics)
