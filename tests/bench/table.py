"""Small tables, printed as they become known."""

from __future__ import annotations

import math
from collections.abc import Sequence

Cell = str | float | int | None


class Table:
    """Columns of text to the left and of numbers to the right, under a title."""

    def __init__(self, title: str, *columns: str) -> None:
        self.title = title
        self.columns = columns
        self.rows: list[list[str]] = []
        self.notes: list[str] = []

    def add(self, *cells: Cell) -> None:
        self.rows.append([_written(cell) for cell in cells])

    def note(self, text: str) -> None:
        self.notes.append(text)

    def show(self) -> None:
        lines = [list(self.columns), *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        print(f"\n{self.title}")
        for line in lines:
            first, *others = [(cell, width) for cell, width in zip(line, widths, strict=True)]
            print("  " + "  ".join([first[0].ljust(first[1]), *(c.rjust(w) for c, w in others)]))
        for note in self.notes:
            print(f"  {note}")
        # Somebody waits for minutes in front of it, perhaps through a pipe.
        print(end="", flush=True)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest rank: a value that was measured, not one between two; None without any."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:,.0f} ms"


def seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


def times(value: float | None, than: float | None) -> str:
    """A ratio, such as “0.42 ×”."""
    return "–" if not value or not than else f"{value / than:.2f} ×"


def mebibytes(count: float) -> str:
    return f"{count / 1024 / 1024:,.1f} MB"


def _written(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else cell
