"""Keeps the machine's health: alive, ready, and figures for Prometheus."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core.clock import CHINA
from app.core.database import db
from app.core.jobs import heartbeat
from app.core.migrate import present_version, wanted_version
from app.http.auth import now_clock
from app.ledger.showing.overview import watch

health = Blueprint("health", __name__)

LATE_SECONDS = 60
"""A heartbeat older than this is told as missing; the sweep runs every ten seconds."""


@health.get("/healthz")
def healthz() -> Response:
    """Tell that the process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Tell whether the database and its schema are there; the scheduler's heartbeat is told, but does not decide."""
    state = readiness()
    return jsonify(state), 200 if state["ready"] else 503


def readiness() -> dict[str, Any]:
    """Give what `/readyz` tells."""
    try:
        db.session.execute(text("SELECT 1"))
        present = present_version(db.engine)
    except SQLAlchemyError:
        return {"ready": False, "database": "unavailable", "migrations": "unknown", "scheduler": {"alive": False}}
    if present != wanted_version():
        return {"ready": False, "database": "ok", "migrations": "behind", "scheduler": {"alive": False}}
    return {"ready": True, "database": "ok", "migrations": "ok", "scheduler": _scheduler(heartbeat(), now_clock()())}


def _scheduler(last: datetime | None, now: datetime) -> dict[str, Any]:
    age = (now - last).total_seconds() if last else None
    seen = last.astimezone(CHINA).isoformat(timespec="seconds") if last else None
    return {"alive": age is not None and age < LATE_SECONDS, "heartbeat": seen, "seconds_ago": age and round(age, 1)}


@health.get("/metrics")
def metrics() -> Response:
    """Give the figures that tell whether the machinery keeps up, counted when asked."""
    registry = CollectorRegistry()
    counts = watch()
    last = heartbeat()
    age = (now_clock()() - last).total_seconds() if last else float("inf")
    for name, value, words in (
        ("minhu_scheduler_heartbeat_age_seconds", age, "Seconds since a scheduled job last finished."),
        ("minhu_late_clocks", counts.late_clocks, "Open clocks that are past due."),
        ("minhu_set_aside_clocks", counts.set_aside_clocks, "Clocks that the sweep could not read."),
        ("minhu_waiting_notices", counts.waiting_notices, "Notices that wait to be sent."),
        ("minhu_dead_notices", counts.dead_notices, "Notices that were given up and wait for an administrator."),
    ):
        Gauge(name, words, registry=registry).set(value)
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
