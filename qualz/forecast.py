"""When work that tells how far it is will be done: calmly, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp

# Before both, whatever is said would be a guess.
SOON, LITTLE = timedelta(seconds=5), 0.05
# Seconds in which a new pace of work is believed by two thirds.
CALM = 10.0
# By so much of what is left a guess may be off before the forecast follows it: a clock that runs
# down is easier to believe than one that trembles.
NEAR = 0.15


@dataclass(slots=True)
class Forecast:
    """Learns from each report of progress. `ends_at` is None while nothing sensible can be said."""

    began_at: datetime
    ends_at: datetime | None = None
    _learnt_at: datetime | None = None

    def learn(self, progress: float, *, now: datetime) -> None:
        """`progress` is a fraction of the whole."""
        elapsed = now - self.began_at
        if elapsed < SOON or progress < LITTLE:
            return
        left = elapsed * max(0.0, 1 - progress) / progress
        guess = now + left
        if self.ends_at is None or self._learnt_at is None:
            self.ends_at = guess
        elif abs(guess - self.ends_at) > left * NEAR:
            waited = (now - self._learnt_at).total_seconds()
            self.ends_at += (guess - self.ends_at) * (1 - exp(-waited / CALM))
        self._learnt_at = now
