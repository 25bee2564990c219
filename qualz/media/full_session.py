"""Makes the Full Session: probe, plan, normalise, join, verify. The caller publishes by rename."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from qualz.media import work
from qualz.media.ffmpeg import FFmpeg
from qualz.media.join import Chapter
from qualz.media.ladder import Ladder
from qualz.media.plan import Plan, Source, plan
from qualz.media.probe import Probe, Unreadable, probe
from qualz.media.progress import Meter
from qualz.media.report import PartReport, Report, report
from qualz.media.target import CannotMerge

__all__ = ["CannotMerge", "Chapter", "PartReport", "Report", "Source", "make", "planned"]

log = logging.getLogger(__name__)

PROBING = 0.1  # of the whole, while it is not known yet how much there is to do


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
    meter.expect(work.in_all(chosen))
    ladder = Ladder(sources, probes, workspace, ffmpeg, title, recorded_at, meter)
    result = ladder.climb(chosen)
    said = report(sources, result.plan, result.pieces, result.damage, result.path)
    result.path.replace(out)
    on_progress(1.0)
    return said


def planned(sources: Sequence[Source]) -> Plan:
    """What `make` would set out to do. Raises `CannotMerge`."""
    return plan(sources, _probe_all(sources, lambda fraction: None))


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
