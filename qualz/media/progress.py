"""One figure from nought to one over stages of different weight."""

from __future__ import annotations

import time
from collections.abc import Callable

SELDOM = 0.5  # seconds
NEARLY = 0.99  # until everything is done, which only the caller can say


class Meter:
    """Adds stages up and reports a fraction that never falls, whatever is done twice."""

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report
        self._base = 0.0  # where the stage under way begins
        self._scale = 1.0
        self._shown = 0.0

    def expect(self, weight: float) -> None:
        """What is left from here on weighs this much in all."""
        self._scale = (1.0 - self._base) / weight if weight > 0 else 0.0

    def beat(self, fraction: float) -> None:
        """Say once more how far it is: work goes on that was not counted on."""
        self._report(self._shown)

    def stage(self, weight: float) -> Callable[[float], None]:
        """Begin a stage; call the answer with the fraction of it that is done."""
        base, share = self._base, weight * self._scale
        self._base = base + share

        def done(fraction: float) -> None:
            self._shown = max(self._shown, min(NEARLY, base + share * fraction))
            self._report(self._shown)

        return done


def seldom(say: Callable[[], None]) -> Callable[[], None]:
    """Something to call as often as one likes: `say` is called each half second at most."""
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last > SELDOM:
            last = time.monotonic()
            say()

    return beat
