"""Where something was measured, and with what."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from qualz.tools import find_chromium, find_ffmpeg, find_redis_server

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("flask", "sqlalchemy", "gunicorn", "gevent", "flask-socketio", "rq", "av")
PROGRAMS: dict[str, tuple[Callable[[], Path | None], str]] = {
    "ffmpeg": (find_ffmpeg, "-version"),
    "chromium": (find_chromium, "--version"),
    "redis": (find_redis_server, "--version"),
}


def machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    found = {name: _version_of(find(), option) for name, (find, option) in PROGRAMS.items()}
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **found,
        **{name: version(name) for name in PACKAGES},
    }


def commit() -> str:
    """Of what was measured; “and changes” where there are some that are not committed."""
    try:
        name = _said("git", "rev-parse", "--short", "HEAD")
        # What the measurements themselves write down does not count.
        changed = _said("git", "status", "--porcelain", "--", ".", ":!bench")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name} and changes" if changed else name


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", told.read_text()) if told.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _version_of(program: Path | None, option: str) -> str:
    if program is None:
        return "none"
    found = re.search(r"\d+(\.\d+)+", _said(str(program), option))
    return found[0] if found else "unknown"


def _said(*command: str) -> str:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()
