"""Processes that `qualz run` starts: errands, and children that it keeps alive.

Each is a command, or a fork as of fork.py. It leads its own session, so Ctrl-C in a terminal
reaches `qualz run` alone, and it ends with `qualz run`, however that one ended.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess  # nosec B404 # few may: see tests/test_architecture.py
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from qualz.lifeline import die_with
from qualz.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0
# Whoever lived so long was well; its next death starts the waiting anew.
WELL_AFTER = 30.0
OPEN_FILES = 65_536
LARGEST_LOG = 10 * 1024 * 1024


class Process(Protocol):
    """A child of ours."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def kill(self) -> None: ...


class Begin(Protocol):
    """Starts a process. Call it on the main thread: the kernel watches that, see `die_with`."""

    def __call__(self, *, stdout: IO[bytes], stderr: IO[bytes]) -> Process: ...


def spawn(
    command: list[str], environment: Mapping[str, str], *, stdout: IO[bytes], stderr: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a command that ends with us."""
    return subprocess.Popen(  # nosec B603 # a list of words, and no shell
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=partial(die_with, os.getpid()),
    )


def run_errand(begin: Begin, pause: Callable[[], None]) -> tuple[int, str, str]:
    """See a process to its end, calling `pause` meanwhile: exit code, output and errors.

    What `pause` raises ends it.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = begin(stdout=output, stderr=errors)
        try:
            while (code := process.poll()) is None:
                pause()
        except BaseException:
            process.kill()
            process.wait()
            raise
        return code, _contents(output), _contents(errors)


def _contents(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


@dataclass
class Child:
    """What is started anew when it ends, each time after a longer wait."""

    name: str
    begin: Begin
    log: Path
    deaths: int = 0
    process: Process | None = None
    _started_at: float = 0.0
    _due_at: float = 0.0
    _deaths_in_a_row: int = 0
    _log_began: int = field(default=0, repr=False)

    def start(self) -> None:
        _put_aside(self.log)
        self._started_at = time.monotonic()
        with self.log.open("ab") as log:
            self._log_began = log.tell()
            self.process = self.begin(stdout=log, stderr=log)

    @property
    def is_alive(self) -> bool:
        """Whether it runs; one that ended is left unburied, so that its number stays its own."""
        if self.process is None:
            return False
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, options) is None

    def tend(self) -> float | None:
        """Note a death, start anew when that is due; answer the seconds until then, if any."""
        if self.is_alive:
            return None
        now = time.monotonic()
        if self.process is not None:
            self.bury()
            self.deaths += 1
            if now - self._started_at > WELL_AFTER:
                self._deaths_in_a_row = 0
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2**self._deaths_in_a_row)
            self._deaths_in_a_row += 1
            self._due_at = now + wait
        if now < self._due_at:
            return self._due_at - now
        self.start()
        return None

    def ask_to_end(self) -> None:
        if self.process and self.is_alive:
            # Not `terminate()`: it would bury.
            os.kill(self.process.pid, signal.SIGTERM)

    def bury(self) -> None:
        """End it at once if it has not ended, and all that is left of its process group."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def last_words(self, lines: int = 20) -> str:
        """The end of what it wrote since its last start."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_began, size - 16_384))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""


def _put_aside(log: Path) -> None:
    """Begin a new log when the old one is large; one old one is kept."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".old.log"))


def environment_for(settings: Settings) -> dict[str, str]:
    """What the children read their settings from: ours, wherever they came from."""
    return {
        **os.environ,
        "QUALZ_DATA": str(settings.data),
        "QUALZ_HOST": settings.host,
        "PORT": str(settings.port),
        "QUALZ_URL": settings.public_url or "",
        "DATABASE_URL": settings.database_url,
        "QUALZ_SECRET_KEY": " ".join([settings.secret_key, *settings.old_secret_keys]),
        "PYTHONUNBUFFERED": "1",
    }


def allow_many_open_files() -> None:
    """A thousand participants are some thousands of connections and files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
