"""Decides what becomes of each part before a byte is written, and prints for a person to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from qualz.media.likeness import CannotMerge, common, container_for
from qualz.media.probe import Probe, Unreadable
from qualz.media.track import Track

SLATES = frozenset({"vp8", "vp9", "h264"})  # codecs in which a picture can be made up
SILENCES = frozenset({"opus", "aac"})

ODD_START = 0.002  # seconds by which a header may misstate where the packets begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One part as the domain hands it in. `gap_before`: seconds not recorded before it."""

    path: Path
    label: str
    gap_before: float | None
    without_picture: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one readable part is brought into the common layout."""

    index: int  # in the sources
    source: Source
    probe: Probe  # without the picture where it is not wanted
    picture: Literal["copied", "slate"] | None
    sound: Literal["copied", "silence"] | None
    notes: tuple[str, ...]

    @property
    def label(self) -> str:
        return self.source.label

    @property
    def fills_up(self) -> bool:
        return self.picture == "slate" or self.sound == "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    index: int
    label: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The common layout and the way there. `video` and `audio` are tracks to be like."""

    container: Literal["webm", "mp4"]
    video: Track | None
    audio: Track | None
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
        return h264 and any(step.picture == "slate" for step in self.steps)

    @property
    def as_they_are(self) -> bool:
        """Whether the parts can be joined without being rewritten one by one.

        The concat demuxer matches tracks by number and takes clock and start from headers, so
        all of these have to agree. One part that does not makes pieces of them all.
        """
        probes = [step.probe for step in self.steps]
        return (
            self.container == "webm"
            and all(probe.container == "webm" for probe in probes)
            and len({probe.layout for probe in probes}) == 1
            and all(abs(probe.start - probe.announced_start) < ODD_START for probe in probes)
            and not any(track.leading or track.corrupt for p in probes for track in p.tracks)
            and not any(step.fills_up for step in self.steps)
        )

    def __str__(self) -> str:
        lines = [f"{self.mime_type}, {self.duration:.2f} s"]
        lines += [f"  like {track}" for track in (self.video, self.audio) if track]
        lines += ["  parts are joined as they are"] if self.as_they_are else []
        for step in self.steps:
            made = [f"picture {step.picture}"] if step.picture else []
            made += [f"sound {step.sound}"] if step.sound else []
            lines.append(f"{step.label}: {step.probe.duration:.2f} s, {', '.join(made)}")
            lines += [f"  {note}" for note in step.notes]
        lines += [f"{part.label}: left out, {part.reason}" for part in self.left_out]
        return "\n".join(lines)


def plan(sources: Sequence[Source], probes: Sequence[Probe | Unreadable]) -> Plan:
    """Choose layout and steps; `probes` says for each source what it is or why it is unreadable.

    Raises `CannotMerge` if nothing is readable, or the parts differ so that copying is no use.
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
    video = common([(step.label, step.probe.video) for step in steps if step.probe.video])
    audio = common([(step.label, step.probe.audio) for step in steps if step.probe.audio])
    return Plan(
        container=container_for(video, audio, [step.probe.container for step in steps]),
        video=video,
        audio=audio,
        steps=tuple(_filled_up(step, video, audio) for step in steps),
        left_out=tuple(left_out),
    )


def _step(index: int, source: Source, found: Probe | Unreadable) -> Step:
    if isinstance(found, Unreadable):
        raise found
    notes = []
    if source.without_picture and found.video:
        if found.audio is None:
            raise Unreadable("it holds only a picture, and this study keeps none")
        notes.append("its picture is left out, this study keeps none")
        found = replace(found, video=None)
    if found.video and found.video.leading:
        notes.append(f"{found.video.leading} pictures before the first whole one are left out")
    if any(track.corrupt for track in found.tracks):
        notes.append("damaged sound or picture in it is left out")
    return Step(
        index=index,
        source=source,
        probe=found,
        picture="copied" if found.video else None,
        sound="copied" if found.audio else None,
        notes=tuple(notes),
    )


def _filled_up(step: Step, video: Track | None, audio: Track | None) -> Step:
    """The step with a slate or silence for a track that only other parts have."""
    if video and step.picture is None:
        if video.codec not in SLATES:
            raise CannotMerge(f"{step.label} has no picture, and none can be made in {video.codec}")
        step = replace(step, picture="slate")
    if audio and step.sound is None:
        if audio.codec not in SILENCES:
            raise CannotMerge(f"{step.label} has no sound, and none can be made in {audio.codec}")
        step = replace(step, sound="silence")
    return step
