"""`qualz doctor`: what was found on this machine, what is wrong, and what to do about it."""

from __future__ import annotations

import enum
import importlib.util
import logging
import os
import platform
import secrets
import shutil
import subprocess  # nosec B404 # few may: see tests/test_architecture.py
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from qualz import tools
from qualz.media.shelf import Shelf
from qualz.processes import instance, own_redis
from qualz.processes.child import ROOT
from qualz.settings import MEBIBYTE, Settings

OLDEST_PYTHON = (3, 11)
ENCODERS = ("libvpx", "libvpx-vp9", "libopus", "libx264", "aac")
# An hour of 720p is about a gigabyte, and a merge needs the same again.
LITTLE_SPACE = 5 * 1024 * MEBIBYTE
NO_SPACE = 500 * MEBIBYTE
VENDOR_FILES = ("htmx.min.js", "socket.io.esm.min.js", "icons")
NAMES_FOR_HERE = ("localhost", "127.0.0.1", "::1")


class State(enum.StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `text` says what is there and what to do next."""

    name: str
    state: State
    text: str


def examine(settings: Settings) -> list[Finding]:
    """Look at everything Qualz stands on; changes nothing."""
    looks: list[Callable[[Settings], Finding]] = [
        _python,
        _redis,
        _ffmpeg,
        _hearing,
        _speaking,
        _data_folder,
        *((_bucket,) if settings.s3_bucket else ()),
        _database,
        _browser_libraries,
        _port,
        _secure_context,
        _chromium,
    ]
    return [look(settings) for look in looks]


def print_report(findings: Iterable[Finding], out: TextIO | None = None) -> int:
    """Print the findings; the exit code is 1 where one of them is a problem."""
    out = out or sys.stdout
    findings = list(findings)
    for finding in findings:
        print(f"{finding.state:<8} {finding.name}: {finding.text}", file=out)
    return int(any(finding.state is State.PROBLEM for finding in findings))


def _ok(name: str, text: str) -> Finding:
    return Finding(name, State.OK, text)


def _warning(name: str, text: str) -> Finding:
    return Finding(name, State.WARNING, text)


def _problem(name: str, text: str) -> Finding:
    return Finding(name, State.PROBLEM, text)


def _python(_settings: Settings) -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return _problem("Python", f"{version} is too old. Install Python 3.11 or newer.")
    return _ok("Python", version)


def _redis(settings: Settings) -> Finding:
    if settings.redis_url:
        if own_redis.answers(settings.redis_url):
            return _ok("Redis", "answers at the address in REDIS_URL")
        return _problem(
            "Redis",
            "does not answer at the address in REDIS_URL. Start it, or leave REDIS_URL unset: "
            "Qualz then brings its own.",
        )
    server = tools.locate_redis_server()
    if server is None:
        return _problem(
            "Redis",
            "no redis-server. Start with `make run`, which brings one, or install it: "
            "sudo apt-get install redis-server",
        )
    return _ok("Redis", f"{server.path}, {server.origin}; Qualz starts its own")


def _ffmpeg(settings: Settings) -> Finding:
    tool = tools.locate_ffmpeg(settings.ffmpeg)
    if tool is None and settings.ffmpeg:
        return _problem("ffmpeg", f"FFMPEG names {settings.ffmpeg}, which cannot be run. Mend it.")
    if tool is None:
        return _problem(
            "ffmpeg",
            "none found. Start with `make run`, which brings one, or install it: "
            "sudo apt-get install ffmpeg",
        )
    first_line = _say(tool.path, "-version").partition("\n")[0]
    if not first_line.startswith("ffmpeg version"):
        return _problem("ffmpeg", f"{tool.path} does not run. Install another one.")
    lines = [line.split() for line in _say(tool.path, "-encoders").splitlines()]
    listed = {words[1] for words in lines if len(words) > 1}
    if missing := [name for name in ENCODERS if name not in listed]:
        return _problem(
            "ffmpeg",
            f"{tool.path} cannot write {', '.join(missing)}. Install a full build, or name one "
            "in FFMPEG.",
        )
    return _ok("ffmpeg", f"{first_line.split()[2]} at {tool.path}, {tool.origin}")


def _hearing(settings: Settings) -> Finding:
    if settings.hearing == "none":
        return _ok("hearing", "nobody on this server hears spoken answers, as QUALZ_HEARING says")
    if importlib.util.find_spec(settings.hearing.replace("-", "_")) is None:
        return _warning(
            "hearing",
            f"{settings.hearing} is not installed, so spoken answers stay sound. Install it with "
            "`pip install .[whisper]`, or choose another in QUALZ_HEARING.",
        )
    return _ok("hearing", f"{settings.hearing} puts spoken answers into words")


def _speaking(settings: Settings) -> Finding:
    known = {"flite": tools.locate_flite(), "espeak-ng": tools.locate_espeak()}
    wanted = {
        name: tool for name, tool in known.items() if settings.speaking in ("automatic", name)
    }
    if found := [f"{name} at {tool.path}" for name, tool in wanted.items() if tool]:
        return _ok("speaking", f"{', '.join(found)}; a service can be set up under Voice")
    if settings.speaking in known:
        return _warning("speaking", f"{settings.speaking} is not installed, so browsers speak")
    return _ok(
        "speaking", "no program here speaks for the moderator; the participants' browsers do"
    )


def _say(program: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # nosec B603 # a list of words, and no shell
            [program, "-hide_banner", *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _data_folder(settings: Settings) -> Finding:
    data = settings.data
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return _problem("data", f"{data} cannot be written. Give it to the user who runs Qualz.")
    free = shutil.disk_usage(data).free
    text = f"{data}, {free / 1024 / MEBIBYTE:.1f} GiB free"
    if free < NO_SPACE:
        return _problem("data", f"{text}: too little to record. Make room, or set QUALZ_DATA.")
    if free < LITTLE_SPACE:
        return _warning("data", f"{text}. An hour of video takes about 2 GiB; make room soon.")
    return _ok("data", text)


def _bucket(settings: Settings) -> Finding:
    name = f"doctor-{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(b"Qualz")
        try:
            shelf = Shelf(
                settings.s3_bucket or "", endpoint=settings.s3_endpoint, prefix=settings.s3_prefix
            )
            shelf.put(path, name)
            shelf.fetch(name, path)
            shelf.delete(name)
        except ImportError:
            return _problem("bucket", "boto3 is not installed: pip install '.[s3]'")
        except OSError as cause:
            text = f"{settings.s3_bucket} cannot be written to and read: {cause}. "
            return _problem("bucket", f"{text}Parts wait in the data folder until it can.")
    return _ok("bucket", f"a file went to {settings.s3_bucket} and came back")


def _database(settings: Settings) -> Finding:
    from qualz.core import create_core
    from qualz.database import revisions

    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return _warning("database", "not there yet; `make run` makes it")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    where = url.render_as_string(hide_password=True)
    try:
        present, newest = revisions(create_core(replace(settings, redis_url=None)))
    except SQLAlchemyError as cause:
        reason = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        return _problem("database", f"{where} does not answer: {reason}. Check DATABASE_URL.")
    if present != newest:
        return _warning(
            "database", f"{where} is at {present or 'nothing'}, not {newest}; `make run` updates it"
        )
    return _ok("database", f"{where}, up to date")


def _browser_libraries(_settings: Settings) -> Finding:
    vendor = ROOT / "static" / "vendor"
    if missing := [name for name in VENDOR_FILES if not (vendor / name).exists()]:
        return _problem(
            "browser libraries",
            f"{', '.join(missing)} not in {vendor}. `make run` puts them there.",
        )
    return _ok("browser libraries", f"in {vendor}")


def _port(settings: Settings) -> Finding:
    if holder := instance.running(settings):
        return _ok("port", f"Qualz runs at {holder.address} (process {holder.pid})")
    try:
        instance.check_port(settings)
    except instance.PortUnavailable as reason:
        return _problem("port", str(reason))
    return _ok("port", f"{settings.port} is free on {settings.host}")


def _secure_context(settings: Settings) -> Finding:
    address = urlsplit(settings.address)
    host = address.hostname or ""
    if address.scheme != "https" and host not in NAMES_FOR_HERE and not host.endswith(".localhost"):
        return _warning(
            "secure context",
            f"{settings.address} is plain http: browsers refuse the microphone there. Put a proxy "
            "with https in front, and set QUALZ_URL to its address.",
        )
    return _ok("secure context", f"{settings.address}: browsers allow the microphone")


def _chromium(_settings: Settings) -> Finding:
    tool = tools.locate_chromium()
    if tool is None:
        return _ok("Chromium", "none on the PATH; only tests and screenshots want one")
    return _ok("Chromium", f"{tool.path}; only tests and screenshots want it")
