"""`python -m tests.bench [--full] [measurement …]`"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from typing import Protocol

from qualz.processes.child import allow_many_open_files
from tests.bench import (
    dashboard,
    drops,
    fuzzed_talks,
    in_step,
    killed_browser,
    merges,
    moderator,
    room_memory,
    set_up,
    simulated,
    sockets,
    together,
    uploads,
    ways_back,
    weights,
)
from tests.bench.results import Results
from tests.bench.targets import Figures


class Measurement(Protocol):
    """Prints its tables, and answers the figures for which there is a target."""

    def __call__(self, *, full: bool) -> Figures: ...


MEASUREMENTS: dict[str, Measurement] = {
    "fuzzed-talks": fuzzed_talks.measure,
    "weights": weights.measure,
    "in-step": in_step.measure,
    "killed-browser": killed_browser.measure,
    "simulated": simulated.measure,
    "drops": drops.measure,
    "ways-back": ways_back.measure,
    "moderator": moderator.measure,
    "dashboard": dashboard.measure,
    "uploads": uploads.measure,
    "sockets": sockets.measure,
    "together": together.measure,
    "room-memory": room_memory.measure,
    "merges": merges.measure,
    "set-up": set_up.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description="How fast Qualz is here")
    parser.add_argument("names", nargs="*", help=f"of: {', '.join(MEASUREMENTS)}")
    parser.add_argument("--full", action="store_true", help="all of it; takes much longer")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(MEASUREMENTS):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    # Whoever ends us ends what we started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended before it was done."))
    allow_many_open_files()
    # What merges say of themselves would stand between the tables.
    logging.disable(logging.INFO)
    began = time.monotonic()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors; {load:.1f} of them wanted in the last minute.")
    if load > 0.5:
        print("This machine is not quiet: what follows says more about that than about Qualz.")
    results = Results(full=asked.full)
    for name in asked.names or MEASUREMENTS:
        try:
            results.note(MEASUREMENTS[name](full=asked.full))
        except Exception as cause:
            # The others are still worth knowing.
            print(f"\n{name}: not measured: {type(cause).__name__}: {cause}")
    results.show()
    print(f"\nTook {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
