"""Joins WebM parts of one kind as quickly as they can be copied, each packet bit for bit.

Only what is wrapped round the packets is new: numbers of tracks, times, clusters, and in front
what browsers leave out, that is length, chapters, title and an index.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from qualz.media import matroska
from qualz.media.containers import CLUSTER, CUES, EBML, SEGMENT, TRACK_ENTRY, TRACKS
from qualz.media.join import CUE, Chapter, chapters, index_space, printable
from qualz.media.matroska import Block, Reader, element, number, real, text
from qualz.media.normalise import Piece
from qualz.media.plan import Plan
from qualz.media.target import CannotMerge

# Milliseconds and bytes, as recommended in RFC 9559 section 25.1. Sound may lie a little before the
# picture that its cluster begins with.
LONGEST_CLUSTER, EARLIEST, LARGEST_CLUSTER = 5000, -1000, 5_000_000
EPOCH = datetime(2001, 1, 1, tzinfo=UTC)  # from which DateUTC counts nanoseconds
LOOK_UP = 4096  # blocks between two reports of progress

# Identifiers of RFC 9559.
SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
DURATION, DATE, TITLE, MUXING_APP, WRITING_APP = 0x4489, 0x4461, 0x7BA9, 0x4D80, 0x5741
CHAPTERS, EDITION, ATOM, ATOM_UID = 0x1043A770, 0x45B9, 0xB6, 0x73C4
ATOM_START, ATOM_END, DISPLAY, STRING, LANGUAGE = 0x91, 0x92, 0x80, 0x85, 0x437C
TAGS, TAG, TARGETS, SIMPLE_TAG, TAG_NAME, TAG_STRING = (
    *(0x1254C367, 0x7373, 0x63C0, 0x67C8, 0x45A3, 0x4487),
)
CUE_POINT, CUE_TIME, CUE_PLACES, CUE_TRACK, CUE_CLUSTER = 0xBB, 0xB3, 0xB7, 0xF7, 0xF1

_HEADER = element(
    int.from_bytes(EBML, "big"),
    *(number(0x4286, 1), number(0x42F7, 1), number(0x42F2, 4), number(0x42F3, 8)),
    *(text(0x4282, "webm"), number(0x4287, 4), number(0x4285, 2)),
)


def splice(
    pieces: Sequence[Piece],
    plan: Plan,
    folder: Path,
    *,
    title: str,
    recorded_at: datetime | None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Path:
    """Write the joined file into `folder`. Raises `CannotMerge` for what is no browser's WebM."""
    path = folder / "joined.webm"
    kinds = [track.kind for track in (plan.video, plan.audio) if track]
    whole = sum(piece.path.stat().st_size for piece in pieces) or 1
    start, read = 0.0, 0
    with path.open("wb") as file:
        out = _Output(file, kinds[0] == "video")
        for piece in pieces:
            shift = round((start - piece.origins[0]) * 1000)
            with Reader(piece.path) as reader:
                for count, block in enumerate(reader.blocks()):
                    if count == 0:
                        numbers = _numbers(reader, kinds)
                        if not out.has_begun:
                            out.begin(_Front(pieces, _entries(reader, kinds), title, recorded_at))
                    if track := numbers.get(block.track):
                        # Several packets in one block, or packed ones: no browser writes them.
                        if block.is_laced:
                            raise CannotMerge("a part holds several packets in one block")
                        out.add(block, block.time + shift, track)
                    if count % LOOK_UP == 0:
                        on_progress(min(1.0, (read + reader.position) / whole))
                read += reader.position
            start += piece.duration
        out.finish()
    on_progress(1.0)
    return path


def _numbers(reader: Reader, kinds: Sequence[str]) -> dict[int, int]:
    """The first track of each kind, by its number in the part, and its number from now on."""
    if reader.scale != matroska.MILLISECONDS:
        raise CannotMerge("a part does not count in milliseconds")
    found: dict[int, int] = {}
    for wanted, kind in enumerate(kinds, 1):
        tracks = [track for track in reader.tracks if track.kind == kind]
        if not tracks or tracks[0].is_encoded:
            raise CannotMerge(f"a part has no track for its {kind} that could be copied")
        found[tracks[0].number] = wanted
    return found


def _entries(reader: Reader, kinds: Sequence[str]) -> list[bytes]:
    firsts = (next(track for track in reader.tracks if track.kind == kind) for kind in kinds)
    return [
        element(TRACK_ENTRY, number(matroska.TRACK_NUMBER, place), track.fields)
        for place, track in enumerate(firsts, 1)
    ]


class _Front:
    """All that stands before the clusters; its length is known before they are written."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        entries: Sequence[bytes],
        title: str,
        recorded_at: datetime | None,
    ) -> None:
        duration = sum(piece.duration for piece in pieces)
        self.elements = [
            (matroska.INFO, _info(duration, title, recorded_at)),
            (TRACKS, element(TRACKS, *entries)),
            (CHAPTERS, element(CHAPTERS, element(EDITION, *map(_atom, chapters(pieces))))),
            *([(TAGS, _tags(recorded_at))] if recorded_at else []),
        ]
        self.room = index_space(pieces)

    def write(self, cues: bytes) -> bytes:
        """With the cues at the end and what is left of their room."""
        elements = [*self.elements, (CUES, cues + matroska.void(self.room - len(cues)))]
        # Positions are eight bytes wide, so the table is as long whatever they are.
        first = len(_seek_head((name, 0) for name, _ in elements))
        places, at = [], first
        for name, written in elements:
            places.append((name, at))
            at += len(written)
        return _seek_head(places) + b"".join(written for _, written in elements)


def _seek_head(places: Iterable[tuple[int, int]]) -> bytes:
    return element(
        SEEK_HEAD,
        *(
            element(SEEK, element(SEEK_ID, matroska.identifier(name)), number(SEEK_POSITION, at, 8))
            for name, at in places
        ),
    )


def _info(duration: float, title: str, recorded_at: datetime | None) -> bytes:
    since = round((recorded_at - EPOCH).total_seconds()) * 1_000_000_000 if recorded_at else 0
    return element(
        matroska.INFO,
        number(matroska.TIMESTAMP_SCALE, matroska.MILLISECONDS),
        real(DURATION, duration * 1000),
        element(DATE, since.to_bytes(8, "big", signed=True)) if recorded_at else b"",
        text(TITLE, printable(title)),
        text(MUXING_APP, "Qualz"),
        text(WRITING_APP, "Qualz"),
    )


def _atom(chapter: Chapter) -> bytes:
    return element(
        ATOM,
        number(ATOM_UID, 1 + round(chapter.start * 1000)),
        number(ATOM_START, round(chapter.start * 1000) * 1_000_000),
        number(ATOM_END, round(chapter.end * 1000) * 1_000_000),
        element(DISPLAY, text(STRING, printable(chapter.title)), text(LANGUAGE, "und")),
    )


def _tags(recorded_at: datetime) -> bytes:
    day = f"{recorded_at.astimezone(UTC):%Y-%m-%d}"
    date = element(SIMPLE_TAG, text(TAG_NAME, "DATE"), text(TAG_STRING, day))
    return element(TAGS, element(TAG, element(TARGETS), date))


_TRACK_AND_TIME = struct.Struct(">Bh")


class _Output:
    """Writes clusters, and at the end the index into the room in front of them.

    A cluster begins with each key frame of the picture, so that each can be sought.
    """

    def __init__(self, file: BinaryIO, has_picture: bool) -> None:
        self._file = file
        self._has_picture = has_picture
        self._cluster = bytearray()
        self._base = 0
        self._places: list[tuple[int, int]] = []  # time and cluster's place in the segment
        self._front: _Front | None = None
        self._start = 0

    @property
    def has_begun(self) -> bool:
        return self._front is not None

    def begin(self, front: _Front) -> None:
        self._front = front
        self._file.write(_HEADER + matroska.identifier(SEGMENT) + matroska.size_field(0, 8))
        self._start = self._file.tell()
        self._file.write(front.write(b""))

    def add(self, block: Block, time: int, track: int) -> None:
        time = max(0, time)
        # Each packet of sound can be begun at, though not every browser says so.
        is_sought = track == 1 and (not self._has_picture or block.is_key)
        away = time - self._base
        if (
            (is_sought and self._has_picture)
            or not EARLIEST <= away <= LONGEST_CLUSTER
            or len(self._cluster) > LARGEST_CLUSTER
            or not self._cluster
        ):
            self._flush()
            self._base, away = time, 0
            if is_sought:
                self._places.append((time, self._file.tell() - self._start))
        start = len(self._cluster) + block.at
        self._cluster += block.element
        _TRACK_AND_TIME.pack_into(self._cluster, start, 0x80 | track, away)
        if block.is_simple and (track > 1 or not self._has_picture):
            # Firefox does not say of its sound that it can be begun with, and Chromium then fails
            # to seek.
            self._cluster[start + 3] |= matroska.KEY

    def finish(self) -> None:
        """Raises `CannotMerge` if there was nothing to write."""
        if self._front is None:
            raise CannotMerge("the parts hold no block")
        self._flush()
        end = self._file.tell()
        self._file.seek(self._start - 8)
        self._file.write(matroska.size_field(end - self._start, 8))
        self._file.write(self._front.write(self._cues(self._front.room)))

    def _flush(self) -> None:
        if self._cluster:
            time = number(matroska.TIMESTAMP, self._base)
            size = matroska.size_field(len(time) + len(self._cluster))
            self._file.write(matroska.identifier(CLUSTER) + size + time)
            self._file.write(self._cluster)
            self._cluster = bytearray()

    def _cues(self, room: int) -> bytes:
        """As many as there is room for: an index with gaps still leads near."""
        most = room // CUE
        step = -(-len(self._places) // most)
        return element(CUES, *(_cue(time, at) for time, at in self._places[:: step or 1]))


def _cue(time: int, at: int) -> bytes:
    return element(
        CUE_POINT,
        number(CUE_TIME, time),
        element(CUE_PLACES, number(CUE_TRACK, 1), number(CUE_CLUSTER, at)),
    )
