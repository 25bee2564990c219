"""Redacting: words are hidden in the text at once, and in the sound as soon as a copy without them
is made. Until then nothing is played of a recording that has them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from qualz import clock
from qualz.bundle import Bundle
from qualz.comment import written
from qualz.database import db
from qualz.errors import ChangedMeanwhile, NotFound, NothingChosen
from qualz.highlight import A_WORD
from qualz.interview import Interview
from qualz.mask import found
from qualz.redaction import LONGEST_REASON, Redaction, Treatment
from qualz.researcher import Researcher
from qualz.timing import span_of
from qualz.transcript import seconds_into_part
from qualz.turn import Turn

if TYPE_CHECKING:
    from qualz.recording import Recording

# What is said without a known end takes so long at least, in seconds.
AT_LEAST = 2.0
# So long whoever redacted something may undo it.
A_SLIP = timedelta(minutes=15)


def may_see_originals(researcher: Researcher, recording: Recording) -> bool:
    """The one place that decides who may read, hear and undo what is redacted."""
    return researcher.may_manage


def may_undo(researcher: Researcher, redaction: Redaction) -> bool:
    """Whoever redacted too much has just read it, and may put it right. Later it is for those who
    may read what is redacted: nobody keeps a way back to the words by having hidden them."""
    is_theirs = redaction.author_id == researcher.id
    is_slip = is_theirs and redaction.made_at > clock.now() - A_SLIP
    return is_slip or may_see_originals(researcher, redaction.turn.interview.recording)


def redact(
    turn: Turn,
    start: int,
    quote: str,
    *,
    by: Researcher,
    treatment: Treatment = Treatment.SILENCE,
    covers_picture: bool = False,
    reason: str = "",
) -> Redaction:
    """Hide those words from now on. Commits. Raises `NothingChosen` for none, `ChangedMeanwhile`
    where the turn does not read so any more."""
    quote = quote.replace("\r\n", "\n")
    start, quote = start + len(quote) - len(quote.lstrip()), quote.strip()
    if not quote:
        raise NothingChosen("Choose some words, then redact them.")
    at = found(turn.words, quote, start)
    if at is None:
        raise ChangedMeanwhile("The text was changed meanwhile. Choose the words once more.")
    turn.interview.hold()
    begins_ms, ends_ms = _heard(turn, at, at + len(quote))
    redaction = Redaction(
        start=at,
        quote=turn.original_words[at : at + len(quote)],
        begins_ms=begins_ms,
        ends_ms=ends_ms,
        treatment=treatment,
        covers_picture=covers_picture,
        reason=written(reason, LONGEST_REASON),
        author=by,
    )
    turn.redactions.append(redaction)
    interview = turn.interview
    # Exports that were packed with it hold the words.
    Bundle.let_go_of(interview)
    if redaction.is_heard:
        interview.recording.withhold()
    _write(interview)
    return redaction


def undo(redaction: Redaction) -> None:
    """The words can be read again, and heard when the copy is made anew. Commits."""
    interview, was_heard = redaction.turn.interview, redaction.is_heard
    interview.hold()
    db.session.execute(delete(Redaction).where(Redaction.id == redaction.id))
    if was_heard:
        # What plays until then hides more than it must, and harms nobody.
        interview.recording.grow_stale()
    _write(interview)


def of(interview: Interview, public_id: str) -> Redaction:
    mine = (Turn.interview_id == interview.id, Redaction.public_id == public_id)
    one = db.session.scalar(select(Redaction).join(Turn).where(*mine))
    if one is None:
        raise NotFound("This interview has no such redaction any more.")
    return one


def all_of(interview: Interview) -> list[Redaction]:
    return [one for turn in interview.turns for one in turn.redactions]


def _heard(turn: Turn, start: int, end: int) -> tuple[int | None, int | None]:
    """Milliseconds of its part; where nobody knows better, for as long as reading it takes."""
    # Where a word is must be known, not guessed: else all of the turn is not heard any more.
    is_known = turn.heard is not None and turn.heard.words and turn.corrected is None
    span = span_of(turn, start, end) if is_known else _whole(turn)
    if span is None:
        begins = seconds_into_part(turn)
        if begins is None:
            return None, None
        span = begins, begins + max(AT_LEAST, A_WORD * len(turn.original_words.split()))
    return round(span[0] * 1000), round(span[1] * 1000)


def _whole(turn: Turn) -> tuple[float, float] | None:
    if turn.part is None or turn.begins_ms is None or turn.ends_ms is None:
        return None
    return turn.begins_ms / 1000, turn.ends_ms / 1000


def _write(interview: Interview) -> None:
    db.session.flush()
    db.session.expire_all()
    interview.make_findable()
    db.session.commit()
