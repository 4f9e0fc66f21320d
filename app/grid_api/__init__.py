"""Keeps the grid door, one file per topic."""

from flask import Flask


def register_grid(app: Flask) -> None:
    """Open the door."""
