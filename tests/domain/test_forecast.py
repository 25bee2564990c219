"""How long it still takes: nothing before it is sensible, and then nothing that trembles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from qualz.forecast import Forecast

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


def told(pace: Callable[[float], float], *, until: float) -> list[tuple[float, float | None]]:
    """(second, seconds left as forecast) at each half second of work that goes at a pace."""
    forecast = Forecast(START)
    found: list[tuple[float, float | None]] = []
    for half in range(1, int(2 * until)):
        now = START + timedelta(seconds=half / 2)
        forecast.learn(pace(half / 2), now=now)
        left = (forecast.ends_at - now).total_seconds() if forecast.ends_at else None
        found.append((half / 2, left))
    return found


def test_nothing_is_said_before_five_seconds_and_five_percent():
    quick = told(lambda second: second / 20, until=20)
    assert [at for at, left in quick if left is None][-1] == 4.5
    slow = told(lambda second: second / 1000, until=100)
    assert [at for at, left in slow if left is None][-1] == 49.5


def test_steady_work_is_told_to_the_second():
    for at, left in told(lambda second: second / 120, until=119):
        assert left is None or left == pytest.approx(120 - at, abs=1)


def test_work_that_goes_by_fits_and_starts_is_told_calmly():
    def in_leaps(second: float) -> float:
        return (second // 8) * 8 / 160

    lefts = [left for at, left in told(in_leaps, until=150) if left is not None and at > 30]
    rises = [after - before for before, after in pairwise(lefts)]
    assert max(rises) <= 0


def test_work_that_turns_out_slower_is_believed_within_its_first_third():
    def slowing(second: float) -> float:
        return second / 60 if second < 6 else 0.1 + (second - 6) / 600

    for at, left in told(slowing, until=500):
        if at > 200:
            assert left == pytest.approx(546 - at, rel=0.5)
