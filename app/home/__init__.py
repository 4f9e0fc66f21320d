"""Keeps the landing page, health and metrics."""

from flask import Flask


def register_home(app: Flask) -> None:
    """Open the landing page."""
