"""`qualz merge`: the engine of the background merge, on files and by hand."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from qualz.media import full_session
from qualz.media.ffmpeg import FFmpeg, Stopped
from qualz.media.full_session import CannotMerge, Report, Source
from qualz.media.storage import DiskFull


def merge_files(ffmpeg: FFmpeg, parts: Sequence[Path], out: Path, report: Path | None) -> int:
    """Merge the parts into `out`; the exit code.

    0 and the file, whole; or another code, one line on stderr that says why, and no file. What
    had to be left out is named on stderr and in the report.
    """
    try:
        told = _merge(ffmpeg, _sources(parts), out)
    except (CannotMerge, Stopped, DiskFull, OSError) as reason:
        click.echo(f"qualz merge: {reason}", err=True)
        return 1
    for part in told.parts:
        for line in str(part).splitlines():
            click.echo(f"qualz merge: {line}", err=True)
    if report:
        report.write_text(json.dumps(told.as_json(), indent=2) + "\n")
    return 0


def print_plan(parts: Sequence[Path]) -> int:
    """Print what a merge would do with each part and why, without doing it; the exit code."""
    try:
        click.echo(full_session.planned(_sources(parts)))
    except (CannotMerge, OSError) as reason:
        click.echo(f"qualz merge: {reason}", err=True)
        return 1
    return 0


def _sources(parts: Sequence[Path]) -> list[Source]:
    return [
        Source(path=part, label=f"Part {number}", gap_before=None)
        for number, part in enumerate(parts, start=1)
    ]


def _merge(ffmpeg: FFmpeg, sources: Sequence[Source], out: Path) -> Report:
    # Beside the result, so that it can be renamed into place.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".qualz-merge-") as folder:
        made = Path(folder) / "full-session"
        report = full_session.make(
            sources,
            made,
            ffmpeg=ffmpeg,
            workspace=Path(folder),
            title=out.stem,
            recorded_at=None,
        )
        made.replace(out)
        return report
