"""Retention: the rules for how long interviews are kept, and which are kept all the same.

A rule says after how many days the recordings go, after how many everything; either may be left
open, and without a rule all is kept. A study's own rule stands in place of the workspace's. What
comes of it is in `promises`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, db, word
from qualz.errors import CannotKeepSo
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study

LEAST, MOST = 8, 36_500  # days
LONGEST_REASON = 200


class Reach(StrEnum):
    """What a rule takes."""

    RECORDINGS = "recordings"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """For how many days each is kept after the end of an interview; None: until somebody deletes
    it. `since`: when that was decided."""

    recordings: int | None = None
    everything: int | None = None
    since: datetime | None = None

    @property
    def keeps_all(self) -> bool:
        return self.recordings is None and self.everything is None

    def days(self, reach: Reach) -> int | None:
        return self.recordings if reach is Reach.RECORDINGS else self.everything

    def check(self) -> None:
        """Raises `CannotKeepSo`."""
        for days in (self.recordings, self.everything):
            if days is not None and not LEAST <= days <= MOST:
                raise CannotKeepSo(
                    f"Give {LEAST} days at least: a notice goes ahead by a week. Leave it empty to "
                    "keep them."
                )
        if self.recordings and self.everything and self.recordings >= self.everything:
            raise CannotKeepSo(
                "Recordings go with everything else at the latest. Give them fewer days, or none."
            )


class _Rule(Model):
    __abstract__ = True

    recordings_days: Mapped[int | None]
    everything_days: Mapped[int | None]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def terms(self) -> Terms:
        return Terms(
            recordings=self.recordings_days,
            everything=self.everything_days,
            since=self.changed_at,
        )

    def set(self, terms: Terms) -> None:
        """From now on; so nothing goes within the next week. Raises `CannotKeepSo`."""
        terms.check()
        if (terms.recordings, terms.everything) != (self.recordings_days, self.everything_days):
            self.recordings_days, self.everything_days = terms.recordings, terms.everything
            self.changed_at = clock.now()


class WorkspaceRule(_Rule):
    """The one for all studies that have none of their own."""

    __tablename__ = "workspace_rules"

    id: Mapped[int] = mapped_column(primary_key=True)
    # When it was last looked what is due, by whichever sweep.
    looked_at: Mapped[datetime | None]

    @classmethod
    def now(cls) -> Self:
        """It; kept only once something is set."""
        found = db.session.get(cls, 1)
        if found is None:
            found = cls(id=1, changed_at=clock.now())
        return found


class StudyRule(_Rule):
    __tablename__ = "study_rules"

    study_id: Mapped[int] = mapped_column(
        ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True
    )

    study: Mapped[Study] = relationship()


class Keep(Model):
    """Somebody keeps this interview, whatever the rule says. `ended_at`: no longer, and it is told
    of anew before it goes."""

    __tablename__ = "keeps"

    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), primary_key=True
    )
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON), default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("researchers.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]

    by: Mapped[Researcher | None] = relationship()


class Notice(Model):
    """Was given at `at`, of all that are due until `until`."""

    __tablename__ = "deletion_notices"
    __table_args__ = (UniqueConstraint("study_id", "reach", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"))
    reach: Mapped[Reach] = mapped_column(word(Reach))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    until: Mapped[datetime]


# ---- rules


def terms_of(study: Study) -> Terms:
    own = db.session.get(StudyRule, study.id)
    return (own or WorkspaceRule.now()).terms


def set_for_workspace(terms: Terms) -> None:
    rule = WorkspaceRule.now()
    rule.set(terms)
    rule.looked_at = None
    db.session.add(rule)


def set_for_study(study: Study, terms: Terms | None) -> None:
    """None: as the workspace has it."""
    own = db.session.get(StudyRule, study.id)
    if terms is None:
        # What the workspace's rule takes is told of anew, and a week goes by.
        db.session.execute(delete(Notice).where(Notice.study_id == study.id))
        if own is not None:
            db.session.delete(own)
    else:
        own = own or StudyRule(study_id=study.id, changed_at=clock.now())
        own.set(terms)
        db.session.add(own)
    _look_soon()


def _look_soon() -> None:
    rule = WorkspaceRule.now()
    rule.looked_at = None
    db.session.add(rule)


# ---- keeping one


def keep(interview: Interview, reason: str, by: Researcher) -> Keep:
    known = db.session.get(Keep, interview.id) or Keep(interview_id=interview.id)
    known.reason = " ".join(reason.replace("\0", "").split())[:LONGEST_REASON]
    known.by, known.at, known.ended_at = by, clock.now(), None
    db.session.add(known)
    return known


def release(interview: Interview) -> None:
    """It goes with the others, in a week at the earliest."""
    if (known := kept(interview)) is not None:
        known.ended_at = clock.now()
        _look_soon()


def kept(interview: Interview) -> Keep | None:
    known = db.session.get(Keep, interview.id)
    return known if known and known.ended_at is None else None
