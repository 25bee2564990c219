"""Captions: what is said, in pieces that can be read while it is heard, as a WebVTT track.

The transcript as it is exported has a cue a turn; here a cue is two lines or six seconds at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qualz import said, timing
from qualz.interview import Interview
from qualz.mask import plain
from qualz.part import Part
from qualz.said import Said, for_vtt, one_line, stamp
from qualz.timing import Timed
from qualz.transcript import seconds_into_part

# Of a cue: two lines as broadcasters count them, and how long it may stand, in seconds.
MOST_LETTERS, LONGEST = 84, 6.0
# Seconds of silence after which another cue begins, and for which one may stand after its words.
PAUSE, LINGER = 1.0, 0.5
ENDS = tuple(".?!…。？！")
# From so many letters on a sentence is a cue of its own.
A_SENTENCE = 24


def webvtt(interview: Interview, part: Part | None = None) -> str:
    """The Full Session's captions, or those of a part on its own clock. What people said is
    escaped: nothing that is said can end a cue or be markup (https://www.w3.org/TR/webvtt1/)."""
    found = [cue for one in said.said_in(interview) for cue in _cues(one, part)]
    blocks = ["WEBVTT"]
    for begins, ends, text in sorted(found):
        blocks.append(f"{stamp(begins, '.')} --> {stamp(ends, '.')}\n{text}")
    return "\n\n".join(blocks) + "\n"


def _cues(one: Said, part: Part | None) -> Iterator[tuple[float, float, str]]:
    words, text = _on_the_clock(one, part), one.turn.words
    groups = list(_groups(text, words))
    for number, group in enumerate(groups):
        begins, ends = group[0].begins, group[-1].ends
        following = groups[number + 1][0].begins if number + 1 < len(groups) else ends + LINGER
        until = max(begins + 0.1, min(ends + LINGER, following))
        shown = for_vtt(one_line(plain(text[group[0].start : group[-1].end])))
        who = for_vtt(one_line(one.speaker))
        yield begins, until, f"<v {who}>{f'{who}: ' if number == 0 else ''}{shown}</v>"


def _on_the_clock(one: Said, part: Part | None) -> list[Timed]:
    """The words with their times on the clock of what plays; none for what is not heard in it."""
    turn = one.turn
    within = seconds_into_part(turn)
    begins = one.begins if part is None else within
    if turn.part is None or within is None or begins is None or not turn.words:
        return []
    if part is not None and turn.part.id != part.id:
        return []
    if timed := timing.timed_words(turn):
        by = begins - within
        return [replace(word, begins=word.begins + by, ends=word.ends + by) for word in timed]
    length = one.ends - one.begins if one.begins is not None and one.ends is not None else None
    ends = begins + (length or max(said.AT_LEAST, said.A_WORD * len(turn.words.split())))
    return timing.evenly(turn.words, begins, ends)


def _groups(text: str, words: Sequence[Timed]) -> Iterator[list[Timed]]:
    group: list[Timed] = []
    for word in words:
        if group and _is_full(text, group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _is_full(text: str, group: Sequence[Timed], word: Timed) -> bool:
    first, last = group[0], group[-1]
    is_sentence = text[: last.end].endswith(ENDS) and last.end - first.start >= A_SENTENCE
    return (
        is_sentence
        or word.end - first.start > MOST_LETTERS
        or word.ends - first.begins > LONGEST
        or word.begins - last.ends > PAUSE
    )
