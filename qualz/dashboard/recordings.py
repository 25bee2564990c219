"""Recordings: the clips and the Full Session of one interview, and how far its merge is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask.typing import ResponseReturnValue

from qualz import tally
from qualz.dashboard import dashboard, media
from qualz.dashboard.access import find_interview
from qualz.dashboard.originals import sees_originals
from qualz.dashboard.partials import refreshed
from qualz.interview import Interview
from qualz.recording import Recording

# Seconds between two looks: closely while a merge runs or is about to, else as the list does.
CLOSELY, AT_EASE = 1, 5


# What the merge engine says of a part that is unlike the others, and what people make of it.
PLAINLY = (
    (re.compile(r"another codec, (\w+)"), "the other clips are not "),
    (re.compile(r"another size, .*"), "its size is not that of the other clips"),
    (re.compile(r"its size changes on the way, .*"), "its size changes on the way"),
    (
        re.compile(r"another (?:pixel )?format, .*|other \w+ settings|its \w+ settings change.*"),
        "its format differs from the other clips",
    ),
    (re.compile(r"its first \d+ ms are skipped"), "its format differs from the other clips"),
    (
        re.compile(r"it could not be joined by copying"),
        "the clips did not fit together as they were",
    ),
)


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/recording")
def recording(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    return refreshed(
        "dashboard/transcripts/_recording.html",
        study=interview.study,
        interview=interview,
        **shown(interview.recording),
    )


def shown(recording: Recording) -> dict[str, Any]:
    """What `_recording.html` needs, wherever it is included."""
    return {
        "recording": recording,
        "poll_seconds": poll_seconds(recording),
        "has_picture": any(part.has_camera for part in recording.clips),
        "tally": tally.of(recording),
        "notes": notes(recording),
        "fates": fates(recording),
        "full_version": media.version(recording),
        "joins": joins(recording),
        "shown_clips": recording.shown_clips,
        "withheld": _withheld(recording),
        "shows_original": bool(recording.original) and sees_originals(recording.interview),
    }


def _withheld(recording: Recording) -> str:
    """Why not all of it can be played; nothing where it can."""
    if recording.awaits_rest:
        return (
            "The participant took back an answer. The rest of that clip may still arrive, with "
            "later answers; then it is erased, within a week at most. Until then it is played to "
            "nobody."
        )
    if recording.holds_taken_back:
        return (
            "The participant took back an answer. It is being erased from the recording, which "
            "plays again after that."
        )
    if recording.is_redacted and not recording.plays_as_one:
        return "Something in it is redacted. It plays when a copy without that is made."
    return ""


def poll_seconds(recording: Recording) -> int | None:
    """How long until the page looks again; None when there is nothing left to wait for."""
    if recording.is_being_made or _is_due_soon(recording):
        return CLOSELY
    awaits_bytes = any(part.is_open for part in recording.parts)
    may_go_on = recording.interview.state in (
        Interview.State.JOINED,
        Interview.State.LIVE,
        Interview.State.INTERRUPTED,
    )
    if recording.state in (Recording.State.READY, Recording.State.FAILED):
        may_go_on = recording.interview.state is Interview.State.LIVE
    return AT_EASE if awaits_bytes or may_go_on else None


def _is_due_soon(recording: Recording) -> bool:
    """The interview is over and there are bytes that no Full Session holds yet."""
    return (
        recording.state in (Recording.State.NONE, Recording.State.STALE)
        and recording.interview.state is Interview.State.COMPLETED
        and bool(recording.clips)
    )


def joins(recording: Recording) -> list[dict[str, Any]]:
    """Where in the Full Session each part but the first begins, and the seconds that were not
    recorded before it; None where nobody knows."""
    parts = {part.public_id: part for part in recording.parts}
    told = [
        {
            "at": entry["start"],
            "gap": recording.gap_before(parts[entry["part"]]),
            "label": clip_label(parts[entry["part"]].number),
        }
        for entry in (recording.report or {"parts": []})["parts"]
        if entry.get("start") is not None and entry["part"] in parts
    ]
    return [join for join in sorted(told, key=lambda join: join["at"]) if join["at"] > 0]


def notes(recording: Recording) -> list[str]:
    """What was found wrong with what is stored."""
    # Holes are told with the gaps.
    told = [
        f"{clip_label(part.number)}: {part.damage}"
        for part in recording.clips
        if part.damage and not part.holes
    ]
    lengths = {part.public_id: part.damaged for part in recording.parts}
    told += [
        f"{entry['label']} is not in the Full Session: {entry['left_out']}"
        for entry in (recording.report or {"parts": []})["parts"]
        if entry.get("left_out") and not lengths.get(entry["part"])
    ]
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What was done to a part for the Full Session, in sentences; none if nothing was."""

    label: str
    told: tuple[str, ...]


def fates(recording: Recording) -> list[Fate]:
    """Clip by clip; nothing where each was taken as it was recorded."""
    numbers = {part.public_id: part.number for part in recording.parts}
    found = [
        Fate(label=clip_label(numbers[entry["part"]]), told=tuple(_told(entry)))
        for entry in (recording.report or {"parts": []})["parts"]
        if entry["part"] in numbers
    ]
    return found if any(fate.told for fate in found) else []


def _told(entry: dict[str, Any]) -> Iterator[str]:
    if entry.get("left_out"):
        yield f"Not in the Full Session: {entry['left_out']}."
        return
    for reason in entry.get("reasons", ()):
        what, _, why = reason.partition(" was re-encoded: ")
        yield f"{what.removeprefix('its ').capitalize()} converted: {plainly(why)}."
    if entry.get("picture") == "slate":
        yield "No picture was recorded, so a plain one stands in for it."
    if entry.get("sound") == "silence":
        yield "No sound was recorded, so it is silent."
    for note in entry.get("notes", ()):
        # What a decoder says is for engineers, who find it in the report.
        words = note.partition(" (decoder:")[0]
        yield f"{words[:1].upper()}{words[1:]}."


def plainly(why: str) -> str:
    """Why something was converted, for people who know no codecs."""
    for technical, plain in PLAINLY:
        if found := technical.fullmatch(why):
            return plain + "".join(name.upper() for name in found.groups())
    return why


def in_words(seconds: float) -> str:
    """A span of time as people say it: “0.4 s”, “38 s”, “4 min”, “26 h”, “3 days”."""
    if seconds < 10:
        return tenths(seconds)
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def left_in_words(seconds: float) -> str:
    """Of work: “about 2 minutes left”, and no more exactly than can be believed."""
    minutes = round(seconds / 60)
    if seconds < 10:
        return "a few seconds left"
    if seconds < 45:
        return "less than a minute left"
    if minutes < 2:
        return "about 1 minute left"
    if minutes < 60:
        return f"about {minutes} minutes left"
    hours = round(seconds / 1800) / 2
    return "about 1 hour left" if hours == 1 else f"about {hours:g} hours left".replace(".5", "½")


def tenths(seconds: float) -> str:
    """To the tenth above, so that nothing but nothing reads “0.0 s”."""
    return f"{math.ceil(round(seconds, 3) * 10) / 10:.1f} s"


def clip_label(number: int) -> str:
    return f"Clip {number}"
