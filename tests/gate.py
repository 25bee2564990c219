"""An ffmpeg that can be met midway."""

from __future__ import annotations

import stat
from pathlib import Path

import psutil

from qualz.tools import find_ffmpeg


class Gate:
    """An ffmpeg that waits at a gate before it does its work, so that a merge can be met midway."""

    def __init__(self, folder: Path) -> None:
        self.arrived = folder / "arrived"
        self._open = folder / "open"
        self.program = folder / "ffmpeg"
        self.program.write_text(
            "#!/bin/sh\n"
            f"echo $$ >> '{self.arrived}'\n"
            f"while [ ! -e '{self._open}' ]; do sleep 0.05; done\n"
            f"exec '{find_ffmpeg()}' \"$@\"\n"
        )
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)

    def opens(self) -> None:
        self._open.touch()

    def closes(self) -> None:
        self._open.unlink(missing_ok=True)
        self.arrived.unlink(missing_ok=True)

    def waiting(self) -> list[int]:
        return [int(line) for line in self.arrived.read_text().split()] if self._came() else []

    def waiting_for(self, worker: psutil.Process) -> list[psutil.Process]:
        """Those at the gate that run for this worker: other workers' wait there as well."""
        came = set(self.waiting())
        return [process for process in worker.children(recursive=True) if process.pid in came]

    def _came(self) -> bool:
        return self.arrived.exists() and bool(self.arrived.read_text().strip())
