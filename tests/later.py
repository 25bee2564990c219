"""Which variants of a test `make test` runs; the others are left to `make test-all`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def later_but_for(here: Sequence[Any], of: Sequence[Any]) -> list[Any]:
    """All of them as parameters of a test, those that are not `here` marked as long."""
    return [one if one in here else pytest.param(one, marks=pytest.mark.long) for one in of]
