"""Listens to a redacted copy as a stranger would, and holds it against what it was made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av

from qualz.media import ffmpeg as process
from qualz.media.containers import index_in_front
from qualz.media.ffmpeg import FFmpeg
from qualz.media.probe import Probe, opened, probe
from qualz.media.span import Span, Treatment
from qualz.media.waveform import PER_SECOND, peaks

DRIFT = 0.100  # seconds by which it may be longer or shorter
# Of full scale in 256 steps: what may be left where there is nothing to hear, 42 dB below it, and
# what a tone has at least.
QUIET, LOUD = 2, 12
# How unlike the outlines of both may be where nothing was to change: another loss moves peaks by
# some steps and by a tenth of what they are.
UNLIKE, FAINT = 0.25, 2.0
EDGE = 2 / PER_SECOND  # seconds beside a span that are neither within nor without
TONE = 1000  # hertz


class Leaked(Exception):
    """What was to go is still there, or what was to stay is not; the message says which."""


def demand_unheard(
    path: Path,
    source: Path,
    was: Probe,
    spans: Sequence[tuple[Span, Span]],
    *,
    is_copied: bool,
    ffmpeg: FFmpeg,
    workspace: Path,
    on_progress: Callable[[float], None],
) -> None:
    """`spans` are each as it was made, with its margins, and as it was asked for; `is_copied` says
    whether the pictures are to be the very same. Raises `Leaked`, `Unreadable`, `ffmpeg.Failed`."""
    made = probe(path, formats="mp4,mov" if was.container == "mp4" else "matroska,webm")
    _check_layout(path, source, made, was, is_copied)
    if not was.audio:
        return

    def outline(of: Path, share: int, tone: int | None = None) -> bytes:
        return peaks(
            of,
            was.end,
            workspace,
            ffmpeg=ffmpeg,
            in_step=True,
            without_tone=tone,
            on_progress=lambda done: on_progress((share + done) / 3),
        )

    shown, before = outline(path, 0), outline(source, 1)
    beeps = [asked for _, asked in spans if asked.treatment is Treatment.BEEP]
    bare = outline(path, 2, TONE) if beeps else shown
    _check_within(bare, shown, [asked for _, asked in spans], was.audio.end)
    _check_without(shown, before, [wide for wide, _ in spans])


def _check_layout(path: Path, source: Path, made: Probe, was: Probe, is_copied: bool) -> None:
    if [track.kind for track in made.tracks] != [track.kind for track in was.tracks]:
        raise Leaked("it lacks the picture or the sound")
    if not index_in_front(path):
        raise Leaked("a player could not seek before it has loaded everything")
    if abs(made.end - was.end) > DRIFT:
        raise Leaked(f"it lasts {made.end:.3f} s instead of {was.end:.3f} s")
    if is_copied and made.video and was.video and made.video.digest != was.video.digest:
        raise Leaked("its pictures are not the same")
    formats = process.UPLOADED_FORMATS
    with opened(path, formats) as one, opened(source, formats) as other:
        if _described(one) != _described(other):
            raise Leaked("title or chapters were not kept")
        announced = (one.duration or 0) / av.time_base
    if abs(announced - was.end) > DRIFT:
        raise Leaked(f"it announces {announced:.3f} s instead of {was.end:.3f} s")


def _described(container: Any) -> tuple[str | None, list[str | None]]:
    chapters = [chapter["metadata"].get("title") for chapter in container.chapters()]
    return container.metadata.get("title"), chapters


def _check_within(bare: bytes, shown: bytes, spans: Sequence[Span], ends: float) -> None:
    """Nothing but the tone: `bare` is without it."""
    for span in spans:
        for at in _windows(span.begins, min(span.ends, ends - EDGE), len(bare)):
            if bare[at] > QUIET:
                raise Leaked(f"something can still be heard at {at / PER_SECOND:.2f} s")
            if (
                span.treatment is Treatment.BEEP
                and shown[at] < LOUD
                and not _is_silenced(at, spans)
            ):
                raise Leaked(f"no tone can be heard at {at / PER_SECOND:.2f} s")


def _is_silenced(at: int, spans: Sequence[Span]) -> bool:
    seconds = at / PER_SECOND
    return any(
        span.treatment is Treatment.SILENCE and span.begins - 1 <= seconds <= span.ends + 1
        for span in spans
    )


def _check_without(shown: bytes, before: bytes, spans: Sequence[Span]) -> None:
    inside = {
        at
        for span in spans
        for at in range(
            int((span.begins - EDGE) * PER_SECOND), int((span.ends + EDGE) * PER_SECOND) + 2
        )
    }
    outside = [at for at in range(min(len(shown), len(before))) if at not in inside]
    apart = sum(abs(shown[at] - before[at]) for at in outside)
    if apart > UNLIKE * sum(before[at] for at in outside) + FAINT * len(outside):
        raise Leaked("what was to stay does not sound as before")


def _windows(begins: float, ends: float, count: int) -> Iterator[int]:
    """Those of the twentieths of a second that lie wholly within."""
    first, last = int(begins * PER_SECOND) + 1, int(ends * PER_SECOND)
    yield from range(max(0, first), min(last, count))
