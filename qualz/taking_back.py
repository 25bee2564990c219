"""Taking back: a participant has one answer deleted, and the rest stays.

Its words go at once, with all that was made of them. Its sound and picture are played to nobody
from that moment on, and are erased from the part before anything is merged again; see `erasing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import delete

from qualz import clock
from qualz.bundle import Bundle
from qualz.comment import Comment
from qualz.conversation import Act, Kind, Manner
from qualz.correction import Correction
from qualz.database import db
from qualz.errors import NotFound, WrongState
from qualz.excerpt import Excerpt
from qualz.hearing import Hearing
from qualz.highlight import A_WORD, Highlight
from qualz.interview import Interview
from qualz.redaction import Redaction
from qualz.rendition import Rendition
from qualz.turn import Speaker, Turn
from qualz.wording import told

if TYPE_CHECKING:
    from qualz.media.storage import Storage

# Words in a row that are a quotation.
A_QUOTE = 4
# What a moderator says takes so long at least, in seconds.
AT_LEAST = 2.0
# Of what was said, what tells no word of it.
KEPT_OF_SAID = ("turn", "act", "question", "origin", "kind", "at")
KEPT_OF_ANSWER = ("to", "turn", "key", "manner", "seconds", "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was asked, and the answer to it: a turn for each part that it was spoken in."""

    question: Turn | None
    turns: tuple[Turn, ...]

    @property
    def turn(self) -> Turn:
        """The one in which it ends."""
        return self.turns[-1]

    @property
    def is_being_erased(self) -> bool:
        return any(turn.to_erase for turn in self.turns)

    @property
    def awaits_rest(self) -> bool:
        """Whether more may still arrive of a part that it is to be erased from."""
        held = (turn.part for turn in self.turns if turn.to_erase)
        return any(part is not None and part.may_grow for part in held)

    @property
    def words(self) -> str:
        return " ".join(turn.text for turn in self.turns if turn.text)


def answers_of(interview: Interview) -> Iterator[Answer]:
    """All that can be taken back, and what has been, in order."""
    asked: Turn | None = None
    for is_moderator, turns in groupby(interview.turns, key=_is_moderators):
        # Who skips a question may have begun to answer it aloud.
        said = [turn for turn in turns if turn.manner is not Manner.SKIPPED or turn.part_id]
        if is_moderator:
            asked = said[-1]
        elif said:
            yield Answer(question=asked, turns=tuple(said))


def _is_moderators(turn: Turn) -> bool:
    return turn.speaker is Speaker.MODERATOR


def is_possible(interview: Interview) -> bool:
    """Not while it goes on: what is said next may rest on the answer."""
    return interview.is_over or interview.state is Interview.State.ABANDONED


def demand_possible(interview: Interview) -> None:
    """Raises `WrongState` while the interview goes on."""
    if not is_possible(interview):
        raise WrongState(told("Finish the interview first. Then you can take back an answer here."))


def take_back(interview: Interview, position: int, storage: Storage) -> None:
    """Delete the answer at that place of the transcript. Done twice it is done once. Commits.

    What the moderator asked about it goes along, for it may repeat its words. Raises `WrongState`
    while the interview goes on, and `NotFound`.
    """
    interview.demand_kept()
    demand_possible(interview)
    places = {turn.position: one for one in answers_of(interview) for turn in one.turns}
    answer = places.get(position)
    if answer is None:
        raise NotFound(told("This interview has no such answer."))
    if answer.turn.taken_back_at:
        return
    turns = [*answer.turns, *_asked_about(answer)]
    excerpts = [one.excerpt for each in turns for one in each.highlights if one.excerpt]
    Excerpt.remove_all(excerpts, storage)
    interview.hold()
    for each in turns:
        _forget(each)
    _forget_events(interview, [each.position for each in turns])
    Bundle.let_go_of(interview)
    is_heard = any(each.to_erase for each in turns)
    if is_heard:
        _forget_media(interview)
    db.session.flush()
    db.session.expire_all()
    interview.make_findable()
    folder = interview.recording.folder
    db.session.commit()
    if is_heard:
        _clear(folder, storage)


def _asked_about(answer: Answer) -> Iterator[Turn]:
    """What the moderator said later, where that was made of the answer: all that was asked about
    it until the next question, and whatever repeats its words."""
    told = _runs(answer.words)
    is_next = is_same = True
    for following in answer.turn.interview.turns[answer.turn.position :]:
        if following.speaker is not Speaker.MODERATOR:
            is_next = False
            continue
        is_same = is_same and following.act is not Act.QUESTION
        of_it = is_next or following.question_id == answer.turn.question_id
        is_about = is_same and of_it and following.act is Act.PROBE
        if is_about or told & _runs(following.text):
            yield following


def _runs(text: str) -> set[tuple[str, ...]]:
    """All sequences of so many words that nobody says them by chance."""
    words = re.findall(r"\w+", text.casefold())
    return set(zip(*(words[start:] for start in range(A_QUOTE)), strict=False))


def _forget(turn: Turn) -> None:
    for model in (Hearing, Correction, Comment, Highlight, Redaction):
        db.session.execute(delete(model).where(model.turn_id == turn.id))
    if turn.part_id is not None and turn.begins_ms is not None and turn.ends_ms is None:
        seconds = max(AT_LEAST, A_WORD * len(turn.text.split()))
        turn.ends_ms = turn.begins_ms + round(1000 * seconds)
    turn.text, turn.corrected, turn.taken_back_at = "", None, clock.now()
    if turn.begins_ms is None:
        # It is nowhere in the recording.
        turn.erased_at = turn.taken_back_at


def _forget_events(interview: Interview, positions: list[int]) -> None:
    """The log keeps that something was said, and no word of it."""
    for event in interview.events:
        payload = event.payload
        if event.kind is Kind.HEARD and payload["to"] + 1 in positions:
            event.payload = payload | {"text": ""}
        elif event.kind in (Kind.ANSWERED, Kind.SAID) and payload.get("turn") in positions:
            kept = KEPT_OF_SAID if event.kind is Kind.SAID else KEPT_OF_ANSWER
            event.payload = {name: payload[name] for name in kept if name in payload} | {"text": ""}


def _forget_media(interview: Interview) -> None:
    """Whatever was made of the parts holds it."""
    recording = interview.recording
    recording.withhold()
    recording.original = recording.original_type = None
    db.session.execute(delete(Rendition).where(Rendition.recording_id == recording.id))


def _clear(folder: str, storage: Storage) -> None:
    """After the rows: a process that ends in between leaves files that nobody is given, and the
    next merge removes."""
    for made in ("full-session-*", "original-*", "rendition-*", "excerpt-*"):
        storage.delete_fitting(f"{folder}/{made}")
    storage.delete_tree(f"{folder}/speech")
    storage.delete_tree(f"{folder}/prepared")
