"""What was said, ready to be written: each turn with its speaker, its words and its times.

Times are seconds on the Full Session's clock; where there is none yet, on that of the clips played
one after another.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from qualz import transcript
from qualz.conversation import Manner
from qualz.guise import PLAIN, Guise
from qualz.interview import Interview
from qualz.transcript import Line
from qualz.turn import Turn

# What reading aloud takes, where no end is known: seconds a word, and at least.
A_WORD, AT_LEAST = 0.4, 2.0
SHORTEST = 0.5
TAKEN_BACK = "[Taken back by the participant]"
# What no XML 1.0 document may hold, be it escaped or not (https://www.w3.org/TR/xml/#charsets).
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One turn, ready to be written. Both times are None for what is not in the recording."""

    turn: Turn
    speaker: str
    text: str
    begins: float | None
    ends: float | None
    is_draft: bool
    by_moderator: bool


def said_in(interview: Interview, guise: Guise = PLAIN) -> Iterator[Said]:
    lines = list(transcript.lines(interview))
    clips = _clips_one_after_another(interview)
    starts = [_begins(line, clips) for line in lines]
    nexts = [*starts, None][1:]
    for line, begins, follows in zip(lines, starts, nexts, strict=True):
        yield Said(
            turn=line.turn,
            speaker="Moderator" if line.by_moderator else guise.label(interview),
            text=_words(line.turn, guise),
            begins=begins,
            ends=None if begins is None else _ends(line.turn, begins, follows),
            is_draft=line.is_draft,
            by_moderator=line.by_moderator,
        )


def _words(turn: Turn, guise: Guise) -> str:
    if turn.manner is Manner.SKIPPED:
        return "[Skipped]"
    if turn.taken_back_at:
        return TAKEN_BACK
    return guise.turn(turn) or ("[Spoken answer]" if turn.manner is Manner.SPOKEN else "")


def _clips_one_after_another(interview: Interview) -> dict[int, float] | None:
    """Where each part begins, by its id; None where the Full Session says it."""
    if interview.recording.report:
        return None
    parts = interview.recording.parts
    ends = accumulate((part.seconds for part in parts), initial=0.0)
    return {part.id: start for part, start in zip(parts, ends, strict=False)}


def _begins(line: Line, clips: dict[int, float] | None) -> float | None:
    if clips is None or line.at_in_clip is None or line.turn.part is None:
        return line.at
    return clips[line.turn.part.id] + line.at_in_clip


def _ends(turn: Turn, begins: float, follows: float | None) -> float:
    if turn.ends_ms is not None:
        return begins + max(SHORTEST, turn.seconds)
    reading = begins + max(AT_LEAST, A_WORD * len(turn.words.split()))
    if follows is not None and follows > begins:
        return max(begins + SHORTEST, min(reading, follows))
    return reading


def in_time(said: Sequence[Said]) -> Iterator[tuple[float, float, Said]]:
    """What has a place in the recording, in the order in which it is heard."""
    timed = [(one.begins, one.ends, one) for one in said if one.begins is not None]
    for begins, ends, one in sorted(timed, key=lambda each: each[0]):
        yield begins, ends or begins, one


# ---- small things


def one_line(text: str) -> str:
    return " ".join(text.split())


def for_xml(text: str) -> str:
    """Without the control characters that no XML document may hold."""
    return NOT_IN_XML.sub("", text)


def for_vtt(text: str) -> str:
    """Never markup, and never the end of a cue."""
    return html.escape(text, quote=False)


def stamp(seconds: float, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, left = divmod(whole, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{left:02}{point}{thousandths:03}"


def clock_time(seconds: float) -> str:
    return stamp(seconds, ".").partition(".")[0]
