"""Looks at a finished file as a stranger would: an exit code is no evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av

from qualz.media.containers import index_in_front
from qualz.media.decoding import complaints_about_piece, complaints_about_session
from qualz.media.ffmpeg import FFmpeg
from qualz.media.normalise import Piece
from qualz.media.packets import picture_size
from qualz.media.plan import Plan
from qualz.media.probe import LOOK_UP, Unreadable, opened
from qualz.media.track import Track, content_of, settings_of

DRIFT = 0.020  # seconds by which a packet may be away from where it belongs
LAST_FRAME = 0.25  # seconds by which a header may forget how long the last picture lasts
CLUSTER = 6.0  # seconds between two places in a sound that can be sought
PACKET = 0.120  # seconds that a packet of sound lasts at most


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
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> dict[int, str]:
    """Check everything about the joined file: nothing that ffmpeg said about it counts.

    Answers, by the number of the part, what damage the parts brought with them.
    Raises `Broken`.
    """
    if not index_in_front(path):
        raise Broken("a player could not seek before it has loaded everything")
    try:
        container = opened(path, plan.container)
    except Unreadable as unreadable:
        raise Broken(unreadable.reason) from unreadable
    with container:
        # MP4 keeps the chapters as a track of text besides.
        media = [stream for stream in container.streams if stream.type in ("video", "audio")]
        _check_layout(media, plan)
        keyframes = _check_packets(container, media, pieces, lambda done: on_progress(done * 0.3))
        _check_duration(container, pieces)
        _check_seeking(container, media[0], pieces, keyframes)
    return _check_decoding(path, pieces, ffmpeg, lambda done: on_progress(0.3 + done * 0.7))


def _check_layout(media: Sequence[Any], plan: Plan) -> None:
    expected = [(track.kind, track.codec) for track in (plan.video, plan.audio) if track]
    found = [(stream.type, stream.codec_context.name) for stream in media]
    if found != expected:
        raise Broken(f"it has the tracks {found} instead of {expected}")
    if plan.video:
        width, height = _size(media[0])
        if (width, height) != (plan.video.width, plan.video.height):
            raise Broken(f"its picture has the size {width}×{height}")


def _size(stream: Any) -> tuple[int, int]:
    """Width and height of the picture; noughts for a sound."""
    context = stream.codec_context
    return (context.width, context.height) if stream.type == "video" else (0, 0)


class _Follower:
    """Follows one track through the file and compares it with the pieces, packet by packet."""

    def __init__(self, pieces: Sequence[Piece], number: int, stream: Any) -> None:
        self.content = content_of(stream.codec_context.name, settings_of(stream))
        self.unit = float(stream.time_base)
        self.kind = stream.type
        self.codec = stream.codec_context.name
        self.size = _size(stream)
        self.waiting = _expectations(pieces, number)
        self.keyframes: list[float] = []
        self.last_order: int | None = None
        self._go_on()

    def _go_on(self) -> None:
        self.label, self.track, self.shift = next(self.waiting, ("", None, 0.0))
        self.hash = hashlib.sha256()
        self.seen = 0

    def take(self, packet: Any) -> None:
        if self.track is None:
            raise Broken(f"it has more {self.kind} packets than the parts")
        time = packet.pts * self.unit
        expected = self.track.times[self.seen] + self.shift
        if abs(time - expected) > DRIFT:
            raise Broken(f"{self.label}: {self.kind} at {time:.3f} s belongs to {expected:.3f} s")
        order = packet.dts if packet.dts is not None else packet.pts
        if self.last_order is not None and order < self.last_order:
            raise Broken(f"{self.label}: {self.kind} goes back in time at {time:.3f} s")
        self.last_order = order
        if packet.is_keyframe:
            self.keyframes.append(time)
        if (picture_size(self.codec, memoryview(packet)) or self.size) != self.size:
            raise Broken(f"{self.label}: the size of the picture changes at {time:.3f} s")
        self.hash.update(self.content(packet))
        self.seen += 1
        if self.seen == self.track.packets:
            if self.hash.hexdigest() != self.track.digest:
                raise Broken(f"{self.label}: {self.kind} packets are not the recorded ones")
            self._go_on()

    def finish(self) -> None:
        if self.track is not None:
            raise Broken(f"{self.label}: {self.kind} is missing from packet {self.seen} on")


def _expectations(
    pieces: Sequence[Piece], number: int
) -> Iterator[tuple[str, Track | None, float]]:
    """Label, track and what to add to its times, piece after piece."""
    start = 0.0
    for piece in pieces:
        yield piece.label, piece.tracks[number], start - piece.origins[number]
        start += piece.duration


def _check_packets(
    container: Any,
    media: Sequence[Any],
    pieces: Sequence[Piece],
    on_progress: Callable[[float], None],
) -> list[float]:
    """Count, order, place and content of every packet. Answers the first track's key frames."""
    followers = {
        stream.index: _Follower(pieces, number, stream) for number, stream in enumerate(media)
    }
    size = container.size or 1
    for count, packet in enumerate(container.demux(media)):
        if packet.size and packet.pts is not None:
            followers[packet.stream.index].take(packet)
        if count % LOOK_UP == 0:
            on_progress(min(1.0, (packet.pos or 0) / size))
    for follower in followers.values():
        follower.finish()
    return followers[media[0].index].keyframes


def _check_duration(container: Any, pieces: Sequence[Piece]) -> None:
    expected = sum(piece.duration for piece in pieces)
    announced = (container.duration or 0) / av.time_base
    if abs(announced - expected) > DRIFT * len(pieces) + LAST_FRAME:
        raise Broken(f"it announces {announced:.3f} s instead of {expected:.3f} s")


def _check_seeking(
    container: Any, stream: Any, pieces: Sequence[Piece], keyframes: Sequence[float]
) -> None:
    """Seeking to each join and each middle has to end at the key frame just before it."""
    start, targets = 0.0, []
    for piece in pieces:
        # A join begins where its first packet lies, give or take.
        targets += [start + DRIFT, start + piece.duration / 2]
        start += piece.duration
    for target in targets:
        container.seek(int(target / stream.time_base), stream=stream)
        packet = next((packet for packet in container.demux(stream) if packet.size), None)
        if packet is None or packet.pts is None:
            raise Broken(f"seeking to {target:.1f} s finds nothing")
        found = float(packet.pts * stream.time_base)
        nearest = max((time for time in keyframes if time <= target), default=min(keyframes))
        before, after = (CLUSTER, PACKET) if stream.type == "audio" else (DRIFT, DRIFT)
        if not nearest - before <= found <= nearest + after:
            raise Broken(f"seeking to {target:.1f} s ends at {found:.1f} s")


def _check_decoding(
    path: Path,
    pieces: Sequence[Piece],
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> dict[int, str]:
    """Nothing may be wrong that is not wrong with the parts alone: a browser or a lost
    connection may have damaged one, and that is a note, not a failure."""
    found = complaints_about_session(path, pieces, ffmpeg, on_progress)
    if not found:
        return {}
    # Counting complaints would not do: what a damaged picture spoils depends on what was before.
    damage = {
        piece.step.index: f"some of it is damaged (decoder: {own[0]})"
        for piece in pieces
        if (own := complaints_about_piece(piece, ffmpeg, lambda _: on_progress(1.0)))
    }
    if not damage:
        raise Broken(f"it does not decode cleanly: {found[0]}")
    return damage
