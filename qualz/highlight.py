"""Highlights: words of a turn that a researcher marked, with tags and a comment.

The words are kept as they were, and when they are heard. Where a turn is corrected afterwards they
are looked for in its new text; where they are not in it any more, the highlight says so, and is
still heard at its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, delete, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from qualz import clock, transcript
from qualz.comment import written
from qualz.database import Model, PublicId, db
from qualz.errors import ChangedMeanwhile, NotFound, NothingChosen
from qualz.interview import Interview
from qualz.mask import BLOCK, found, masked, plain
from qualz.researcher import Researcher
from qualz.study import Study
from qualz.tag import Tag, tagged_highlights
from qualz.timing import span_of
from qualz.turn import Turn

if TYPE_CHECKING:
    from qualz.excerpt import Excerpt

# What reading aloud takes, where no end is known, in seconds a word.
A_WORD = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a turn's text and the highlights that it belongs to."""

    text: str
    highlights: tuple[Highlight, ...] = ()


class Highlight(Model):
    """`start` counts characters of what the turn read; the times are milliseconds of its part,
    None for what is not in the recording."""

    __tablename__ = "highlights"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    start: Mapped[int]
    quote: Mapped[str] = mapped_column(Text)
    begins_ms: Mapped[int | None]
    ends_ms: Mapped[int | None]
    comment: Mapped[str] = mapped_column(Text, default="")
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("researchers.id", ondelete="SET NULL"), index=True
    )
    made_at: Mapped[datetime] = mapped_column(default=clock.now)

    turn: Mapped[Turn] = relationship(back_populates="highlights")
    author: Mapped[Researcher | None] = relationship(lazy="joined")
    tags: Mapped[list[Tag]] = relationship(
        secondary=tagged_highlights, order_by=Tag.folded, lazy="selectin"
    )
    excerpt: Mapped[Excerpt | None] = relationship(
        back_populates="highlight", cascade="all, delete-orphan", lazy="joined"
    )

    # ---- making it

    @classmethod
    def mark(cls, turn: Turn, start: int, quote: str, *, by: Researcher) -> Highlight:
        """Mark those words. Raises `NothingChosen` for none, and `ChangedMeanwhile` where the turn
        does not read so any more."""
        quote = quote.replace("\r\n", "\n")
        start, quote = start + len(quote) - len(quote.lstrip()), quote.strip()
        if not quote:
            raise NothingChosen("Choose some words, then highlight them.")
        at = found(turn.words, quote, start)
        if at is None:
            raise ChangedMeanwhile("The text was changed meanwhile. Choose the words once more.")
        turn.interview.hold()
        if BLOCK in turn.words[at : at + len(quote)]:
            raise NothingChosen("Some of these words are redacted. Choose others.")
        span = span_of(turn, at, at + len(quote))
        highlight = cls(
            start=at,
            quote=quote,
            author=by,
            begins_ms=None if span is None else round(span[0] * 1000),
            ends_ms=None if span is None else round(span[1] * 1000),
        )
        turn.highlights.append(highlight)
        return highlight

    def note(self, comment: str, tags: Sequence[Tag], *, instead_of: str | None = None) -> None:
        """Raises `ChangedMeanwhile` where the comment is not the one that this is `instead_of`."""
        if instead_of is not None and written(instead_of) != self.comment:
            raise ChangedMeanwhile(
                "Somebody changed this comment meanwhile. Copy yours, close this, and open the "
                "highlight once more to see theirs."
            )
        self.comment, self.tags = written(comment), list(tags)

    @classmethod
    def of(cls, interview: Interview, public_id: str) -> Highlight:
        mine = (Turn.interview_id == interview.id, cls.public_id == public_id)
        found = db.session.scalar(select(cls).join(Turn).where(*mine))
        if found is None:
            raise NotFound("This interview has no such highlight any more.")
        return found

    @classmethod
    def all_of(
        cls, study: Study, tag: Tag | None = None, *, most: int | None = None
    ) -> list[Highlight]:
        """Of all interviews, in their order; of one tag, if one is given."""
        held = select(cls).join(cls.turn).join(Turn.interview)
        mine = (Interview.study_id == study.id, Interview.is_preview.is_(False))
        if tag is not None:
            held = held.where(cls.tags.contains(tag))
        loaded = (
            joinedload(cls.turn).joinedload(Turn.interview),
            joinedload(cls.turn).joinedload(Turn.part),
            joinedload(cls.turn).joinedload(Turn.interview).joinedload(Interview.recording),
            joinedload(cls.turn).joinedload(Turn.interview).selectinload(Interview.tags),
        )
        in_order = (Interview.number, Turn.position, cls.start, cls.id)
        ordered = held.where(*mine).order_by(*in_order).limit(most)
        return list(db.session.scalars(ordered.options(*loaded)))

    def remove(self) -> None:
        """Its excerpt's file is for whoever knows the storage."""
        db.session.execute(delete(Highlight).where(Highlight.id == self.id))
        db.session.expire(self.turn, ["highlights"])

    # ---- where it is

    @property
    def by(self) -> str:
        return self.author.name if self.author else "Somebody"

    @property
    def at(self) -> int | None:
        """The character at which its words begin in what the turn reads now; None where the text
        has changed and they are not in it any more."""
        return found(self.turn.original_words, self.quote, self.start)

    @property
    def shown(self) -> str:
        """Its words, but for what was redacted of them."""
        at, turn = self.at, self.turn
        if at is not None:
            return plain(turn.words[at : at + len(self.quote)])
        # They are not in the text any more; what is to be hidden in it is hidden here, too.
        hidden = [(self.quote.find(one.quote), one.quote) for one in turn.redactions]
        return plain(masked(self.quote, hidden))

    @property
    def shown_at(self) -> int | None:
        """Where they stand in the turn's words as they are shown."""
        at, words = self.at, self.turn.words
        if at is None:
            return None
        # One that begins in the midst of what is covered is shown from its beginning.
        while 0 < at < len(words) and words[at - 1] == words[at] == BLOCK:
            at -= 1
        return len(plain(words[:at]))

    @property
    def span(self) -> tuple[float, float] | None:
        """From and to which second of the Full Session it is heard; None while there is none that
        holds it."""
        part = self.turn.part
        if part is None:
            return None
        starts_at = transcript.starts(self.turn.interview).get(part.public_id)
        if starts_at is None:
            return None
        if self.begins_ms is not None and self.ends_ms is not None:
            return starts_at + self.begins_ms / 1000, starts_at + self.ends_ms / 1000
        within = transcript.seconds_into_part(self.turn)
        if within is None:
            return None
        begins = starts_at + within
        return begins, begins + max(2.0, A_WORD * len(self.turn.words.split()))


def pieces(turn: Turn) -> list[Piece]:
    """All that the turn reads, cut where highlights begin and end; they may overlap."""
    text = turn.words
    marked = [
        (at, at + len(one.quote), one) for one in turn.highlights if (at := one.at) is not None
    ]
    edges = sorted({0, len(text), *(edge for start, end, _ in marked for edge in (start, end))})
    return [
        Piece(
            text=text[start:end],
            highlights=tuple(one for from_, to, one in marked if from_ <= start and end <= to),
        )
        for start, end in pairwise(edges)
    ]
