"""Interviews of random people with a hostile model: how many rules are broken."""

from __future__ import annotations

import logging
import random
import time

from tests.bench.table import Table, seconds
from tests.bench.targets import Figures
from tests.domain.fuzzed import hold, hostile, random_guide, random_terms, violations
from tests.domain.talks import Talk


def measure(*, full: bool) -> Figures:
    count = 2000 if full else 300
    # The hostile model's failures are written down, each of them.
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    try:
        broken = sum(_broken(seed) for seed in range(count))
    finally:
        logging.disable(before)
    table = Table("Fuzzed interviews with a hostile model", "", "rules broken", "took")
    table.add(f"{count:,} interviews", broken, seconds(time.monotonic() - began))
    table.show()
    return {"rules": float(broken)}


def _broken(seed: int) -> int:
    chance = random.Random(seed)
    questions = random_guide(chance)
    talk = Talk(questions, hostile(chance, questions), random_terms(chance))
    return len(violations(hold(talk, chance)))
