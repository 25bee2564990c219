"""Load that does not wait for whom it loads, and says what it cost to make."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from tests.bench.table import percentile

# Does `count` things that have become due, at once; what it raises counts as `count` failures.
Act = Callable[[int], Awaitable[None]]


@dataclass
class Tally:
    """What came of a load. A latency runs from when something was due, not from when it was sent.

    What was still unanswered at the end is counted with the time that it had waited by then.
    """

    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return (len(self.latencies) - self.unanswered) / self.seconds

    @property
    def p50(self) -> float | None:
        return percentile(self.latencies, 0.5)

    @property
    def p99(self) -> float | None:
        return percentile(self.latencies, 0.99)

    @property
    def trouble(self) -> str:
        """What did not go well, in a few words."""
        told = [f"{count} × {name}" for name, count in self.failures.items()]
        return ", ".join([*told, *([f"{self.unanswered} late"] if self.unanswered else [])])

    def count(self, latency: float, *, is_answered: bool = True) -> None:
        self.latencies.append(latency)
        self.unanswered += not is_answered


@dataclass
class Pace:
    """Each act every so many seconds, the acts spread evenly over that time.

    One that is late is not left out; what became due meanwhile follows as soon as the one before
    is done, or, where the acts gather, `most` of it together.
    """

    every: float
    seconds: float
    patience: float = 5.0
    most: int = 1


async def paced(acts: Sequence[Act], pace: Pace) -> Tally:
    """An open loop: the load comes when it comes, however slow the answers are."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    began = loop.time() + 0.1
    tasks = [
        loop.create_task(_keep_pace(act, began + at * pace.every / len(acts), pace, tally))
        for at, act in enumerate(acts)
    ]
    _, late = await asyncio.wait(tasks, timeout=pace.seconds + pace.patience)
    # An overloaded server is done later than asked: its rate is counted over all of that time.
    tally.seconds = max(pace.seconds, loop.time() - began)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return tally


async def _keep_pace(act: Act, due: float, pace: Pace, tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    end = due + pace.seconds
    try:
        while due < end - 1e-6:
            await asyncio.sleep(due - loop.time())
            waiting = 1 + int((min(loop.time(), end - 1e-6) - due) / pace.every)
            count = max(1, min(pace.most, waiting))
            await _attempt(act, count, [due + n * pace.every for n in range(count)], tally)
            due += count * pace.every
    except asyncio.CancelledError:
        while due < end - 1e-6:
            tally.count(loop.time() - due, is_answered=False)
            due += pace.every
        raise


async def _attempt(act: Act, count: int, dues: list[float], tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    try:
        await act(count)
    except (OSError, AssertionError) as cause:
        tally.failures[str(cause) or type(cause).__name__] += count
        # A server that refuses at once is not to be asked again at once.
        await asyncio.sleep(0.2)
        return
    for due in dues:
        tally.count(loop.time() - due)


async def flat_out(acts: Sequence[Act], seconds: float) -> Tally:
    """A closed loop: each act again as soon as it was answered. The most that can be had."""
    loop = asyncio.get_running_loop()
    tally = Tally(seconds=seconds)
    end = loop.time() + seconds

    async def again_and_again(act: Act) -> None:
        while loop.time() < end:
            await _attempt(act, 1, [loop.time()], tally)

    began = loop.time()
    await asyncio.gather(*map(again_and_again, acts))
    tally.seconds = loop.time() - began
    return tally


@dataclass
class Cost:
    """How many processors were busy: with making the load, and in each process that bore it."""

    ours: float = 0.0
    theirs: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        told = [f"{name} {share:.2f}" for name, share in self.theirs.items()]
        return ", ".join([*told, f"generator {self.ours:.2f}"])


@contextmanager
def costs(**processes: psutil.Process) -> Iterator[Cost]:
    cost = Cost()
    began, ours = time.monotonic(), time.process_time()
    theirs = {name: _seconds(process) for name, process in processes.items()}
    yield cost
    took = time.monotonic() - began
    cost.ours = (time.process_time() - ours) / took
    for name, process in processes.items():
        cost.theirs[name] = (_seconds(process) - theirs[name]) / took


def _seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system
