"""What was done with parts before their merge, so that it need not be done again.

Everything is found by what it was made of: a digest of the part's content and all that decides
what comes out. So a plan may change as later parts come, and what still fits is used.
"""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import av

from qualz.media import disk
from qualz.media.normalise import Piece, piece_path
from qualz.media.plan import Plan, Source, Step
from qualz.media.probe import Probe
from qualz.media.track import Size, Track

T = TypeVar("T")

# Of what is kept here. Raise it when probing or normalising comes to other results.
VERSION = 1
LIBRARIES = tuple(sorted(av.library_versions.items()))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder of such work; without one nothing is kept. Its loss costs time only."""

    folder: Path | None = None

    def probe(self, source: Source) -> Probe | None:
        path = self._path("probe", source, ".json")
        return _read(path, _probe_from) if path else None

    def keep_probe(self, source: Source, found: Probe) -> None:
        if path := self._path("probe", source, ".json"):
            _write(path, _kept_probe(found))

    def is_clean(self, source: Source) -> bool:
        """Whether all of it was decoded, without complaint."""
        path = self._path("clean", source, ".json")
        return path is not None and path.exists()

    def note_clean(self, source: Source) -> None:
        if path := self._path("clean", source, ".json"):
            _write(path, {})

    def has_piece(self, step: Step, plan: Plan) -> bool:
        path = self._piece(step, plan)
        return path is not None and path.with_suffix(".json").exists()

    def piece(self, step: Step, plan: Plan, folder: Path) -> Piece | None:
        """The normalised part, put into `folder` under the name that it has there.

        What has that name is replaced, be it an earlier answer.
        """
        path = self._piece(step, plan)
        if path is None:
            return None
        wanted = piece_path(step, plan, folder)
        piece = _read(path.with_suffix(".json"), lambda kept: _piece_from(kept, step, wanted))
        if piece is None:
            return None
        beside = wanted.with_suffix(".named")
        beside.unlink(missing_ok=True)
        try:
            # A second name for the same bytes: whoever clears up here takes nothing away there.
            os.link(path, beside)
        except FileNotFoundError:
            return None
        except OSError:
            # A file system that knows no second names.
            beside.symlink_to(path)
        # Between two names of the same bytes renaming would do nothing, and leave both.
        wanted.unlink(missing_ok=True)
        beside.replace(wanted)
        return piece

    def keep_piece(self, piece: Piece, plan: Plan) -> None:
        """Take it away for later. A disk without room for it is no harm."""
        if path := self._piece(piece.step, plan):
            with suppress(OSError, disk.DiskFull):
                path.parent.mkdir(exist_ok=True)
                disk.publish(path.parent, piece.path, path)
                _write(path.with_suffix(".json"), _kept_piece(piece))

    def forget_pieces(self) -> None:
        """Pieces are as large as their parts, and of no use once the Full Session is there."""
        if self.folder:
            for path in self.folder.glob("piece-*"):
                path.unlink(missing_ok=True)

    def _piece(self, step: Step, plan: Plan) -> Path | None:
        how = (plan.container, plan.video, plan.audio, step.picture, step.sound)
        words = step.label if step.picture == "slate" else ""
        return self._path("piece", step.source, ".media", how, words)

    def _path(self, what: str, source: Source, ending: str, *how: object) -> Path | None:
        if self.folder is None or source.content is None:
            return None
        told = repr((VERSION, LIBRARIES, what, source.content, source.without_picture, how))
        return self.folder / f"{what}-{hashlib.sha256(told.encode()).hexdigest()[:32]}{ending}"


NOTHING = Prepared()


def _read(path: Path, made_of: Callable[[dict[str, Any]], T]) -> T | None:
    """What was kept; `None` for what an earlier version wrote otherwise, or a crash spoilt."""
    try:
        return made_of(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, kept: dict[str, Any]) -> None:
    _put(path, json.dumps(kept).encode())


def _put(path: Path, data: bytes) -> None:
    """Whole or not at all: whoever reads at the same time sees the one or the other."""
    partial = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        # Not what is above it: an interview that was deleted is not to come back.
        path.parent.mkdir(exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)


def _kept_probe(found: Probe) -> dict[str, Any]:
    return {
        "container": found.container,
        "video": _kept_track(found.video),
        "audio": _kept_track(found.audio),
    }


def _probe_from(kept: dict[str, Any]) -> Probe:
    video, audio = _track_from(kept["video"]), _track_from(kept["audio"])
    return Probe(container=kept["container"], video=video, audio=audio)


def _kept_piece(piece: Piece) -> dict[str, Any]:
    return {
        "formats": piece.formats,
        "duration": piece.duration,
        "tracks": [_kept_track(track) for track in piece.tracks],
        "origins": piece.origins,
        "notes": piece.notes,
    }


def _piece_from(kept: dict[str, Any], step: Step, path: Path) -> Piece:
    tracks = tuple(track for entry in kept["tracks"] if (track := _track_from(entry)))
    origins, notes = tuple(kept["origins"]), tuple(kept["notes"])
    return Piece(
        step=step,
        path=path,
        **(kept | {"tracks": tracks, "origins": origins, "notes": notes}),
    )


def _kept_track(track: Track | None) -> dict[str, Any] | None:
    if track is None:
        return None
    times = b64encode(track.times.tobytes()).decode()
    return asdict(replace(track, times=array("d"))) | {"times": times}


def _track_from(kept: dict[str, Any] | None) -> Track | None:
    if kept is None:
        return None
    times = array("d", b64decode(kept["times"]))
    sizes = tuple(Size(*size) for size in kept["sizes"])
    return Track(**(kept | {"times": times, "sizes": sizes}))
