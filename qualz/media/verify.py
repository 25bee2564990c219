"""Looks at a finished file as a stranger would: an exit code is no evidence."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import av

from qualz.media.containers import index_in_front
from qualz.media.decoding import complaints_about_piece, complaints_about_session
from qualz.media.ffmpeg import BEAT, FFmpeg
from qualz.media.normalise import Piece
from qualz.media.packets import SIZE_OF_PICTURE
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
        return _verified(opened(path, plan.container), path, pieces, plan, ffmpeg, on_progress)
    except Unreadable as unreadable:
        raise Broken(unreadable.reason) from unreadable
    except av.FFmpegError as error:
        raise Broken(f"a reader refuses it: {error}") from error


def _verified(
    container: Any,
    path: Path,
    pieces: Sequence[Piece],
    plan: Plan,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> dict[int, str]:
    with container:
        # MP4 keeps the chapters as a track of text besides.
        media = [stream for stream in container.streams if stream.type in ("video", "audio")]
        _check_layout(media, plan)
        with _Alongside(partial(_check_packets, container, media, pieces), on_progress) as packets:
            damage = _check_decoding(path, pieces, ffmpeg, packets.meanwhile)
            keyframes = packets.result()
        _check_duration(container, pieces)
        _check_seeking(container, media[0], pieces, keyframes)
    return damage


class _Alongside:
    """Has packets read while an ffmpeg decodes: two cores, and neither waits for the other.

    What is wrong with the packets is told first: it says more than what a decoder makes of it.
    """

    def __init__(
        self,
        check: Callable[[Callable[[float], None]], list[float]],
        on_progress: Callable[[float], None],
    ) -> None:
        self._check = check
        self._on_progress = on_progress
        self._read = self._decoded = 0.0
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._given_up = False

    def __enter__(self) -> _Alongside:
        self._checking = self._pool.submit(self._check, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is Broken:
                self.result()
        finally:
            # Whatever happens, nobody reads any more when the file is closed.
            self._given_up = True
            self._pool.shutdown()

    def _note(self, fraction: float) -> None:
        # Progress is told to a database by one thread only; here is the other.
        if self._given_up:
            raise InterruptedError
        self._read = fraction

    def meanwhile(self, fraction: float) -> None:
        if self._checking.done():
            self._checking.result()
        self._decoded = fraction
        self._on_progress((self._read + self._decoded) / 2)

    def result(self) -> list[float]:
        while not self._checking.done():
            wait([self._checking], timeout=BEAT)
            self._on_progress((self._read + self._decoded) / 2)
        keyframes = self._checking.result()
        self._on_progress(1.0)
        return keyframes


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
        self.stated_size = SIZE_OF_PICTURE.get(self.codec)
        self.last_order = -inf
        self._go_on()

    def _go_on(self) -> None:
        self.label, self.track, self.shift = next(self.waiting, ("", None, 0.0))
        self.hash = hashlib.sha256()
        self.seen = 0

    def take(self, packet: Any) -> None:
        if self.track is None:
            raise Broken(f"it has more {self.kind} packets than the parts")
        ticks = packet.pts
        time = ticks * self.unit
        expected = self.track.times[self.seen] + self.shift
        if not -DRIFT <= time - expected <= DRIFT:
            raise Broken(f"{self.label}: {self.kind} at {time:.3f} s belongs to {expected:.3f} s")
        order = ticks if packet.dts is None else packet.dts
        if order < self.last_order:
            raise Broken(f"{self.label}: {self.kind} goes back in time at {time:.3f} s")
        self.last_order = order
        if packet.is_keyframe:
            self.keyframes.append(time)
        if self.stated_size and (self.stated_size(memoryview(packet)) or self.size) != self.size:
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
        nearest = keyframes[max(0, bisect_right(keyframes, target) - 1)]
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
