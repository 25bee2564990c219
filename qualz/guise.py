"""Guises: what participants are called, and what is told of their words, in what leaves Qualz.

What was redacted is told of in none of them. Any other hides more; see `pseudonym`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qualz.mask import plain

if TYPE_CHECKING:
    from qualz.highlight import Highlight
    from qualz.interview import Interview
    from qualz.turn import Turn


class Guise:
    """This one hides nothing but what was redacted."""

    def label(self, interview: Interview) -> str:
        return interview.label

    def title(self, interview: Interview) -> str:
        return f"{interview.study.title} — {self.label(interview)}"

    def parameters(self, interview: Interview) -> dict[str, Any]:
        return interview.parameters

    def turn(self, turn: Turn) -> str:
        """What it reads."""
        return self.words(plain(turn.words), turn.interview)

    def quote(self, highlight: Highlight) -> str:
        return self.words(highlight.shown, highlight.turn.interview)

    def place(self, highlight: Highlight) -> int | None:
        """The character at which the quote begins in what the turn reads; None where the text has
        changed since."""
        at, turn = highlight.shown_at, highlight.turn
        if at is None:
            return None
        return self._place(plain(turn.words), at, highlight.shown, turn.interview)

    def words(self, text: str, interview: Interview) -> str:
        """What is told of words in which nothing is redacted, or not any more."""
        return text

    def _place(self, text: str, at: int, quote: str, interview: Interview) -> int | None:
        """Where in the words that are told a quote stands that stands `at` in the text."""
        return at


PLAIN = Guise()
