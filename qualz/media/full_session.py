"""Makes the Full Session: probe, plan, normalise, join, verify. The caller publishes by rename."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from qualz.media.decoding import decoded_seconds
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.join import Chapter, join
from qualz.media.likeness import CannotMerge
from qualz.media.normalise import Piece, as_it_is, normalise
from qualz.media.plan import Plan, Source, Step, plan
from qualz.media.probe import Probe, Unreadable, probe
from qualz.media.progress import Meter
from qualz.media.report import PartReport, Report, report
from qualz.media.verify import Broken, verify

__all__ = ["CannotMerge", "Chapter", "PartReport", "Report", "Source", "make"]

PROBING = 0.1  # of the whole, while it is not known yet how much there is to do

# Rough seconds of work for a second of media, to weigh the stages against one another.
COPYING, DECODING = 0.002, 0.02
FILLING_UP = 0.5  # for a part, however long


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
    through. Raises `CannotMerge` with a reason for people, `ffmpeg.Stopped` when ffmpeg hangs.
    """
    meter = Meter(on_progress)
    chosen = plan(sources, _probe_all(sources, meter.stage(PROBING)))
    meter.expect(_work(chosen))
    try:
        pieces = [
            _piece(step, chosen, workspace, ffmpeg, meter.stage(_step_work(step, chosen)))
            for step in chosen.steps
        ]
        joined = join(
            pieces,
            chosen,
            workspace,
            ffmpeg=ffmpeg,
            title=title,
            recorded_at=recorded_at,
            on_progress=meter.stage(_join_work(chosen)),
        )
        damage = verify(
            joined,
            pieces,
            chosen,
            ffmpeg=ffmpeg,
            on_progress=meter.stage(_verify_work(chosen)),
        )
    except Failed as failure:
        raise CannotMerge(str(failure)) from failure
    except Broken as broken:
        raise CannotMerge(f"the merged file was not right: {broken.reason}") from broken
    said = report(sources, chosen, pieces, damage, size=joined.stat().st_size)
    joined.replace(out)
    on_progress(1.0)
    return said


def _probe_all(
    sources: Sequence[Source], on_progress: Callable[[float], None]
) -> list[Probe | Unreadable]:
    found: list[Probe | Unreadable] = []
    for source in sources:
        before = len(found)

        def within(fraction: float, before: int = before) -> None:
            on_progress((before + fraction) / len(sources))

        try:
            found.append(probe(source.path, on_progress=within))
        except Unreadable as unreadable:
            found.append(unreadable)
    return found


def _piece(
    step: Step, chosen: Plan, workspace: Path, ffmpeg: FFmpeg, on_progress: Callable[[float], None]
) -> Piece:
    if chosen.as_they_are:
        return as_it_is(step, workspace)
    return normalise(step, chosen, workspace, ffmpeg=ffmpeg, on_progress=on_progress)


def _step_work(step: Step, chosen: Plan) -> float:
    if chosen.as_they_are:
        return 0.0
    return COPYING * step.probe.duration + FILLING_UP * step.fills_up


def _join_work(chosen: Plan) -> float:
    return COPYING * chosen.duration


def _verify_work(chosen: Plan) -> float:
    decoded = decoded_seconds(chosen.duration, len(chosen.steps))
    return COPYING * chosen.duration + DECODING * decoded


def _work(chosen: Plan) -> float:
    steps = sum(_step_work(step, chosen) for step in chosen.steps)
    return steps + _join_work(chosen) + _verify_work(chosen)
