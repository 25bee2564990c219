"""Makes the Full Session: probe, plan, normalise, join, verify. The caller publishes by rename."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from qualz.media.salvage import is_damaged, salvage
from qualz.media.verify import Broken, verify

__all__ = ["CannotMerge", "Chapter", "PartReport", "Report", "Source", "make"]

log = logging.getLogger(__name__)

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
    through. Raises `CannotMerge` with a reason for people, `storage.DiskFull`, and
    `ffmpeg.Stopped` when ffmpeg hangs.
    """
    meter = Meter(on_progress)
    probes = _probe_all(sources, meter.stage(PROBING))
    chosen = plan(sources, probes)
    log.info("merging\n%s", chosen)
    meter.expect(_work(chosen))
    attempts = _Attempts(sources, probes, workspace, ffmpeg, title, recorded_at, meter)
    result = attempts.climb(chosen)
    said = report(sources, result.plan, result.pieces, result.damage, result.path)
    result.path.replace(out)
    on_progress(1.0)
    return said


@dataclass(frozen=True, slots=True)
class _Result:
    plan: Plan
    pieces: Sequence[Piece]
    path: Path
    damage: dict[int, str]  # by the part's number


@dataclass(frozen=True, slots=True)
class _Attempts:
    """Ways to merge the same parts, each for those that the one before could not take."""

    sources: Sequence[Source]
    probes: Sequence[Probe | Unreadable]
    workspace: Path
    ffmpeg: FFmpeg
    title: str
    recorded_at: datetime | None
    meter: Meter

    def climb(self, chosen: Plan) -> _Result:
        """Raises `CannotMerge` with what was wrong at first, if nothing helps."""
        first: CannotMerge | None = None
        for attempt in (self.simply, self.with_care, self.without_the_damaged):
            try:
                return attempt(chosen)
            except (Broken, Failed, CannotMerge) as reason:
                log.warning("merging %s: %s", attempt.__name__.replace("_", " "), reason)
                first = first or CannotMerge(f"the merged file was not right: {reason}")
        assert first
        raise first

    def simply(self, chosen: Plan) -> _Result:
        if chosen.as_they_are:
            return self._joined(chosen, [as_it_is(step, self.workspace) for step in chosen.steps])
        return self._joined(chosen, self._rewritten(chosen))

    def with_care(self, chosen: Plan) -> _Result:
        """Takes damaged parts as they come out when they are rewritten."""
        rewritten = self._rewritten(chosen)
        pieces = [salvage(piece, self.ffmpeg, self.meter.beat) for piece in rewritten]
        return self._joined(chosen, pieces)

    def without_the_damaged(self, chosen: Plan) -> _Result:
        """One bad part must not cost all the good ones."""
        damaged = {
            step.index for step in chosen.steps if is_damaged(step, self.ffmpeg, self.meter.beat)
        }
        if not damaged:
            raise Broken("no part is damaged")
        reason = Unreadable("it is too damaged to be joined to the others")
        probes = [reason if index in damaged else found for index, found in enumerate(self.probes)]
        fewer = plan(self.sources, probes)
        return self._joined(fewer, self._rewritten(fewer))

    def _rewritten(self, chosen: Plan) -> list[Piece]:
        return [
            normalise(
                step,
                chosen,
                self.workspace,
                ffmpeg=self.ffmpeg,
                on_progress=self.meter.stage(_step_work(step, chosen)),
            )
            for step in chosen.steps
        ]

    def _joined(self, chosen: Plan, pieces: Sequence[Piece]) -> _Result:
        path = join(
            pieces,
            chosen,
            self.workspace,
            ffmpeg=self.ffmpeg,
            title=self.title,
            recorded_at=self.recorded_at,
            on_progress=self.meter.stage(_join_work(chosen)),
        )
        damage = verify(
            path,
            pieces,
            chosen,
            ffmpeg=self.ffmpeg,
            on_progress=self.meter.stage(_verify_work(chosen)),
        )
        return _Result(chosen, pieces, path, damage)


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
