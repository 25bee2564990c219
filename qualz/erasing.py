"""Erasing: the sound and the picture of an answer that was taken back go out of its part for good.

A part is otherwise never changed. It is replaced, at one stroke, by a copy that is silent and black
there and was listened to; from then on every Full Session is made of that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile, zip_longest
from typing import TYPE_CHECKING

from qualz import clock
from qualz.database import db
from qualz.leased import Leased
from qualz.media import full_session, redact
from qualz.media.full_session import Source
from qualz.media.probe import SLOW, sniff
from qualz.media.span import Span
from qualz.part import LONGEST_MS

if TYPE_CHECKING:
    from qualz.media.ffmpeg import FFmpeg
    from qualz.media.storage import Storage
    from qualz.part import Part
    from qualz.recording import Recording
    from qualz.repetition import Repetition
    from qualz.turn import Turn

log = logging.getLogger(__name__)

# Between two tries to erase.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Place:
    """From and to which second of its part something is to go, and the row that says so."""

    row: Turn | Repetition
    begins: float
    ends: float


def erase(
    recording: Recording,
    *,
    storage: Storage,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> bool:
    """Do so in each closed part that needs it; whether any did. Commits after each.

    Raises `CannotMerge`, `rendition.CannotMake`, `DiskFull`, `ffmpeg.Stopped`, and what
    `on_progress` raises; the part is as it was then, and withheld.
    """
    wanted: dict[int, list[Place]] = {}
    for turn, following in zip_longest(turns := recording.interview.turns, turns[1:]):
        for one in turn.to_erase:
            wanted.setdefault(one.part_id or 0, []).append(_place(one, turn, following))
    # One that still misses bytes waits: they hold later answers, and would not fit its copy.
    parts = [
        part
        for part in recording.parts
        if part.id in wanted and not part.is_open and not part.may_grow
    ]
    for part in parts:
        _erase_from(part, wanted[part.id], recording, storage, ffmpeg, on_progress)
    if parts:
        # What was made of them beforehand holds it as well.
        storage.delete_tree(recording.prepared)
    return bool(parts)


def _place(one: Turn | Repetition, turn: Turn, following: Turn | None) -> Place:
    begins, ends = turn.begins_ms or 0, turn.ends_ms or 0
    if one is not turn:
        begins, ends = one.begins_ms or 0, (one.begins_ms or 0) + ends - begins
    elif following and _goes_on(turn, following):
        # Until its recorder stopped, whenever that was.
        ends = LONGEST_MS
    return Place(one, begins / 1000, ends / 1000)


def _goes_on(turn: Turn, following: Turn) -> bool:
    """Whether the answer is continued in another part."""
    is_one = turn.manner is not None and turn.manner is following.manner
    return is_one and turn.part_id != following.part_id


def _erase_from(
    part: Part,
    places: list[Place],
    recording: Recording,
    storage: Storage,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> None:
    file, kept = part.file, part.kept_as
    source = recording.sources([part], storage)[0]
    db.session.commit()
    try:
        full_session.planned([source])
    except full_session.CannotMerge as reason:
        if SLOW in str(reason):
            # A disk that stalls is no reason to delete what else is in it.
            raise
        # Nobody could ever play it, so it cannot be told where the answer is: all of it goes.
        log.warning("%s is removed, for an answer in it was taken back: %s", file, reason)
        for name in {file, kept}:
            storage.delete(name)
    else:
        _replace(source, file, kept, places, storage, ffmpeg, on_progress)
    _note_erased(part, places, storage)


def _replace(
    source: Source,
    file: str,
    kept: str,
    places: list[Place],
    storage: Storage,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> None:
    size = storage.size(kept)
    with storage.workspace("erasing") as workspace:
        whole, erased = workspace / "whole", workspace / "erased"
        report = full_session.make(
            [source],
            whole,
            ffmpeg=ffmpeg,
            workspace=workspace,
            title="",
            recorded_at=None,
            on_progress=on_progress,
        )
        spans = [
            Span(begins=one.begins, ends=min(one.ends, report.duration), covers_picture=True)
            for one in places
            if one.begins < report.duration
        ]
        redact.make(
            whole, erased, spans, ffmpeg=ffmpeg, workspace=workspace, on_progress=on_progress
        )
        if storage.size(kept) != size:
            raise full_session.CannotMerge("More of a clip arrived while an answer was erased.")
        storage.replace(erased, file)


def is_due_again(recording: Recording) -> bool:
    """Whether to try once more what failed: sooner at first, but it is never given up."""
    failed = list(takewhile(lambda one: one.state is Leased.State.FAILED, recording.merges[::-1]))
    if not failed or not recording.holds_taken_back or recording.awaits_rest:
        return False
    wait = min(LONGEST_WAIT, FIRST_WAIT * (1 << min(len(failed) - 1, 16)))
    return (failed[0].ended_at or failed[0].created_at) <= clock.now() - wait


def _note_erased(part: Part, places: list[Place], storage: Storage) -> None:
    file = part.file
    size, head = storage.spooled(file), storage.head(file, 16)
    kept = storage.shelve(file) if size else None
    part.become(size, sniff(head))
    part.shelved = kept
    for one in places:
        one.row.erased_at = clock.now()
    db.session.commit()
    storage.settle(file, kept, size)
