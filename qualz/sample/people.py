"""People: one interview of a sample, from agreeing to take part until they left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from random import Random
from typing import Any

from qualz.conversation import Act, Kind, Manner, Terms
from qualz.database import new_public_id
from qualz.drop import Cause
from qualz.interview import Interview
from qualz.moderator import Origin
from qualz.part import EndReason
from qualz.recording import CANCELLED, Recording
from qualz.sample import script
from qualz.sample.takes import GAP, Take
from qualz.study import Camera
from qualz.tokens import new_receipt
from qualz.turn import Speaker

# Reading the consent text and trying the microphone.
DOOR = timedelta(seconds=40)


class Course(StrEnum):
    """How it went."""

    THROUGH = "through"
    STOPPED = "stopped"
    LEFT = "left"
    CANCELLED = "cancelled"  # the merge, by a researcher
    AT_THE_DOOR = "at_the_door"
    WITHDRAWN = "withdrawn"


# In this order, again and again, so that a small sample has some of each.
COURSES = (
    *([Course.THROUGH] * 5 + [Course.LEFT] + [Course.THROUGH] * 6 + [Course.STOPPED]),
    *([Course.THROUGH] * 5 + [Course.AT_THE_DOOR, Course.LEFT] + [Course.THROUGH] * 2),
    *[Course.CANCELLED, Course.WITHDRAWN],
)
FORGOTTEN = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """All of one interview, in rows for each table without the ids that the database gives."""

    interview: dict[str, Any]
    recording: dict[str, Any]
    parts: list[dict[str, Any]]
    drops: list[dict[str, Any]]
    # Turns name their part by its place in `parts`.
    turns: list[dict[str, Any]]
    events: list[dict[str, Any]]
    take: Take | None


def person(
    number: int, at: datetime, now: datetime, turns: int, take: Take, terms: Terms
) -> Person:
    """The same for the same number, but for the identifiers."""
    chance, course = Random(number), COURSES[(number - 1) % len(COURSES)]  # nosec B311 # invents people, not secrets
    if course in (Course.AT_THE_DOOR, Course.WITHDRAWN):
        return _without_recording(number, at, course)
    begins = at + DOOR
    parts = list(_parts(take, begins))
    ends = parts[-1]["started_at"] + timedelta(milliseconds=parts[-1]["recorded_ms"])
    is_over = course in (Course.THROUGH, Course.STOPPED, Course.CANCELLED)
    said = list(script.talk(chance, max(1, turns // 2)))
    if course in (Course.LEFT, Course.STOPPED):
        said = said[: chance.randint(1, max(1, len(said) * 2 // 3))]
    talk = _Talk(terms, parts, len(said) * 2 + 1)
    for one in said:
        talk.exchange(one, answered=is_over or one is not said[-1])
    if course in (Course.THROUGH, Course.CANCELLED):
        talk.close()
    if is_over:
        how = "stopped" if course is Course.STOPPED else "finished"
        talk.note(Kind.ENDED, {"how": how}, ends)
    state = Interview.State.COMPLETED
    if not is_over:
        forgotten = now - ends > FORGOTTEN
        state = Interview.State.ABANDONED if forgotten else Interview.State.INTERRUPTED
    interview = _interview(number, at, state) | {
        "name": script.name(chance),
        "last_seen_at": ends,
        "completed_at": ends if is_over else None,
        "interrupted_at": None if is_over else ends + timedelta(seconds=10),
        "away_since": None if is_over else ends,
        "ended_early": course is Course.STOPPED,
    }
    recording = _recording(interview["public_id"], take, parts, ends)
    if course is Course.CANCELLED:
        recording |= {"state": Recording.State.FAILED, "reason": CANCELLED, "report": None}
        recording |= dict.fromkeys(("full_session", "full_session_type", "ready_at", "illustrated"))
    return Person(
        interview=interview,
        recording=recording,
        parts=parts,
        drops=list(_drops(parts, None if is_over else ends)),
        turns=talk.turns,
        events=talk.events,
        take=take,
    )


def _without_recording(number: int, at: datetime, course: Course) -> Person:
    """Somebody who agreed and never came in, or took everything back."""
    taken_back = course is Course.WITHDRAWN
    state = Interview.State.WITHDRAWN if taken_back else Interview.State.JOINED
    more = {"withdrawn_at": at + DOOR, "receipt": new_receipt()} if taken_back else {}
    return Person(
        interview=_interview(number, at, state) | more,
        recording={"state": Recording.State.NONE},
        parts=[],
        drops=[],
        turns=[],
        events=[],
        take=None,
    )


def _interview(number: int, at: datetime, state: Interview.State) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("name", "last_seen_at", "completed_at", "interrupted_at", "away_since", "withdrawn_at")
    )
    return nothing | {
        "public_id": new_public_id(),
        "number": number,
        "state": state,
        "consented_at": at,
        "receipt": None,
        "ended_early": False,
        "camera": Camera.OFF_BY_DEFAULT,
    }


def _parts(take: Take, at: datetime) -> Iterator[dict[str, Any]]:
    for number, clip in enumerate(take.clips, 1):
        ms = round(1000 * clip.seconds)
        ended = at + timedelta(milliseconds=ms)
        is_last = number == len(take.clips)
        yield {
            "public_id": new_public_id(),
            "number": number,
            "key": f"sample-{number}",
            "reported_type": take.reported_type,
            "sniffed_type": "webm",
            "has_camera": take.has_camera,
            "device": "desktop" if number % 2 else "phone",
            **dict.fromkeys(("started_at", "recorder_started_at"), at),
            **dict.fromkeys(("recorder_ended_at", "last_byte_at", "closed_at"), ended),
            **dict.fromkeys(("bytes_durable", "length", "content_bytes"), clip.bytes),
            **dict.fromkeys(("recorded_ms", "delivered_ms", "stored_ms"), ms),
            "content": clip.content,
            "end_reason": EndReason.FINISHED if is_last else EndReason.DROP,
            "probed": {"duration": clip.seconds, "holes": []},
        }
        at = ended + timedelta(seconds=GAP)


def _drops(parts: list[dict[str, Any]], left: datetime | None) -> Iterator[dict[str, Any]]:
    """Between the parts, and at the end of an interview that was left."""
    for before, after in pairwise(parts):
        gone = before["recorder_ended_at"]
        back, cause = after["started_at"], Cause.CONNECTION
        noticed = gone + timedelta(seconds=4)
        yield {"left_at": gone, "noticed_at": noticed, "returned_at": back, "cause": cause}
    if left:
        noticed = left + timedelta(seconds=4)
        yield {"left_at": left, "noticed_at": noticed, "returned_at": None, "cause": None}


def _recording(
    public_id: str, take: Take, parts: list[dict[str, Any]], ends: datetime
) -> dict[str, Any]:
    name = f"interviews/{public_id}/full-session-sample.webm"
    told = [
        entry | {"part": part["public_id"]}
        for entry, part in zip(take.report["parts"], parts, strict=True)
    ]
    return {
        "state": Recording.State.READY,
        "reason": None,
        "full_session": name,
        "full_session_type": take.report["mime_type"],
        "report": take.report | {"parts": told},
        "ready_at": ends + timedelta(seconds=3),
        "illustrated": name,
    }


class _Talk:
    """Writes what is said as `Interview` does: into the transcript and into the log."""

    def __init__(self, terms: Terms, parts: list[dict[str, Any]], count: int) -> None:
        self.turns: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self._terms, self._parts = terms, parts
        self._step = sum(part["recorded_ms"] for part in parts) / count
        self.note(Kind.BEGAN, terms.as_json(), parts[0]["started_at"])

    def exchange(self, one: script.Exchange, *, answered: bool) -> None:
        said = self._turn(Speaker.MODERATOR, one.asked, one.question_id, act=one.act)
        self._note_said(said, Origin.GUIDE if one.act is Act.QUESTION else Origin.SCRIPT)
        if not answered:
            return
        turn = self._turn(Speaker.PARTICIPANT, one.answer, one.question_id, manner=one.manner)
        told = {"to": said["position"], "turn": turn["position"], "key": turn["key"]}
        told |= {"manner": one.manner.value, "text": one.answer, "at": self._at(turn)}
        seconds = (turn["ends_ms"] - turn["begins_ms"]) / 1000 if turn["ends_ms"] else 0
        self.note(Kind.ANSWERED, {**told, "seconds": seconds}, turn["said_at"])

    def close(self) -> None:
        words = self._terms.speech.said["closing"]
        said = self._turn(Speaker.MODERATOR, words, None, act=Act.CLOSING)
        self._note_said(said, Origin.SCRIPT)

    def note(self, kind: Kind, payload: dict[str, Any], at: datetime) -> None:
        position = len(self.events) + 1
        self.events.append({"position": position, "kind": kind, "payload": payload, "at": at})

    def _note_said(self, turn: dict[str, Any], origin: Origin) -> None:
        told = {"turn": turn["position"], "act": turn["act"].value, "text": turn["text"]}
        told |= {"question": turn["question_id"], "origin": origin.value, "kind": None}
        self.note(Kind.SAID, {**told, "at": self._at(turn)}, turn["said_at"])

    def _turn(
        self,
        speaker: Speaker,
        text: str,
        question_id: str | None,
        *,
        act: Act | None = None,
        manner: Manner | None = None,
    ) -> dict[str, Any]:
        """Each takes as long as any other."""
        part, ms = self._place(round(len(self.turns) * self._step))
        is_spoken = manner is Manner.SPOKEN
        ends = min(self._parts[part]["recorded_ms"], ms + round(self._step * 0.9))
        said_at = self._parts[part]["started_at"] + timedelta(milliseconds=ms)
        position = len(self.turns) + 1
        turn = {
            "position": position,
            "key": None if act else f"sample-{position}",
            "speaker": speaker,
            "act": act,
            "manner": manner,
            "question_id": question_id,
            "text": text,
            "said_at": said_at,
            "part": part,
            "begins_ms": ms if act or is_spoken else None,
            "ends_ms": ends if is_spoken else None,
        }
        self.turns.append(turn)
        return turn

    def _place(self, ms: int) -> tuple[int, int]:
        """Which part is recorded then, and where in it."""
        for place, part in enumerate(self._parts[:-1]):
            if ms < part["recorded_ms"]:
                return place, ms
            ms -= part["recorded_ms"]
        return len(self._parts) - 1, min(ms, self._parts[-1]["recorded_ms"])

    def _at(self, turn: dict[str, Any]) -> float:
        """Seconds recorded until then."""
        before = sum(part["recorded_ms"] for part in self._parts[: turn["part"]])
        within = (turn["said_at"] - self._parts[turn["part"]]["started_at"]).total_seconds()
        return float(before / 1000 + within)
