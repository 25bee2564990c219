"""Full Sessions: the files that a merge makes, from the parts that its manifest names.

Where something in it is redacted, what is played is a copy without that, and the Full Session as it
was recorded stays beside it as the original, for few.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qualz.leased import Leased
from qualz.manifest import Manifest, bare
from qualz.media import full_session, redact
from qualz.media.progress import Meter
from qualz.redaction import spans_of

if TYPE_CHECKING:
    from pathlib import Path

    from qualz.media.ffmpeg import FFmpeg
    from qualz.media.storage import Storage
    from qualz.part import Part
    from qualz.recording import Recording

# Of the whole, where what was merged is redacted as well.
MERGING = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a merge put in place: file names in storage, and the report with the parts' own ids."""

    name: str
    original: str | None
    mime_type: str
    told: dict[str, Any]


def make(
    recording: Recording,
    manifest: Manifest,
    stem: str,
    *,
    storage: Storage,
    ffmpeg: FFmpeg,
    workspace: Path,
    prepared: full_session.Prepared,
    on_progress: Callable[[float], None],
) -> Made:
    """Make and verify it, and rename it to names that end with `stem`.

    `on_progress` gets a fraction, once more before the first rename; what it raises passes through.
    Raises `CannotMerge`, `rendition.CannotMake`, `DiskFull` and `ffmpeg.Stopped`.
    """
    meter = Meter(on_progress)
    merging = meter.stage(MERGING if any(entry.get("redacted") for entry in manifest) else 1.0)
    redacting = meter.stage(1.0 - MERGING)
    out = workspace / "full-session"
    if held := _original_still_good(recording, manifest, storage):
        told, mime_type = dict(recording.report or {}), recording.original_type or ""
        source = storage.here(held)
    else:
        parts = _parts(recording, manifest)
        report = full_session.make(
            recording.sources(parts, storage),
            out,
            ffmpeg=ffmpeg,
            workspace=workspace,
            title=recording.interview.title,
            recorded_at=parts[0].started_at if parts else None,
            prepared=prepared,
            on_progress=merging,
        )
        told, mime_type = _told_of_parts(report, parts), report.mime_type
        source = out
    ending = mime_type.partition("/")[2]
    name, original = (
        f"{recording.folder}/{kind}-{stem}.{ending}" for kind in ("full-session", "original")
    )
    spans = spans_of(manifest, told)
    copy = workspace / "redacted"
    if spans:
        redact.make(source, copy, spans, ffmpeg=ffmpeg, workspace=workspace, on_progress=redacting)
    on_progress(1.0)
    if spans:
        storage.publish(copy, name)
    kept = original if spans else name
    if source == out:
        storage.publish(out, kept)
    else:
        storage.share(source, kept)
    return Made(
        name=name,
        original=original if spans else None,
        mime_type=mime_type,
        told=told | {"redacted": len(spans)},
    )


def _original_still_good(recording: Recording, manifest: Manifest, storage: Storage) -> str | None:
    """The Full Session as it was recorded, where the parts are what it was made of."""
    done = [one for one in recording.merges if one.state is Leased.State.DONE]
    if not done or not recording.report or recording.original is None:
        return None
    is_same = bare(done[-1].manifest) == bare(manifest)
    return recording.original if is_same and storage.exists(recording.original) else None


def _parts(recording: Recording, manifest: Manifest) -> list[Part]:
    chosen = {entry["part"] for entry in manifest}
    return [part for part in recording.parts if part.public_id in chosen]


def _told_of_parts(report: full_session.Report, parts: list[Part]) -> dict[str, Any]:
    """The report with each part by its public id, so that a turn can be placed in time."""
    told = report.as_json()
    for entry in told["parts"]:
        entry["part"] = parts[entry["index"]].public_id
    return told
