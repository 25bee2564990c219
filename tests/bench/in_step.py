"""Sound against picture in Full Sessions of different browsers' parts, seen and heard."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from qualz.media import full_session
from qualz.media.ffmpeg import FFmpeg
from qualz.media.full_session import Source
from qualz.tools import find_ffmpeg
from tests.bench.servers import folder
from tests.bench.table import Table, ms
from tests.bench.targets import Figures
from tests.media.conftest import Judge
from tests.media.metronome import FIRST, Metronome, beeps, flashes, near

SETS = (
    ("chrome", "chrome", "chrome"),
    ("chrome", "chrome vp9", "firefox"),
    ("chrome", "safari"),
    ("safari", "safari", "safari 18"),
    ("chrome avc1", "chrome mp4"),
)


def measure(*, full: bool) -> Figures:
    binary = find_ffmpeg()
    assert binary, "there is no ffmpeg"
    length = 20 if full else 4
    table = Table(f"Sound against picture, parts of {length} s each", "", "at most", "seconds seen")
    worst = 0.0
    with folder() as place:
        metronome = Metronome(place, Judge(binary))
        for browsers in SETS:
            parts = [metronome.records(name, length) for name in browsers]
            apart = _apart(parts, place / "out", FFmpeg(binary=binary))
            table.add(", ".join(browsers), ms(max(apart)), len(apart))
            worst = max(worst, *apart)
    table.note("To reach: within 45 ms everywhere.")
    table.show()
    return {"sound and picture": 1000 * worst}


def _apart(parts: list[Path], out: Path, ffmpeg: FFmpeg) -> list[float]:
    """For each second that was recorded, how far its beep is from its flash, in seconds."""
    sources = [
        Source(path=path, label=f"Part {number}", gap_before=None)
        for number, path in enumerate(parts, 1)
    ]
    with TemporaryDirectory(dir=out.parent) as workspace:
        report = full_session.make(
            sources,
            out,
            ffmpeg=ffmpeg,
            workspace=Path(workspace),
            title="A benchmark",
            recorded_at=None,
        )
    lit, heard = flashes(out), beeps(out)
    moments = [
        part.start + second + FIRST
        for part in report.parts
        for second in range(int(part.duration + 0.3))
    ]
    return [abs(near(lit, moment) - near(heard, moment)) for moment in moments]
