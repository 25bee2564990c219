"""Makes the Full Session: probe, plan, normalise, join, verify. The caller publishes by rename."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from qualz.media.ffmpeg import Failed, FFmpeg, Stopped
from qualz.media.join import Chapter, chapters, join
from qualz.media.normalise import Piece, normalise
from qualz.media.plan import CannotMerge, Plan, Source, plan
from qualz.media.probe import Probe, Unreadable, probe
from qualz.media.progress import Meter
from qualz.media.verify import WHOLE, Broken, verify

__all__ = ["CannotMerge", "Chapter", "PartReport", "Report", "Source", "make"]

# Rough seconds of work for a second of media, to weigh the stages against each other.
COPYING, ENCODING, DECODING = 0.002, 0.03, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """What became of one source. Seconds; `start` is on the Full Session's clock."""

    index: int
    label: str
    start: float | None
    duration: float
    picture: str | None  # copied, slate
    sound: str | None  # copied, silence
    left_out: str | None  # why nothing of it is in the Full Session
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The Full Session in words and numbers."""

    duration: float
    mime_type: str
    size: int  # bytes
    tracks: tuple[dict[str, Any], ...]
    parts: tuple[PartReport, ...]
    chapters: tuple[Chapter, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def complete(self) -> bool:
        return not any(part.left_out for part in self.parts)


def make(
    sources: Sequence[Source],
    out: Path,
    *,
    ffmpeg: FFmpeg,
    workspace: Path,
    title: str,
    recorded_at: datetime | None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Report:
    """Merge the sources, in their order, into `out`, which appears only when it is verified.

    `workspace` is a private folder on the file system of `out`, with room for twice the sources.
    `on_progress` gets a fraction that never falls; what it raises stops everything and passes
    through. Raises `CannotMerge` with a reason for people; `ffmpeg.Stopped` when ffmpeg hangs.
    """
    meter = Meter(on_progress)
    chosen = plan(sources, _probe_all(sources, meter.stage(0.05)))
    meter.expect(_work(chosen))
    try:
        pieces = [
            normalise(
                step,
                chosen,
                workspace,
                ffmpeg=ffmpeg,
                on_progress=meter.stage(_step_work(step.probe.duration, step.encoded_seconds)),
            )
            for step in chosen.steps
        ]
        joined, warnings = join(
            pieces,
            chosen,
            workspace,
            ffmpeg=ffmpeg,
            title=title,
            recorded_at=recorded_at,
            on_progress=meter.stage(_join_work(chosen)),
        )
        notes = verify(
            joined,
            pieces,
            chosen,
            ffmpeg=ffmpeg,
            warnings=warnings,
            on_progress=meter.stage(_verify_work(chosen)),
        )
    except Failed as failure:
        raise CannotMerge(str(failure)) from failure
    except Broken as broken:
        raise CannotMerge(f"the merged file was not right: {broken.reason}") from broken
    report = _report(sources, chosen, pieces, notes, joined.stat().st_size)
    joined.replace(out)
    on_progress(1.0)
    return report


def _probe_all(
    sources: Sequence[Source], on_progress: Callable[[float], None]
) -> list[Probe | Unreadable]:
    found: list[Probe | Unreadable] = []

    def within(number: int) -> Callable[[float], None]:
        return lambda fraction: on_progress((number + fraction) / len(sources))

    for number, source in enumerate(sources):
        try:
            found.append(probe(source.path, on_progress=within(number)))
        except Unreadable as unreadable:
            found.append(unreadable)
    return found


def _step_work(seconds: float, encoded: float) -> float:
    return COPYING * seconds + ENCODING * encoded


def _join_work(chosen: Plan) -> float:
    return 2 * COPYING * chosen.duration


def _verify_work(chosen: Plan) -> float:
    decoded = chosen.duration if chosen.duration <= WHOLE else 4.0 * (len(chosen.steps) + 1)
    return COPYING * chosen.duration + DECODING * decoded


def _work(chosen: Plan) -> float:
    steps = sum(_step_work(step.probe.duration, step.encoded_seconds) for step in chosen.steps)
    return steps + _join_work(chosen) + _verify_work(chosen)


def _report(
    sources: Sequence[Source],
    chosen: Plan,
    pieces: Sequence[Piece],
    notes: Sequence[str],
    size: int,
) -> Report:
    marks = chapters(pieces)
    parts = {part.index: _left_out(part.index, part.label, part.reason) for part in chosen.left_out}
    for piece, mark in zip(pieces, marks, strict=True):
        step = piece.step
        damage = tuple(note for note in notes if note.startswith(f"{step.label} "))
        parts[step.index] = PartReport(
            index=step.index,
            label=step.label,
            start=mark.start,
            duration=piece.duration,
            picture=step.picture,
            sound=step.sound,
            left_out=None,
            notes=step.notes + damage,
        )
    return Report(
        duration=marks[-1].end,
        mime_type=chosen.mime_type,
        size=size,
        tracks=tuple(_track(track) for track in (chosen.video, chosen.audio) if track),
        parts=tuple(parts[index] for index in range(len(sources))),
        chapters=marks,
    )


def _left_out(index: int, label: str, reason: str) -> PartReport:
    return PartReport(
        index=index,
        label=label,
        start=None,
        duration=0.0,
        picture=None,
        sound=None,
        left_out=reason,
        notes=(),
    )


def _track(track: Any) -> dict[str, Any]:
    names = ("kind", "codec", "width", "height", "sample_rate", "channels")
    return {name: getattr(track, name) for name in names if getattr(track, name) is not None}
