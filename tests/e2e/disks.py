"""Disks that fill up: a real one where we may mount it, and one that only pretends to be full."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CAP_SYS_ADMIN = 21


class MountedDisk:
    """A small file system of its own, with the recordings and the database on it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        self.environment: dict[str, str] = {}
        self._mount("size=1g")

    def fills_up(self) -> None:
        used = shutil.disk_usage(self.data).used
        self._mount(f"remount,size={used + 4096}")

    def has_room_again(self) -> None:
        self._mount("remount,size=1g")

    def is_removed(self) -> None:
        subprocess.run(["umount", self.data], check=True)

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "qualz", self.data], check=True)


class PretendedDisk:
    """Refuses what is recorded as a full disk does, and takes everything else. It needs no
    privileges."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._no_room = folder / "no-room"
        self.environment = {
            "PYTHONPATH": str(Path(__file__).parent / "small_disk"),
            "NO_ROOM": str(self._no_room),
        }

    def fills_up(self) -> None:
        self._no_room.touch()

    def has_room_again(self) -> None:
        self._no_room.unlink(missing_ok=True)

    def is_removed(self) -> None:
        self.has_room_again()


Disk = MountedDisk | PretendedDisk


def kinds() -> list[type[Disk]]:
    """The most real one first."""
    return [MountedDisk, PretendedDisk] if _may_mount() else [PretendedDisk]


def _may_mount() -> bool:
    status = Path("/proc/self/status")
    if not status.exists():
        return False
    [held] = [line.split()[1] for line in status.read_text().splitlines() if "CapEff" in line]
    return bool(int(held, 16) >> CAP_SYS_ADMIN & 1)
