"""Keeps the landing page, the API documents' pages, and the machine's health: `/`, `/docs/…`, `/healthz`, `/readyz`, `/metrics`."""

from flask import Flask

from app.home.health import health
from app.home.pages import pages


def register_home(app: Flask) -> None:
    """Open the landing page and the health routes."""
    app.register_blueprint(pages)
    app.register_blueprint(health)
