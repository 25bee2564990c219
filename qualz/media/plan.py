"""Decides what becomes of each part before a byte is written, and prints for a person to read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from qualz.media.probe import Probe, Unreadable
from qualz.media.target import (
    CannotMerge,
    Container,
    Picture,
    Sound,
    Target,
    choose,
    why_not_copied,
)
from qualz.media.track import Track

How = Literal["copied", "re-encoded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """What was recorded in a part but is not there: from `start` on the part's own clock.

    `seconds` is `None` at the end of a part whose recorder never said how long it ran.
    """

    start: float
    seconds: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One part as the domain hands it in. `gap_before`: seconds not recorded before it;
    `recorded`: seconds of it that came, by its recorder's own word.

    `content` is a digest of the file; without one nothing about it is kept for later. `holes` and
    `notes` are what was found when a damaged part was mended, and `path` is the mended one's then.
    """

    path: Path
    label: str
    gap_before: float | None
    without_picture: bool = False
    recorded: float | None = None
    content: str | None = None
    is_clean: bool = False  # whether all of it is known to decode
    holes: tuple[Hole, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one readable part is brought into the common layout; why, where it is re-encoded."""

    index: int  # in the sources
    source: Source
    probe: Probe  # without the picture where it is not wanted
    picture: How | Literal["slate"] | None
    sound: How | Literal["silence"] | None
    picture_reason: str | None = None
    sound_reason: str | None = None
    notes: tuple[str, ...]

    @property
    def label(self) -> str:
        return self.source.label

    @property
    def fills_up(self) -> bool:
        return self.picture == "slate" or self.sound == "silence"

    @property
    def re_encodes(self) -> bool:
        return "re-encoded" in (self.picture, self.sound)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is re-encoded, for people."""
        told = (("picture", self.picture_reason), ("sound", self.sound_reason))
        return tuple(f"its {what} was re-encoded: {reason}" for what, reason in told if reason)

    def __str__(self) -> str:
        made = [
            f"{what} {how} ({reason})" if reason else f"{what} {how}"
            for what, how, reason in (
                ("picture", self.picture, self.picture_reason),
                ("sound", self.sound, self.sound_reason),
            )
            if how
        ]
        return f"{self.label}: {self.probe.duration:.2f} s, {', '.join(made)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    index: int
    label: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The common layout and the way there."""

    container: Container
    video: Picture | None
    audio: Sound | None
    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def mime_type(self) -> str:
        return f"{'video' if self.video else 'audio'}/{self.container}"

    @property
    def duration(self) -> float:
        return sum(step.probe.duration for step in self.steps)

    @property
    def parameters_in_band(self) -> bool:
        """Whether H.264 parameter sets differ, so that they have to travel with the pictures."""
        h264 = self.video is not None and self.video.codec == "h264"
        return h264 and any(step.picture != "copied" for step in self.steps)

    @property
    def re_encoded(self) -> float:
        """Seconds of picture, or of sound where there is no picture, that are re-encoded."""
        return sum(
            step.probe.duration
            for step in self.steps
            if (step.picture if self.video else step.sound) == "re-encoded"
        )

    @property
    def as_they_are(self) -> bool:
        """Whether the parts can be joined without being rewritten one by one: all are WebM, and
        nothing of them is made anew."""
        return (
            self.container == "webm"
            and all(step.probe.container == "webm" for step in self.steps)
            and not any(track.leading for step in self.steps for track in step.probe.tracks)
            and not any(step.fills_up or step.re_encodes for step in self.steps)
        )

    def __str__(self) -> str:
        lines = [f"{self.mime_type}, {self.duration:.2f} s"]
        lines += [f"  {kind}" for kind in (self.video, self.audio) if kind]
        lines += ["  parts are joined as they are"] if self.as_they_are else []
        lines += [f"  {self.re_encoded:.2f} s are re-encoded"] if self.re_encoded else []
        for step in self.steps:
            lines.append(str(step))
            lines += [f"  {note}" for note in step.notes]
        lines += [f"{part.label}: left out, {part.reason}" for part in self.left_out]
        return "\n".join(lines)


def plan(
    sources: Sequence[Source],
    probes: Sequence[Probe | Unreadable],
    odd: Collection[int] = (),
    because: str = "",
) -> Plan:
    """Choose layout and steps; `probes` says for each source what it is or why it is unreadable.

    Sources with a number in `odd` are re-encoded whatever they are, `because` says why.
    Raises `CannotMerge` if nothing is readable.
    """
    steps: list[Step] = []
    left_out: list[LeftOut] = []
    for index, (source, found) in enumerate(zip(sources, probes, strict=True)):
        try:
            steps.append(_step(index, source, found))
        except Unreadable as unreadable:
            left_out.append(LeftOut(index=index, label=source.label, reason=unreadable.reason))
    if not steps:
        reasons = "; ".join(f"{part.label}: {part.reason}" for part in left_out)
        raise CannotMerge(f"nothing readable: {reasons or 'there are no parts'}")
    forced = {place for place, step in enumerate(steps) if step.index in odd}
    target = choose([step.probe for step in steps], forced)
    return Plan(
        container=target.container,
        video=target.video,
        audio=target.audio,
        steps=tuple(
            _aimed(step, target, because if place in forced else None)
            for place, step in enumerate(steps)
        ),
        left_out=tuple(left_out),
    )


def _step(index: int, source: Source, found: Probe | Unreadable) -> Step:
    if isinstance(found, Unreadable):
        raise found
    notes = list(source.notes)
    if source.without_picture and found.video:
        if found.audio is None:
            raise Unreadable("it holds only a picture, and this study keeps none")
        notes.append("its picture is left out, this study keeps none")
        found = replace(found, video=None)
    if found.video and found.video.is_beyond_measure:
        if found.audio is None:
            raise Unreadable("its picture is larger than that of any camera")
        notes.append("its picture is left out, it is larger than that of any camera")
        found = replace(found, video=None)
    if found.video and found.video.leading:
        notes.append(f"{found.video.leading} pictures before the first whole one are left out")
    if any(track.corrupt for track in found.tracks):
        notes.append("damaged sound or picture in it is left out")
    return Step(
        index=index,
        source=source,
        probe=found,
        picture=None,
        sound=None,
        notes=tuple(notes),
    )


def _aimed(step: Step, target: Target, because: str | None) -> Step:
    """The step with what has to be done so that its part comes out like the target."""
    picture, picture_reason = _done_to(step.probe.video, target, because)
    sound, sound_reason = _done_to(step.probe.audio, target, because)
    return replace(
        step,
        picture=(picture or "slate") if target.video else None,
        sound=(sound or "silence") if target.audio else None,
        picture_reason=picture_reason,
        sound_reason=sound_reason,
    )


def _done_to(
    track: Track | None, target: Target, because: str | None
) -> tuple[How | None, str | None]:
    if track is None:
        return None, None
    reason = why_not_copied(track, target) or because
    return ("re-encoded" if reason else "copied"), reason
