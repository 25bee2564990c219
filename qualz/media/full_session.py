"""Makes the Full Session: probe, plan, normalise, join, verify. The caller publishes by rename.

What can be done for a part alone is done before, when it is closed; see `prepare`.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from qualz.media import work
from qualz.media.decoding import complaints_about_part
from qualz.media.disk import disk_full
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.join import Chapter
from qualz.media.ladder import Ladder, Result
from qualz.media.normalise import normalise
from qualz.media.plan import Plan, Source, Step, plan
from qualz.media.prepared import NOTHING, Prepared
from qualz.media.probe import Probe, Unreadable
from qualz.media.progress import Meter
from qualz.media.report import PartReport, Report, report
from qualz.media.salvage import whole
from qualz.media.target import CannotMerge

__all__ = [
    "CannotMerge",
    "Chapter",
    "PartReport",
    "Prepared",
    "Report",
    "Source",
    "Unreadable",
    "make",
    "planned",
    "prepare",
]

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
    prepared: Prepared = NOTHING,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Report:
    """Merge the sources, in their order, into `out`, which appears only when it is verified.

    `workspace` is a private folder on the file system of `out`, with room for thrice the sources.
    `on_progress` gets a fraction that never falls; what it raises stops everything and passes
    through. Raises `CannotMerge` with a reason for people, `storage.DiskFull`, and
    `ffmpeg.Stopped` when ffmpeg hangs.
    """
    meter = Meter(on_progress)

    def made(prepared: Prepared) -> tuple[Ladder, Result]:
        return _made(sources, workspace, ffmpeg, title, recorded_at, meter, prepared)

    # What is written here fails like ffmpeg does.
    with disk_full():
        try:
            ladder, result = made(prepared)
        except CannotMerge as reason:
            if prepared is NOTHING:
                raise
            log.warning("once more, with nothing that was prepared: %s", reason)
            ladder, result = made(NOTHING)
    said = report(ladder.sources, result.plan, result.pieces, result.damage, result.path)
    on_progress(1.0)
    result.path.replace(out)
    return said


def prepare(
    sources: Sequence[Source],
    prepared: Prepared,
    *,
    ffmpeg: FFmpeg,
    workspace: Path,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> list[Probe | Unreadable]:
    """Do beforehand what a merge of the sources would have to do with each of them alone.

    What `on_progress` raises stops it; what was finished by then is kept. Answers what they are.
    """
    with disk_full():
        readable, probes = _read_all(sources, prepared, workspace, on_progress)
        try:
            chosen = plan(readable, probes)
        except CannotMerge:
            return probes
        for step in chosen.steps:
            with suppress(CannotMerge, Failed):
                _prepare_piece(step, chosen, prepared, workspace, ffmpeg, on_progress)
                _decode(step, prepared, ffmpeg, on_progress)
    return probes


def _prepare_piece(
    step: Step,
    chosen: Plan,
    prepared: Prepared,
    workspace: Path,
    ffmpeg: FFmpeg,
    on_progress: Callable[[float], None],
) -> None:
    if (step.fills_up or step.re_encodes) and not prepared.has_piece(step, chosen):
        piece = normalise(step, chosen, workspace, ffmpeg=ffmpeg, on_progress=on_progress)
        prepared.keep_piece(piece, chosen)


def _decode(
    step: Step, prepared: Prepared, ffmpeg: FFmpeg, on_progress: Callable[[float], None]
) -> None:
    """Find out whether all of a part decodes, which takes too long once somebody waits for it."""
    if step.source.content is None or step.source.is_clean:
        return
    if not complaints_about_part(step, ffmpeg, on_progress):
        prepared.note_clean(step.source)


def planned(sources: Sequence[Source]) -> Plan:
    """What `make` would set out to do. Raises `CannotMerge`."""
    with tempfile.TemporaryDirectory(prefix="qualz-plan-") as folder:
        return plan(*_read_all(sources, NOTHING, Path(folder), lambda fraction: None))


def _made(
    sources: Sequence[Source],
    workspace: Path,
    ffmpeg: FFmpeg,
    title: str,
    recorded_at: datetime | None,
    meter: Meter,
    prepared: Prepared,
) -> tuple[Ladder, Result]:
    readable, probes = _read_all(sources, prepared, workspace, meter.stage(PROBING))
    chosen = plan(readable, probes)
    log.info("merging\n%s", chosen)
    meter.expect(work.in_all(chosen))
    ladder = Ladder(readable, probes, workspace, ffmpeg, title, recorded_at, meter, prepared)
    result = ladder.climb(chosen)
    if mended_closely(sources, ladder, result.damage):
        result = ladder.climb(plan(ladder.sources, ladder.probes))
    return ladder, result


def mended_closely(sources: Sequence[Source], ladder: Ladder, damage: Collection[int]) -> bool:
    """Where decoding told of damage that does not show from outside, take out what is refused: a
    player would stop there for good. A part of which nothing is left then is left out. Whether
    that changed any part."""
    changed = False
    for number in damage:
        path = ladder.workspace / f"mended-closely-{number:04}"
        try:
            readable, probed = whole(sources[number], path, ladder.meter.beat, closely=True)
        except Unreadable as unreadable:
            ladder.leave_out(number, unreadable)
            changed = True
            continue
        if readable.path == path:
            ladder.replace(number, readable, probed)
            changed = True
    return changed


def _read_all(
    sources: Sequence[Source],
    prepared: Prepared,
    workspace: Path,
    on_progress: Callable[[float], None],
) -> tuple[list[Source], list[Probe | Unreadable]]:
    """Damaged sources are replaced by what is whole of them."""
    readable, found = list(sources), list[Probe | Unreadable]()
    for number, source in enumerate(sources):
        if kept := prepared.probe(source):
            readable[number] = replace(source, is_clean=prepared.is_clean(source))
            found.append(kept)
            continue

        def within(fraction: float, before: int = number) -> None:
            on_progress((before + fraction) / len(sources))

        try:
            readable[number], read = whole(source, workspace / f"mended-{number:04}", within)
            found.append(read)
            if readable[number] is source:
                prepared.keep_probe(source, read)
        except Unreadable as unreadable:
            found.append(unreadable)
    return readable, found
