"""Throttle: so many tries in a window, counted for everybody at once, forgotten in time."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.errors import TooMany
from app.core.throttle import Throttle, count_try, forget_tries

HOUR = timedelta(hours=1)


def test_tries_beyond_the_limit_are_refused_until_the_window_is_over(session, clock):
    for _ in range(3):
        count_try("k", clock(), most=3, window=HOUR)
    clock.advance(minutes=20)
    with pytest.raises(TooMany) as refused:
        count_try("k", clock(), most=3, window=HOUR)
    assert refused.value.retry_after == 40 * 60
    count_try("other", clock(), most=3, window=HOUR)
    clock.advance(minutes=40)
    count_try("k", clock(), most=3, window=HOUR)


def test_old_counts_are_forgotten_and_forgetting_twice_changes_nothing(session, clock, as_system):
    count_try("old", clock(), most=3, window=HOUR)
    clock.advance(days=1, seconds=1)
    count_try("new", clock(), most=3, window=HOUR)
    assert (forget_tries(as_system), forget_tries(as_system)) == (1, 0)
    assert session.scalar(select(func.count()).select_from(Throttle)) == 1
