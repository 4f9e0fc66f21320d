"""Keeps the `flask` commands, one file per topic."""

from flask import Flask


def register_commands(app: Flask) -> None:
    """Give an app its commands."""
