"""How an MP4 says that its picture is to be turned: a matrix in the header of the track.

Phones record upright pictures lying down and say so there (ISO/IEC 14496-12, 6.2.2 and 8.3.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# a, b, c, d of the matrix by degrees clockwise.
_TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}

# Filters that lay an upright picture down again, as a header of so many degrees expects it.
LAID_DOWN: dict[int, tuple[tuple[str, ...], ...]] = {
    0: (),
    90: (("transpose", "cclock"),),
    180: (("hflip",), ("vflip",)),
    270: (("transpose", "clock"),),
}

_ONE = 1 << 16  # they are fixed-point numbers

_MATRIX = {0: 40, 1: 52}  # where it begins in a track header's body, by the version of the box
_PARENTS = {b"moov", b"trak", b"mdia"}


def read_turn(path: Path) -> int | None:
    """Degrees clockwise by which the first picture is shown turned; `None` for anything odder."""
    with path.open("rb") as file:
        at = _matrix_of_picture(file)
        if at is None:
            return 0
        values = _numbers(file, at)
    shape = tuple((value > 0) - (value < 0) for value in values)
    return next((degrees for degrees, turn in _TURNS.items() if turn == shape), None)


def write_turn(path: Path, degrees: int) -> None:
    """Have the first picture of a finished MP4 shown turned by 0, 90, 180 or 270 degrees."""
    with path.open("r+b") as file:
        at = _matrix_of_picture(file)
        if at is None:
            return
        for place, value in zip(_PLACES, _TURNS[degrees], strict=True):
            file.seek(at + place)
            file.write((value * _ONE).to_bytes(4, "big", signed=True))


_PLACES = (0, 4, 12, 16)  # of a, b, c and d in a matrix of nine numbers


def _numbers(file: BinaryIO, at: int) -> list[int]:
    found = []
    for place in _PLACES:
        file.seek(at + place)
        found.append(int.from_bytes(file.read(4), "big", signed=True))
    return found


def _matrix_of_picture(file: BinaryIO) -> int | None:
    """Where the matrix of the first track with a picture stands, if there is one."""
    matrix: int | None = None
    for name, at in _walk(file, 0, file.seek(0, 2)):
        file.seek(at)
        if name == b"tkhd":
            matrix = at + _MATRIX.get(file.read(1)[0], _MATRIX[0])
        elif name == b"hdlr" and file.read(12)[8:] == b"vide":
            return matrix
    return None


def _walk(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """(name, beginning of the body) of all boxes down to those of a track."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, name, body = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), start + 16
        size = size or end - start
        if start + size > end or size < body - start:
            return
        if name in _PARENTS:
            yield from _walk(file, body, start + size)
        elif size > body - start:
            yield name, body
        start += size
