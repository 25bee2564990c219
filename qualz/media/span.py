"""Spans of a recording that nobody is to hear, or see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

# Seconds before and after each span that go with it: engines tell words' times only so exactly,
# and an encoder's packet reaches over its edges.
MARGIN = 0.15


class Treatment(StrEnum):
    """What is heard instead."""

    SILENCE = "silence"
    BEEP = "beep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From and to which second of the recording."""

    begins: float
    ends: float
    treatment: Treatment = Treatment.SILENCE
    covers_picture: bool = False

    @property
    def widened(self) -> Span:
        return replace(self, begins=max(0.0, self.begins - MARGIN), ends=self.ends + MARGIN)
