"""What a Full Session costs, beside others that make one file of the same parts."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from qualz.media import full_session
from qualz.media.ffmpeg import FFmpeg
from qualz.media.full_session import Prepared, Source
from qualz.tools import find_ffmpeg
from tests.bench.packets import changed_packets
from tests.bench.table import Table, mebibytes, seconds, times
from tests.bench.targets import Figures

ROOT = Path(__file__).resolve().parents[2]
PARTS = 6
PICTURE = "testsrc2=s={size}:r=30,noise=alls=8:allf=t"
CAMERA = ("-b:v", "1500k", "-g", "100", "-deadline", "realtime", "-cpu-used", "8", "-threads", "1")
VOICE = ("-c:a", "libopus", "-b:a", "64k", "-ac", "1")
AS_BROWSERS_DO = ("-f", "webm", "-live", "1", "-cluster_time_limit", "5000")
ROUND = 20  # seconds that are encoded, then repeated by copy


def measure(*, full: bool) -> Figures:
    binary = find_ffmpeg()
    assert binary, "there is no ffmpeg"
    minutes = 60 if full else 12
    with tempfile.TemporaryDirectory(prefix="qualz-merges-") as folder:
        bench = _Bench(Path(folder), binary)
        figures = _uniform(bench, minutes)
        _mixed(bench, minutes=6 if full else 2)
    return figures


class _Bench:
    """Makes parts in a folder and runs commands on them, watching time and memory."""

    def __init__(self, folder: Path, binary: Path) -> None:
        self.folder = folder
        self.binary = binary
        self.took = 0.0
        self.peak = 0

    def ffmpeg(self, *arguments: object) -> None:
        command = [str(self.binary), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
        self.runs(command)

    def runs(self, command: list[str]) -> None:
        """Note how long it takes and the most memory that it and its children hold at once."""
        began, self.peak = time.monotonic(), 0
        process = psutil.Popen(
            command,
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
        )
        while process.poll() is None:
            self.peak = max(self.peak, _resident(process))
            time.sleep(0.02)
        self.took = time.monotonic() - began
        assert process.returncode == 0, f"{command[0]} exited with {process.returncode}"

    def part(self, name: str, size: str, codec: str, length: int) -> Path:
        seed = self.folder / f"seed-{size}-{codec}.webm"
        if not seed.exists():
            picture = ("-f", "lavfi", "-i", PICTURE.format(size=size))
            sound = ("-f", "lavfi", "-i", "sine=300")
            self.ffmpeg(*picture, *sound, "-t", ROUND, "-c:v", codec, *CAMERA, *VOICE, seed)
        path = self.folder / name
        again = ("-stream_loop", "-1", "-i", seed, "-t", length, "-c", "copy")
        self.ffmpeg(*again, *AS_BROWSERS_DO, path)
        return path


def _resident(process: psutil.Process) -> int:
    """Bytes; what processes share is counted for each, so it is rather too much."""
    held = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            held += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return held


def _uniform(bench: _Bench, minutes: int) -> Figures:
    table = Table(
        f"{minutes} minutes of 720p in {PARTS} parts of one browser",
        *("", "took", "to ffmpeg's concat", "memory"),
    )
    length = minutes * 60 // PARTS
    parts = [bench.part(f"p{n}.webm", "1280x720", "libvpx", length) for n in range(PARTS)]
    listing = bench.folder / "parts.txt"
    listing.write_text("".join(f"file '{part}'\n" for part in parts))
    concat = ("-f", "concat", "-safe", "0", "-i", listing, "-map", "0", "-c", "copy")
    bench.ffmpeg(*concat, bench.folder / "warm.webm")
    bench.ffmpeg(*concat, bench.folder / "concat.webm")
    reference = bench.took

    def add(name: str) -> None:
        table.add(name, seconds(bench.took), times(bench.took, reference), mebibytes(bench.peak))

    add("ffmpeg -f concat -c copy (does not verify)")
    bench.runs(["sh", "-c", 'exec cat "$@" > cat.bin', "cat", *map(str, parts)])
    add("cat (does not play)")
    if mkvmerge := shutil.which("mkvmerge"):
        joined = [word for part in parts for word in ("+", str(part))][1:]
        bench.runs([mkvmerge, "-q", "-w", "-o", "mkvmerge.webm", *joined])
        add("mkvmerge (does not verify)")
    else:
        table.note("mkvmerge is not installed here, so it is not in the table.")
    qualz = [sys.executable, "-m", "tests.bench.merges", str(bench.binary)]
    bench.runs([*qualz, "prepare", *map(str, parts)])
    add("Qualz, when the parts close (all of them)")
    bench.runs([*qualz, "merge", *map(str, parts)])
    add("Qualz, when the interview is over, verified")
    figures = {
        "merge": bench.took / reference,
        "merge memory": bench.peak / 1024**2,
        "after the end": bench.took,
        "packets": float(changed_packets(parts, bench.folder / "full-session")),
    }
    bench.runs([*qualz, "anew", *map(str, parts)])
    add("Qualz, nothing prepared, verified")
    size = sum(part.stat().st_size for part in parts)
    table.note(f"{mebibytes(size)} in all. Qualz's figures hold the start of Python, 0.3 s.")
    table.show()
    return figures


def _mixed(bench: _Bench, minutes: int) -> None:
    table = Table(
        f"{minutes} minutes: a laptop's VP8 at 720p, a tenth of it from a phone in VP9 at 480p",
        *("", "took", "to re-encoding all", "memory"),
    )
    long, short = minutes * 60 * 9 // 10, minutes * 60 // 10
    parts = [
        bench.part("laptop.webm", "1280x720", "libvpx", long),
        bench.part("phone.webm", "640x480", "libvpx-vp9", short),
    ]
    fit = "scale=1280:720:force_original_aspect_ratio=decrease,pad=1280:720:-1:-1,setsar=1"
    graph = f"[0:v]{fit}[a];[1:v]{fit}[b];[a][0:a][b][1:a]concat=n=2:v=1:a=1[v][s]"
    inputs = [word for part in parts for word in ("-i", part)]
    encoded = ("-map", "[v]", "-map", "[s]", "-c:v", "libvpx", *CAMERA, *VOICE)
    bench.ffmpeg(*inputs, "-filter_complex", graph, *encoded, bench.folder / "all.webm")
    reference = bench.took

    def add(name: str) -> None:
        table.add(name, seconds(bench.took), times(bench.took, reference), mebibytes(bench.peak))

    add("ffmpeg's concat filter, which re-encodes all")
    qualz = [sys.executable, "-m", "tests.bench.merges", str(bench.binary)]
    bench.runs([*qualz, "anew", *map(str, parts)])
    add("Qualz, nothing prepared, verified")
    bench.runs([*qualz, "prepare", *map(str, parts)])
    add("Qualz, when the parts close")
    bench.runs([*qualz, "merge", *map(str, parts)])
    add("Qualz, when the interview is over, verified")
    table.show()


# --- In a process of its own, whose memory is watched ---------------------------------------------


def main(binary: str, what: str, *paths: str) -> None:
    folder = Path.cwd()
    ffmpeg = FFmpeg(binary=Path(binary))
    sources = [_source(Path(path), number) for number, path in enumerate(paths, 1)]
    prepared = Prepared(folder / "prepared") if what != "anew" else Prepared()
    with _workspace(folder) as workspace:
        if what == "prepare":
            full_session.prepare(sources, prepared, ffmpeg=ffmpeg, workspace=workspace)
            return
        report = full_session.make(
            sources,
            folder / "full-session",
            ffmpeg=ffmpeg,
            workspace=workspace,
            title="A benchmark",
            recorded_at=None,
            prepared=prepared,
        )
        assert not report.left_out


def _source(path: Path, number: int) -> Source:
    content = hashlib.sha256(f"{path} {path.stat().st_mtime_ns}".encode()).hexdigest()
    return Source(path=path, label=f"Part {number}", gap_before=None, content=content)


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=folder) as made:
        yield Path(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
