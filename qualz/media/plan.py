"""Decides what becomes of each part before a byte is written; prints as a page a person can read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qualz.media import packets
from qualz.media.probe import Probe, Track, Unreadable

# What every browser of today plays, by container.
WEBM = (frozenset({"vp8", "vp9", "av1"}), frozenset({"opus", "vorbis"}))
MP4 = (frozenset({"h264", "hevc", "vp9", "av1"}), frozenset({"aac", "opus"}))

SLATES = frozenset({"vp8", "vp9", "h264"})
SILENCES = frozenset({"opus", "aac"})


class CannotMerge(Exception):
    """No Full Session can be made of these parts; `reason` is a sentence for the researcher."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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
    label: str
    path: Path
    gap_before: float | None
    probe: Probe  # without what is stripped
    picture: Literal["copied", "slate"] | None
    sound: Literal["copied", "silence"] | None
    notes: tuple[str, ...]

    @property
    def encoded_seconds(self) -> float:
        return self.probe.duration if {self.picture, self.sound} & {"slate", "silence"} else 0.0


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
        """Whether H.264 parameter sets differ and so must travel with the pictures."""
        return (
            self.video is not None
            and self.video.codec == "h264"
            and any(step.picture == "slate" for step in self.steps)
        )

    def __str__(self) -> str:
        lines = [f"{self.mime_type}, {self.duration:.2f} s"]
        lines += [f"  video like {_shape(self.video)}"] if self.video else []
        lines += [f"  audio like {_shape(self.audio)}"] if self.audio else []
        for step in self.steps:
            made = [f"picture {step.picture}"] if step.picture else []
            made += [f"sound {step.sound}"] if step.sound else []
            lines.append(f"{step.label}: {step.probe.duration:.2f} s, {', '.join(made)}")
            lines += [f"  {note}" for note in step.notes]
        lines += [f"{part.label}: left out, {part.reason}" for part in self.left_out]
        return "\n".join(lines)


def plan(sources: Sequence[Source], probes: Sequence[Probe | Unreadable]) -> Plan:
    """Choose layout and steps. `probes` holds, for each source, what it is or why it is unreadable.

    Raises `CannotMerge` if nothing is readable or the parts differ in a way that copying can't mend.
    """
    usable: list[tuple[int, Source, Probe, tuple[str, ...]]] = []
    left_out: list[LeftOut] = []
    for index, (source, found) in enumerate(zip(sources, probes, strict=True)):
        if isinstance(found, Unreadable):
            left_out.append(LeftOut(index=index, label=source.label, reason=found.reason))
        elif (kept := _wanted(source, found)) is None:
            reason = "it holds a picture only, and this study keeps none"
            left_out.append(LeftOut(index=index, label=source.label, reason=reason))
        else:
            usable.append((index, source, kept, _notes(source, found)))
    if not usable:
        reasons = "; ".join(f"{part.label}: {part.reason}" for part in left_out) or "no parts"
        raise CannotMerge(f"nothing readable: {reasons}")

    labelled = [(source.label, kept) for _, source, kept, _ in usable]
    video = _common([(label, kept.video) for label, kept in labelled if kept.video])
    audio = _common([(label, kept.audio) for label, kept in labelled if kept.audio])
    container = _container(video, audio, [kept.container for _, kept in labelled])
    steps = tuple(
        Step(
            index=index,
            label=source.label,
            path=source.path,
            gap_before=source.gap_before,
            probe=kept,
            picture=None if video is None else "copied" if kept.video else "slate",
            sound=None if audio is None else "copied" if kept.audio else "silence",
            notes=notes,
        )
        for index, source, kept, notes in usable
    )
    _refuse_what_cannot_be_filled(video, audio, steps)
    return Plan(
        container=container, video=video, audio=audio, steps=steps, left_out=tuple(left_out)
    )


def _wanted(source: Source, found: Probe) -> Probe | None:
    if not source.without_picture or found.video is None:
        return found
    if found.audio is None:
        return None
    return Probe(container=found.container, video=None, audio=found.audio)


def _notes(source: Source, found: Probe) -> tuple[str, ...]:
    notes = []
    if found.video and source.without_picture:
        notes.append("the picture was left out: this study keeps none")
    elif found.video and found.video.leading:
        notes.append(f"{found.video.leading} pictures before the first whole one were left out")
    if any(track.corrupt for track in found.tracks):
        notes.append("it breaks off; what came before is kept")
    return tuple(notes)


def _common(tracks: list[tuple[str, Track]]) -> Track | None:
    """The track that the others are like. Raises `CannotMerge` if one isn't."""
    if not tracks:
        return None
    for words, trait in _TRAITS:
        seconds: dict[Hashable, float] = defaultdict(float)
        for _, track in tracks:
            seconds[trait(track)] += track.end - track.start
        usual = max(seconds, key=lambda value: seconds[value])
        for label, track in tracks:
            if trait(track) != usual:
                others = next(other for _, other in tracks if trait(other) == usual)
                raise CannotMerge(f"{label} {words(track, others)}")
    return tracks[0][1]


def _settings(track: Track) -> Hashable:
    """What a decoder is told before the first packet, as far as it has to be the same.

    Opus packets say themselves whether they are stereo, so two headers may differ in channels,
    pre-skip and the rate of the microphone, but not in mapping family (RFC 7845 section 5.1).
    """
    extradata = bytes.fromhex(track.extradata)
    if track.codec == "opus":
        return extradata[18:]
    if track.codec == "h264":
        return packets.parameter_sets(extradata)
    if track.codec == "aac":
        return extradata[:2]  # object type, rate, channels: ISO/IEC 14496-3 section 1.6.2.1
    return None if track.codec in {"vp8", "vp9"} else extradata


_TRAITS: tuple[tuple[Callable[[Track, Track], str], Callable[[Track], Hashable]], ...] = (
    (
        lambda track, others: (
            f"was recorded with another codec ({track.codec}, others {others.codec})"
        ),
        lambda track: track.codec,
    ),
    (
        lambda track, others: (
            f"was recorded in another size ({track.width}×{track.height}, "
            f"others {others.width}×{others.height})"
        ),
        lambda track: (track.width, track.height),
    ),
    (
        lambda track, others: (
            f"was recorded in another pixel format ({track.pixel_format}, "
            f"others {others.pixel_format})"
        ),
        lambda track: track.pixel_format,
    ),
    (
        lambda track, others: f"was recorded with other {track.codec} settings than the others",
        _settings,
    ),
)


def _container(
    video: Track | None, audio: Track | None, found: list[str]
) -> Literal["webm", "mp4"]:
    """MP4 parts stay MP4: their Opus pre-skip of 80 ms survives no trip through WebM in ffmpeg 5."""
    fits_webm = _fits(WEBM, video, audio)
    fits_mp4 = _fits(MP4, video, audio)
    if fits_webm and not (fits_mp4 and "mp4" in found):
        return "webm"
    if fits_mp4:
        return "mp4"
    codecs = " and ".join(track.codec for track in (video, audio) if track)
    raise CannotMerge(f"no container that browsers play holds {codecs}")


def _fits(
    container: tuple[frozenset[str], frozenset[str]], video: Track | None, audio: Track | None
) -> bool:
    pictures, sounds = container
    return (video is None or video.codec in pictures) and (audio is None or audio.codec in sounds)


def _refuse_what_cannot_be_filled(
    video: Track | None, audio: Track | None, steps: Sequence[Step]
) -> None:
    for step in steps:
        if video and step.picture == "slate" and video.codec not in SLATES:
            raise CannotMerge(f"{step.label} has no picture, and none can be made in {video.codec}")
        if audio and step.sound == "silence" and audio.codec not in SILENCES:
            raise CannotMerge(f"{step.label} has no sound, and none can be made in {audio.codec}")


def _shape(track: Track | None) -> str:
    if track is None:
        return ""
    if track.kind == "video":
        return f"{track.codec} {track.width}×{track.height} {track.pixel_format}"
    return f"{track.codec} {track.sample_rate} Hz, {track.channels} channel(s)"
