"""Keeps the residents' door, one file per topic."""

from flask import Flask


def register_miniprogram(app: Flask) -> None:
    """Open the door."""
