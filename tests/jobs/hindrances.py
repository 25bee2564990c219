"""What a merge may run into at each of its steps: hooks that the code offers, no clocks."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from flask import Flask

from qualz.database import db
from qualz.interview import Interview
from qualz.media.ffmpeg import FFmpeg
from qualz.media.storage import WORKSPACES, Storage
from qualz.merge import Merge
from qualz.part import EndReason, Part
from qualz.settings import Settings

SAMPLES = Path(__file__).parent.parent / "samples"
SOUND, PICTURE = "chromium-opus.webm", "chromium-vp8-opus.webm"
LEASE = timedelta(seconds=15)

Happening = Callable[[], None]

WITH_FFMPEG = ("normalise", "join", "verify")
STEPS = ("probe", *WITH_FFMPEG, "publish", "published")


def step_of(arguments: list[str]) -> str:
    if "null" in arguments:
        return "verify"
    if any("pieces.ffconcat" in argument for argument in arguments):
        return "join"
    return "normalise"


def ffmpeg_stuck_at(step: str, ffmpeg: FFmpeg, then: Happening, *, stall: float = 60.0) -> FFmpeg:
    """An ffmpeg that waits for ever at its first command of a step, until `then` ends it.

    Where it would write or read a file there is a pipe that nobody else opens.
    """
    met: list[Path] = []

    class Stuck(FFmpeg):
        def run(self, command: Any, **options: Any) -> list[str]:
            arguments = list(command) if isinstance(command, (list, tuple)) else command.get_args()
            if met or step_of(arguments) != step:
                return super().run(command, **options)
            name = arguments[arguments.index("-i") + 1] if step == "verify" else arguments[-1]
            pipe = Path(name.removeprefix("file:"))
            met.append(pipe)
            kept = pipe.with_name("kept")
            if pipe.exists():
                pipe.rename(kept)
            os.mkfifo(pipe)
            told = options.pop("on_progress", lambda fraction: None)

            def on_progress(fraction: float) -> None:
                told(fraction)
                then()

            try:
                return super().run(command, on_progress=on_progress, **options)
            finally:
                pipe.unlink()
                if kept.exists():
                    kept.rename(pipe)

    return Stuck(binary=ffmpeg.binary, stall=stall)


class WatchedStorage(Storage):
    """Storage at which something happens just before or just after a file is published."""

    happening: tuple[str, Happening] = ("", lambda: None)

    def publish(self, source: Path, name: str) -> None:
        step, then = self.happening
        if step == "publish":
            then()
        super().publish(source, name)
        if step == "published":
            then()


def hinder(app: Flask, step: str, then: Happening) -> dict[str, Any]:
    """What a merge has to be run with so that `then` happens at a step of it, once or more."""
    storage = app.extensions["storage"]
    how: dict[str, Any] = {"storage": storage, "ffmpeg": app.extensions["ffmpeg"]}
    if step == "probe":
        how["announce"] = then
    elif step in WITH_FFMPEG:
        how["ffmpeg"] = ffmpeg_stuck_at(step, app.extensions["ffmpeg"], then)
    else:
        watched = WatchedStorage(storage.root)
        watched.happening = (step, then)
        how["storage"] = watched
    return how


# --- Actors --------------------------------------------------------------------------------------


def records(interview: Interview, app: Flask, key: str, data: bytes) -> Part:
    """The participant's browser has recorded a part and sent it."""
    part = interview.recording.start_part(key=key, reported_type="video/webm")
    db.session.commit()
    part.append(data, at=0, storage=app.extensions["storage"])
    part.declare_end(length=len(data), reason=EndReason.FINISHED)
    db.session.commit()
    return part


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def claims(interview: Interview) -> Merge:
    """A worker begins with the interview's merge, the one in line or a new one."""
    merge = Merge.begin(interview.recording) or interview.recording.latest_merge
    assert merge
    db.session.commit()
    claimed = Merge.claim(merge.id, lease_for=LEASE)
    assert claimed
    return claimed


def works(merge: Merge, app: Flask, **how: Any) -> None:
    given = {"storage": app.extensions["storage"], "ffmpeg": app.extensions["ffmpeg"]} | how
    merge.run(lease_for=LEASE, **given)


# --- What is left --------------------------------------------------------------------------------


def ffmpegs(settings: Settings) -> list[psutil.Process]:
    """Those that work on this test's recordings, whoever has started them."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(settings.media) in words and "ffmpeg" in words:
            found.append(process)
    return found


def workspaces(settings: Settings) -> list[Path]:
    folder = settings.media / WORKSPACES
    return list(folder.iterdir()) if folder.exists() else []


def full_sessions(settings: Settings) -> list[Path]:
    return sorted(settings.media.rglob("full-session*"))
