"""Recaps: one line of where the interview was, for somebody who comes back to it."""

from __future__ import annotations

from collections.abc import Sequence

from qualz.ai.language import Language
from qualz.conversation import Act, Conversation
from qualz.question import Question

# Signs of the participant's own words that are said back.
LONGEST = 80


def where_we_were(
    talk: Conversation, questions: Sequence[Question], *, quoting: bool = True
) -> str:
    """“Welcome back” and where; nothing for an interview that has not begun.

    `quoting` the last answer is for pages that only the participant sees.
    """
    speech = talk.terms.speech
    last = talk.last
    if last is None:
        return ""
    if last.act in (Act.CLOSING, Act.REOPENING):
        return speech.said["added_line"]
    words = _last_words(talk, speech) if quoting else ""
    if len(talk.exchanges) == 1:
        return speech.said["opening_line"]
    ids = [question.id for question in questions]
    number = ids.index(last.question_id) + 1 if last.question_id in ids else len(ids)
    line = speech.said["quote_line" if words else "where_line"]
    return line.format(number=number, count=len(ids), words=words)


def _last_words(talk: Conversation, speech: Language) -> str:
    """What they last told, on one line. What was said in distress is not held up to them."""
    told = [one.answer.text for one in talk.exchanges if one.answer and one.answer.text.strip()]
    if not told or speech.means("distress", told[-1]):
        return ""
    text = " ".join(told[-1].split())
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
