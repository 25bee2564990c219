"""All participants together, on one event loop, from the first at the door to the last goodbye."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable

from qualz.simulation.participant import Participant, Script
from qualz.simulation.tally import Tally

TELL_EVERY = 5.0  # seconds
ENOUGH = 60.0  # seconds that all may take to say goodbye

Tell = Callable[[str], None]


async def perform(
    script: Script, *, count: int, seconds: float, a_second: float, tally: Tally, tell: Tell
) -> list[Participant]:
    """Have `count` participants come, `a_second` of them each second, stay for `seconds` once all
    are there, and leave as they came. Ctrl-C sends them home earlier; once more, and nobody says
    goodbye."""
    people = [Participant(n, script, tally) for n in range(count)]
    stop, homes = asyncio.Event(), [asyncio.Event() for _ in people]
    tasks = [
        asyncio.create_task(_come(person, n / a_second, stop, home, tally))
        for n, (person, home) in enumerate(zip(people, homes, strict=True))
    ]
    _heed_interrupts(stop, tasks)
    telling = asyncio.create_task(_keep_telling(tally, count, tell))
    timer = asyncio.get_running_loop().call_later(count / a_second + seconds, stop.set)
    sending = asyncio.create_task(_send_home(stop, homes, a_second, tasks))
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in (telling, sending):
        task.cancel()
    timer.cancel()
    return people


async def _come(
    person: Participant, after: float, stop: asyncio.Event, home: asyncio.Event, tally: Tally
) -> None:
    try:
        async with asyncio.timeout(after):
            await stop.wait()
        return
    except TimeoutError:
        pass
    try:
        await person.take_part(home)
    except Exception as trouble:
        tally.errors[f"the simulator itself: {trouble!r}"] += 1


async def _send_home(
    stop: asyncio.Event,
    homes: list[asyncio.Event],
    a_second: float,
    tasks: list[asyncio.Task[None]],
) -> None:
    await stop.wait()
    for home in homes:
        home.set()
        await asyncio.sleep(1 / a_second)
    await asyncio.sleep(ENOUGH)
    for task in tasks:
        task.cancel()


def _heed_interrupts(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    def interrupted() -> None:
        if stop.is_set():
            for task in tasks:
                task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted)


async def _keep_telling(tally: Tally, count: int, tell: Tell) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(TELL_EVERY)
        p99 = tally.chunks.percentile(0.99)
        tell(
            f"{time.monotonic() - began:5.0f} s  {tally.entered:,} of {count:,} in, "
            f"{tally.chunks.count:,} chunks acknowledged"
            + (f" (p99 {p99 * 1000:.0f} ms)" if p99 is not None else "")
            + f", {len(tally.outages):,} outages, {tally.errors.total():,} errors"
        )
