"""Progress: in which section an interview is, and for how long it may still last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qualz.conversation import Act, Conversation
from qualz.guide import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`share` of the guide that has been asked, from 0 to 1; `section` counts from 1 up to
    `sections`, of those that hold questions; `seconds_left` until the time limit."""

    share: float
    section: int
    sections: int
    title: str
    seconds_left: float


def progress(talk: Conversation, sections: Sequence[Section]) -> Progress:
    """Where the last question that was asked stands. It never goes back."""
    held = [section for section in sections if section.questions]
    places = [(at, question.id) for at, one in enumerate(held) for question in one.questions]
    asked = set(talk.asked)
    reached = max((number for number, (_, id) in enumerate(places) if id in asked), default=0)
    is_done = talk.last is not None and talk.last.act in (Act.CLOSING, Act.REOPENING)
    section = places[reached][0] if places else 0
    return Progress(
        share=1.0 if is_done else reached / max(1, len(places)),
        section=section + 1,
        sections=max(1, len(held)),
        title=held[section].title if held else "",
        seconds_left=max(0.0, talk.terms.seconds - talk.spent),
    )
