"""What became of the parts, in words and numbers that can be shown and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qualz.media.join import Chapter, chapters
from qualz.media.normalise import Piece
from qualz.media.plan import Hole, LeftOut, Plan, Source
from qualz.media.salvage import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """What became of one source. Seconds; `start` is on the Full Session's clock.

    `missing` is what was recorded but is not in the Full Session, `None` where nobody knows how
    much that is; `holes` say where in the part, on its own clock.
    """

    index: int  # in the sources
    label: str
    start: float | None
    duration: float
    picture: str | None  # copied, re-encoded, slate
    sound: str | None  # copied, re-encoded, silence
    reasons: tuple[str, ...]  # why it was re-encoded
    left_out: str | None  # why nothing of it is in the Full Session
    notes: tuple[str, ...]
    missing: float | None
    holes: tuple[Hole, ...]

    def __str__(self) -> str:
        """What is missing of it, for a person; nothing where nothing is."""
        if self.left_out:
            much = "" if self.missing is None else f" ({self.missing:.1f} s)"
            return f"{self.label}{much} was left out: {self.left_out}"
        told = [
            f"{self.label}: {_seconds(hole.seconds)} missing at {clock(hole.start)}: {hole.reason}"
            for hole in self.holes
        ]
        return "\n".join(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The Full Session: seconds, bytes, and what each part gave to it."""

    duration: float
    mime_type: str
    size: int
    tracks: tuple[dict[str, Any], ...]
    parts: tuple[PartReport, ...]
    chapters: tuple[Chapter, ...]

    @property
    def left_out(self) -> tuple[PartReport, ...]:
        return tuple(part for part in self.parts if part.left_out)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def report(
    sources: Sequence[Source],
    plan: Plan,
    pieces: Sequence[Piece],
    damage: Mapping[int, str],
    path: Path,
) -> Report:
    """`damage` says by the number of a part what was found wrong with it on decoding."""
    marks = chapters(pieces)
    parts = {part.index: _absent(part, sources[part.index]) for part in plan.left_out}
    for piece, mark in zip(pieces, marks, strict=True):
        index, holes = piece.step.index, piece.step.source.holes
        parts[index] = PartReport(
            index=index,
            label=piece.label,
            start=mark.start,
            duration=piece.duration,
            picture=piece.step.picture,
            sound=piece.step.sound,
            reasons=piece.step.reasons,
            left_out=None,
            notes=(
                *piece.step.notes,
                *piece.notes,
                *([damage[index]] if index in damage else []),
            ),
            missing=_total([hole.seconds for hole in holes]),
            holes=holes,
        )
    return Report(
        duration=marks[-1].end,
        mime_type=plan.mime_type,
        size=path.stat().st_size,
        tracks=_described(plan),
        parts=tuple(parts[index] for index in range(len(sources))),
        chapters=marks,
    )


def _total(seconds: Sequence[float | None]) -> float | None:
    known = [some for some in seconds if some is not None]
    return round(sum(known), 3) if len(known) == len(seconds) else None


def _seconds(seconds: float | None) -> str:
    return "an unknown time is" if seconds is None else f"{seconds:.1f} s are"


def _absent(part: LeftOut, source: Source) -> PartReport:
    return PartReport(
        index=part.index,
        label=part.label,
        start=None,
        duration=0.0,
        picture=None,
        sound=None,
        reasons=(),
        left_out=part.reason,
        notes=source.notes,
        missing=source.recorded,
        holes=source.holes,
    )


def _described(plan: Plan) -> tuple[dict[str, Any], ...]:
    found: list[dict[str, Any]] = []
    if plan.video:
        width, height = plan.video.canvas
        found.append({"kind": "video", "codec": plan.video.codec, "width": width, "height": height})
    if plan.audio:
        sound = plan.audio
        found.append(
            {
                "kind": "audio",
                "codec": sound.codec,
                "sample_rate": sound.rate,
                "channels": sound.channels,
            }
        )
    return tuple(found)
