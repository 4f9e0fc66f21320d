"""Keeps the desk door, one file per topic."""

from flask import Flask


def register_desk(app: Flask) -> None:
    """Open the door."""
