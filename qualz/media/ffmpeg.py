"""The one place that runs ffmpeg, and what else reads what came from outside.

ffmpeg-python builds the command lines, but never runs them: its `run()` knows no time limit and
hangs when a pipe that nobody reads is full.
"""

from __future__ import annotations

import errno
import logging
import os
import selectors
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import ffmpeg as builder

from qualz.media.disk import DiskFull
from qualz.media.program import Overdue, Process, confined
from qualz.media.sandbox import Limits
from qualz.media.track import LARGEST_PICTURE

# What a participant may upload. An HLS or concat playlist under the name of a recording would
# otherwise make ffmpeg read other files or open sockets.
UPLOADED_FORMATS = "matroska,webm,mov,mp4,ogg"

UNTRUSTED = Limits()

log = logging.getLogger(__name__)

BEAT = 0.5  # seconds between two looks at a running process
KEPT_LINES = 2000


class Failed(Exception):
    """ffmpeg ended with an error."""

    def __init__(self, code: int, lines: Sequence[str]) -> None:
        self.code = code
        self.lines = list(lines)
        said = self.lines[-1] if self.lines else "nothing"
        super().__init__(f"ffmpeg exited with {code}, saying: {said}")


class Stopped(Exception):
    """ffmpeg was killed because it took too long or did nothing any more."""


def upload(path: Path, **options: Any) -> Any:
    """An input that is a file from outside: only known containers, only that one file, and no
    picture beyond all measure."""
    limits = {"max_pixels": LARGEST_PICTURE}
    return source(path, formats=UPLOADED_FORMATS, **limits, **options)


def source(path: Path, *, formats: str, **options: Any) -> Any:
    return builder.input(
        f"file:{path}", protocol_whitelist="file", format_whitelist=formats, **options
    )


def generated(graph: str) -> Any:
    """An input that a filter graph makes up, such as a plain colour or silence."""
    return builder.input(graph, format="lavfi", protocol_whitelist="file", format_whitelist="lavfi")


@dataclass(frozen=True, slots=True, kw_only=True)
class FFmpeg:
    """An ffmpeg binary and how far it is trusted. `grace` gives a slow machine more time."""

    binary: Path
    limits: Limits = UNTRUSTED
    stall: float = 60.0

    def run(
        self,
        command: Any,
        *,
        expected_seconds: float = 0.0,
        on_progress: Callable[[float], None] = lambda fraction: None,
        stall: float | None = None,
        limit: float | None = None,
        file_size: int | None = None,
        verbosity: str = "warning",
    ) -> list[str]:
        """Run to the end and answer what it wrote to stderr, line by line.

        `command` is an ffmpeg-python node, or the arguments after the binary's name.
        `on_progress` gets the fraction (0..1) of `expected_seconds` of media that is done, at
        least each half second; whatever it raises kills ffmpeg and comes out of here.

        No file may grow beyond `file_size` bytes.

        Raises `Failed` for a bad exit, `DiskFull`, and `Stopped` after `limit` seconds in all (ten
        times the media's length and two minutes) or `stall` seconds without a sign of life.
        """
        arguments = list(command) if isinstance(command, (list, tuple)) else command.get_args()
        limit = limit if limit is not None else 120.0 + 10 * expected_seconds
        watch = _Watch(expected_seconds, on_progress, stall or self.stall, limit)
        limits = replace(
            self.limits,
            cpu_seconds=self.limits.cpu_seconds or _cpu_seconds(limit),
            file_size=file_size or self.limits.file_size,
        )
        with tempfile.TemporaryFile() as log:
            command_line = [*self._head(verbosity), *arguments]
            with confined(command_line, limits, log=log) as process:
                watch.follow(process)
            lines = _lines(log)
        if process.returncode != 0:
            if any(os.strerror(errno.ENOSPC) in line for line in lines):
                raise DiskFull(lines[-1])
            raise Failed(process.returncode, lines)
        on_progress(1.0)
        return lines

    def _head(self, verbosity: str) -> list[str]:
        return [
            str(self.binary),
            *("-hide_banner", "-nostdin", "-y", "-v", verbosity),
            *("-progress", "pipe:1", "-nostats", "-stats_period", str(BEAT)),
        ]


def answers(
    program: Sequence[str],
    question: bytes,
    *,
    on_beat: Callable[[], None],
    limit: float,
    limits: Limits = UNTRUSTED,
) -> list[bytes]:
    """The lines that a program of ours answers to a question on its stdin, confined like ffmpeg.

    One that decodes what is hostile may end at any time, or be ended after `limit` seconds: then
    these are the lines until there. What `on_beat` raises kills it and comes out of here.
    """
    watch = _Listener(on_beat, limit)
    limits = replace(limits, cpu_seconds=_cpu_seconds(limit), file_size=0)
    with tempfile.TemporaryFile() as given:
        given.write(question)
        given.seek(0)
        with confined(program, limits, given=given) as process, suppress(Stopped):
            watch.follow(process)
    if process.returncode != 0:
        log.warning("%s ended with %d", program[0], process.returncode)
    return watch.lines


class _Watch:
    """Reads a process's progress pipe until it ends, and notices when it does nothing."""

    def __init__(
        self, expected: float, on_progress: Callable[[float], None], stall: float, limit: float
    ) -> None:
        self.expected = expected
        self.on_progress = on_progress
        self.stall = stall
        self.limit = limit
        self.fraction = 0.0

    def follow(self, process: Process) -> None:
        assert process.stdout is not None  # nosec B101 # tells the type checker what is so
        pipe = process.stdout.fileno()
        began = alive = time.monotonic()
        last_sign: object = None
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while True:
                if selector.select(min(BEAT, self.stall / 4)):
                    read = os.read(pipe, 65536)
                    if not read:
                        break
                    pending = self._take(pending + read)
                now = time.monotonic()
                # While an index is moved to the front ffmpeg reports nothing, but works.
                sign = (self.fraction, _cpu_used(process.pid))
                if sign != last_sign:
                    last_sign, alive = sign, now
                if now - alive > self.stall:
                    raise Stopped(f"ffmpeg did nothing for {self.stall:.0f} s")
                if now - began > self.limit:
                    raise Stopped(f"ffmpeg was not done after {self.limit:.0f} s")
                self.on_progress(self.fraction)
        # The pipe is closed, so it is exiting; a process that hangs there is killed as well.
        try:
            process.wait(timeout=self.stall)
        except Overdue:
            raise Stopped("ffmpeg closed its output but did not exit") from None

    def _take(self, text: bytes) -> bytes:
        """Use the whole lines of `text`, answer the rest. `out_time_us` is in microseconds."""
        *lines, rest = text.split(b"\n")
        for line in lines:
            key, _, value = line.strip().partition(b"=")
            if key == b"out_time_us" and value.lstrip(b"-").isdigit() and self.expected > 0:
                done = int(value) / 1_000_000 / self.expected
                self.fraction = max(self.fraction, min(1.0, done))
        return rest


class _Listener(_Watch):
    """Keeps the lines that it reads."""

    def __init__(self, on_beat: Callable[[], None], limit: float) -> None:
        super().__init__(0.0, lambda fraction: on_beat(), limit, limit)
        self.lines: list[bytes] = []

    def _take(self, text: bytes) -> bytes:
        *lines, rest = text.split(b"\n")
        self.lines += lines
        return rest


def _cpu_seconds(limit: float) -> int:
    return int(limit * (os.cpu_count() or 1)) + 1


def _cpu_used(pid: int) -> int | None:
    """Clock ticks a process has used; `None` where /proc is missing. Fields: proc(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[11]) + int(fields[12])


def _lines(log: IO[bytes]) -> list[str]:
    log.seek(0)
    lines: list[str] = []
    for line in log:
        lines.append(line.decode("utf-8", "replace").rstrip())
        if len(lines) >= KEPT_LINES:
            lines.append("…")
            break
    return [line for line in lines if line]
