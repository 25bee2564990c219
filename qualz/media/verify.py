"""Looks at a finished file as a stranger would: an exit code is no evidence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av

from qualz.media import ffmpeg as process
from qualz.media.containers import index_in_front
from qualz.media.ffmpeg import FFmpeg
from qualz.media.normalise import PIECES, Piece
from qualz.media.plan import Plan
from qualz.media.probe import content_of

DRIFT = 0.020  # seconds a packet may be away from where it belongs
WHOLE = 600.0  # seconds up to which everything is decoded
WINDOW = 2.0  # seconds decoded on either side of a join in longer files

_BAD = re.compile(r"non-monoton|invalid|error|out of order", re.IGNORECASE)
# Frames a millisecond apart fall together on the null muxer's coarser clock; packets are checked
# for order one by one, so these say nothing new.
_HARMLESS = re.compile(r"non monotonically increasing dts to muxer|Last message repeated")


class Broken(Exception):
    """The file is not what it was meant to be; `reason` says in what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def verify(
    path: Path,
    pieces: Sequence[Piece],
    plan: Plan,
    *,
    ffmpeg: FFmpeg,
    warnings: Sequence[str],
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> list[str]:
    """Check everything about the joined file; answer notes about damage the parts brought along.

    Raises `Broken`.
    """
    if bad := [line for line in warnings if _BAD.search(line)]:
        raise Broken(f"ffmpeg warned: {bad[0]}")
    if not index_in_front(path):
        raise Broken("a player could not seek before it has loaded everything")
    with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
        _check_layout(container, plan)
        keyframes = _check_packets(container, pieces, lambda done: on_progress(done * 0.2))
        _check_duration(container, pieces)
        _check_seeking(container, pieces, keyframes)
    return _check_decoding(path, pieces, plan, ffmpeg, lambda done: on_progress(0.2 + done * 0.8))


def _check_layout(container: Any, plan: Plan) -> None:
    expected = [(track.kind, track.codec) for track in (plan.video, plan.audio) if track]
    # MP4 keeps chapters as a track of text besides.
    media = (*container.streams.video, *container.streams.audio)
    found = [(stream.type, stream.codec_context.name) for stream in media]
    if found != expected:
        raise Broken(f"it has the tracks {found} instead of {expected}")


class _Expectation:
    """Follows one track through the file and compares it with the pieces, packet by packet."""

    def __init__(self, pieces: Sequence[Piece], number: int, stream: Any) -> None:
        codec = stream.codec_context
        self.content = content_of(codec.name, bytes(codec.extradata or b""))
        self.unit = stream.time_base
        self.kind = stream.type
        self.waiting = self._pieces(pieces, number)
        self.keyframes: list[float] = []
        self.last_order: int | None = None
        self._next_piece()

    @staticmethod
    def _pieces(pieces: Sequence[Piece], number: int) -> Iterator[tuple[str, Any, float]]:
        start = 0.0
        for piece in pieces:
            yield piece.step.label, piece.tracks[number], start - piece.offsets[number]
            start += piece.duration

    def _next_piece(self) -> None:
        self.label, self.track, self.shift = next(self.waiting, ("", None, 0.0))
        self.hash = hashlib.sha256()
        self.seen = 0

    def take(self, packet: Any) -> None:
        if self.track is None:
            raise Broken(f"it has more {self.kind} packets than the parts")
        data = bytes(packet)
        time = float(packet.pts * self.unit)
        expected = self.track.times[self.seen] + self.shift
        if abs(time - expected) > DRIFT:
            raise Broken(f"{self.label}: {self.kind} at {time:.3f} s belongs to {expected:.3f} s")
        order = packet.dts if packet.dts is not None else packet.pts
        if self.last_order is not None and order < self.last_order:
            raise Broken(f"{self.label}: {self.kind} goes back in time at {time:.3f} s")
        self.last_order = order
        if packet.is_keyframe:
            self.keyframes.append(time)
        self.hash.update(self.content(data))
        self.seen += 1
        if self.seen == self.track.packets:
            if self.hash.hexdigest() != self.track.digest:
                raise Broken(f"{self.label}: {self.kind} packets are not the recorded ones")
            self._next_piece()

    def finish(self) -> None:
        if self.track is not None:
            raise Broken(f"{self.label}: {self.kind} is missing from packet {self.seen} on")


def _check_packets(
    container: Any, pieces: Sequence[Piece], on_progress: Callable[[float], None]
) -> list[float]:
    """Count, order, place and bytes of every packet. Answers the key frames' times."""
    media = (*container.streams.video, *container.streams.audio)
    tracks = [_Expectation(pieces, number, stream) for number, stream in enumerate(media)]
    size = container.size or 1
    for count, packet in enumerate(container.demux(media)):
        if packet.size and packet.pts is not None:
            tracks[packet.stream.index].take(packet)
        if count % 4096 == 0:
            on_progress(min(1.0, (packet.pos or 0) / size))
    for track in tracks:
        track.finish()
    return tracks[0].keyframes


def _check_duration(container: Any, pieces: Sequence[Piece]) -> None:
    expected = sum(piece.duration for piece in pieces)
    announced = (container.duration or 0) / av.time_base
    # The sound may be shorter than the picture's last step, hence one frame of slack.
    if abs(announced - expected) > DRIFT * len(pieces) + 0.25:
        raise Broken(f"it announces {announced:.3f} s instead of {expected:.3f} s")


def _check_seeking(container: Any, pieces: Sequence[Piece], keyframes: list[float]) -> None:
    """Seek to each join and to the middle: the packet met must be the last key frame before it."""
    stream = container.streams[0]
    start, targets = 0.0, []
    for piece in pieces:
        targets += [start, start + piece.duration / 2]
        start += piece.duration
    for target in targets:
        target += DRIFT  # a join begins where its first packet lies, give or take
        container.seek(int(target / stream.time_base), stream=stream)
        packet = next((packet for packet in container.demux(stream) if packet.size), None)
        if packet is None or packet.pts is None:
            raise Broken(f"seeking to {target:.1f} s finds nothing")
        found = float(packet.pts * stream.time_base)
        # Sound is indexed in steps of seconds, a picture by its key frames.
        nearest = max((time for time in keyframes if time <= target), default=min(keyframes))
        slack = 6.0 if stream.type == "audio" else DRIFT
        if not nearest - slack <= found <= nearest + DRIFT:
            raise Broken(f"seeking to {target:.1f} s ends at {found:.1f} s")


def _check_decoding(
    path: Path,
    pieces: Sequence[Piece],
    plan: Plan,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> list[str]:
    """Decode everything, or what surrounds the joins of a long file, without a complaint.

    A browser or a lost connection may have damaged a part: complaints that the part alone causes
    as well are notes, not failures.
    """
    total = sum(piece.duration for piece in pieces)
    if total <= WHOLE:
        complaints = complaints_about(process.upload(path), total, ffmpeg, on_progress)
    else:
        complaints = []
        windows = list(_windows(pieces))
        for number, start in enumerate(windows):
            near = process.upload(path, ss=f"{start:.3f}", t=2 * WINDOW)
            complaints += complaints_about(near, 2 * WINDOW, ffmpeg)
            on_progress((number + 1) / len(windows))
    if not complaints:
        return []
    known, notes = 0, []
    for piece in pieces:
        alone = process.source(piece.path, formats=PIECES[plan.container])
        if own := complaints_about(alone, piece.duration, ffmpeg):
            known += len(own)
            notes.append(f"{piece.step.label} holds damage: {own[0]}")
    if len(complaints) > known:
        raise Broken(f"it does not decode cleanly: {complaints[0]}")
    return notes


def _windows(pieces: Sequence[Piece]) -> Iterator[float]:
    start = 0.0
    for piece in pieces:
        yield max(0.0, start - WINDOW)
        start += piece.duration
    yield max(0.0, start - 2 * WINDOW)


def complaints_about(
    source: Any,
    seconds: float,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> list[str]:
    """What a decoder says at level error about an input, all of its tracks included."""
    command = source.output("-", format="null", map=0, fps_mode="passthrough")
    try:
        lines = ffmpeg.run(
            command, expected_seconds=seconds, on_progress=on_progress, verbosity="error"
        )
    except process.Failed as failure:
        lines = [*failure.lines, str(failure)]
    return [line for line in lines if not _HARMLESS.search(line)]
