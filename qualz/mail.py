"""Mails: a researcher is told of a happening by e-mail."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz.database import db
from qualz.happening import Happening, Kind
from qualz.headline import MEANING, headline
from qualz.interview import Interview
from qualz.post_office import PostOffice
from qualz.posted import Posted
from qualz.researcher import Researcher

AWAY = (Interview.State.INTERRUPTED, Interview.State.ABANDONED)


class Mail(Posted):
    """Its words are chosen when it is sent: what is deleted or renamed by then stays unsaid."""

    __tablename__ = "mails"
    __table_args__ = (UniqueConstraint("happening_id", "researcher_id"),)

    happening_id: Mapped[int] = mapped_column(ForeignKey("happenings.id", ondelete="CASCADE"))
    researcher_id: Mapped[int] = mapped_column(ForeignKey("researchers.id", ondelete="CASCADE"))

    happening: Mapped[Happening] = relationship()
    researcher: Mapped[Researcher] = relationship()

    @classmethod
    def write(cls, happening: Happening, researcher_id: int, *, hold: timedelta) -> None:
        """That somebody was interrupted is sent after the hold: most are back by then."""
        wait = hold if happening.kind is Kind.INTERRUPTED else timedelta()
        due_at = happening.at + wait
        db.session.add(cls(happening_id=happening.id, researcher_id=researcher_id, due_at=due_at))

    def run(self, *, post: PostOffice | None, address: str) -> None:
        """Send it. `address`: where people reach this server. Commits."""
        if post is None or self.has_been_tried_enough:
            self._end(Mail.State.FAILED, reason=self.reason or "No mail server is set up.")
        elif self.researcher not in self.happening.interview.study.audience:
            self._end(Mail.State.DONE, reason="They may not see the study any more.")
        elif self._is_settled:
            self._end(Mail.State.DONE, reason="The participant was back before it was sent.")
        else:
            self._send(post, address)
        db.session.commit()

    @property
    def _is_settled(self) -> bool:
        """They are back, or were and are away anew, of which another mail tells."""
        if self.happening.kind is not Kind.INTERRUPTED:
            return False
        interview = self.happening.interview
        since = interview.interrupted_at
        is_another = since is None or since.isoformat() != self.happening.occurrence
        is_given_up = interview.state is Interview.State.ABANDONED
        return interview.state not in AWAY or (is_another and not is_given_up)

    def _send(self, post: PostOffice, address: str) -> None:
        happening = self.happening
        study = happening.interview.study.name
        told = headline(happening)
        text = (
            f"{told}.\n\nStudy: {study}\n{address}{happening.path}\n\n{MEANING[happening.kind]}\n\n"
            f"What you are told by e-mail: {address}/settings/notifications\n"
        )
        self._post(post, self.researcher.email, f"{told} – {study}", text)
