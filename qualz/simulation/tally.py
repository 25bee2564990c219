"""What came of a simulation, counted as it goes; it takes the same room after a year."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from random import SystemRandom

CHANCE = SystemRandom()
# Each step is so much longer than the one before: a percentile is off by 1 % at most.
STEP = math.log(1.02)
SHORTEST = 0.0001  # seconds


class Waits:
    """How long was waited, in seconds."""

    def __init__(self) -> None:
        self._steps: Counter[int] = Counter()
        self.count = 0
        self.longest = 0.0

    def note(self, seconds: float) -> None:
        self._steps[round(math.log(max(seconds, SHORTEST) / SHORTEST) / STEP)] += 1
        self.count += 1
        self.longest = max(self.longest, seconds)

    def percentile(self, share: float) -> float | None:
        """None where nothing was noted."""
        left = math.ceil(share * self.count)
        for step in sorted(self._steps):
            left -= self._steps[step]
            if left <= 0:
                return min(SHORTEST * math.exp(step * STEP), self.longest)
        return None

    def as_json(self) -> dict[str, float | int | None]:
        """In milliseconds."""
        shares = {"p50": self.percentile(0.5), "p99": self.percentile(0.99)}
        told = {**shares, "longest": self.longest if self.count else None}
        return {
            "count": self.count,
            **{
                name: None if told is None else round(told * 1000, 1) for name, told in told.items()
            },
        }


@dataclass
class Outage:
    """A time in which a participant's network was away, by this machine's clock."""

    interview: str
    kind: str
    began: float
    ended: float = 0.0

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class Tally:
    # Where the network was there: from when a chunk was due, by its recorder and the pace that the
    # server asks for, until it was acknowledged; and from when a second was recorded.
    chunks: Waits = field(default_factory=Waits)
    safe: Waits = field(default_factory=Waits)
    heartbeats: Waits = field(default_factory=Waits)
    # How late this program was at what it had to do: where it is, the other figures are its own.
    late: Waits = field(default_factory=Waits)
    errors: Counter[str] = field(default_factory=Counter)
    outages: list[Outage] = field(default_factory=list)
    entered: int = 0
    ended: int = 0
    answers: int = 0
    bytes_sent: int = 0
    requests: int = 0  # that brought bytes, answered or not
