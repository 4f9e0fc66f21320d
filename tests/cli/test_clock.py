"""The development clock from the command line: it goes forward for everybody, or not at all."""

from datetime import timedelta

import click
import pytest

from app.cli.clock import read_step
from app.core.clock import DevelopmentClock
from tests.cli.conftest import line_of


@pytest.fixture
def run_ahead(server, make_app, tmp_path):
    return line_of(make_app(server, DevelopmentClock(tmp_path / "clock-offset")))


def test_a_development_clock_goes_on_for_everybody(run_ahead, tmp_path):
    assert "in China" in run_ahead("clock", "advance", "1 day 3 hours").stdout
    run_ahead("clock", "advance", "90 min")
    assert DevelopmentClock(tmp_path / "clock-offset").offset() == timedelta(days=1, hours=4, minutes=30).total_seconds()
    assert "ahead by 1 day, 4:30:00" in run_ahead("clock", "show").stdout


def test_another_clock_is_not_moved(run, clock):
    assert "2026-11-23 09:00:00 in China" in run("clock", "show").stdout
    assert "DEVELOPMENT_CLOCK=on" in run("clock", "advance", "1 day", fails=True).stderr


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("1 day 3 hours", {"days": 1, "hours": 3}),
        ("2d", {"days": 2}),
        ("1 week, 2 days and 30 minutes", {"weeks": 1, "days": 2, "minutes": 30}),
        ("1.5 hours", {"minutes": 90}),
        ("90 min 5 s", {"minutes": 90, "seconds": 5}),
    ],
)
def test_lengths_of_time_are_read(text, step):
    assert read_step(text) == timedelta(**step)


@pytest.mark.parametrize("text", ["", "soon", "3", "-1 day", "1 day ago", "1 month", "1 dayx", f"{10**9} weeks"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(click.BadParameter):
        read_step(text)
