"""Redactions: words of a turn that only few may still read, hear and see.

Kept by the part and its own clock, as highlights are, so that they stand through every merge. The
words and the parts stay as they were: what is shown and played is a copy without them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, PublicId, word
from qualz.media.span import Span, Treatment

if TYPE_CHECKING:
    from qualz.researcher import Researcher
    from qualz.turn import Turn

__all__ = ["Redaction", "Span", "Treatment", "spans_of"]

LONGEST_REASON = 200


class Redaction(Model):
    """`start` counts characters of what the turn read; the times are milliseconds of its part,
    None for what is not in the recording."""

    __tablename__ = "redactions"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    start: Mapped[int]
    quote: Mapped[str] = mapped_column(Text)
    begins_ms: Mapped[int | None]
    ends_ms: Mapped[int | None]
    treatment: Mapped[Treatment] = mapped_column(word(Treatment), default=Treatment.SILENCE)
    covers_picture: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON), default="")
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("researchers.id", ondelete="SET NULL"), index=True
    )
    made_at: Mapped[datetime] = mapped_column(default=clock.now)

    turn: Mapped[Turn] = relationship(back_populates="redactions")
    author: Mapped[Researcher | None] = relationship(lazy="joined")

    @property
    def by(self) -> str:
        return self.author.name if self.author else "Somebody"

    @property
    def is_heard(self) -> bool:
        """Whether there is something of it in a part, so that a copy without it is needed."""
        return self.begins_ms is not None and self.ends_ms is not None

    @property
    def as_planned(self) -> list[Any]:
        """For a merge's manifest; see `spans_of`."""
        return [self.begins_ms, self.ends_ms, self.treatment.value, self.covers_picture]

    def as_planned_at(self, begins_ms: int) -> list[Any]:
        """The same, where the moderator said all of it once more."""
        length = (self.ends_ms or 0) - (self.begins_ms or 0)
        return [begins_ms, begins_ms + length, *self.as_planned[2:]]


def spans_of(manifest: list[dict[str, Any]], report: dict[str, Any]) -> list[Span]:
    """What a manifest wants redacted, in seconds of the Full Session that the report tells of."""
    begins = {entry["part"]: entry["start"] for entry in report["parts"]}
    return [
        Span(
            begins=begins[entry["part"]] + begins_ms / 1000,
            ends=begins[entry["part"]] + ends_ms / 1000,
            treatment=Treatment(treatment),
            covers_picture=covers_picture,
        )
        for entry in manifest
        for begins_ms, ends_ms, treatment, covers_picture in entry.get("redacted", ())
        if begins.get(entry["part"]) is not None
    ]
