"""Consent: what participants were shown before anything was recorded, and what they agreed to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, db
from qualz.service import Kind, Service

if TYPE_CHECKING:
    from qualz.interview import Interview
    from qualz.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All that a door asks consent to, word for word as it is shown.

    `language` is that of the study's own `text`. `camera` and `camera_agreement` are empty where
    the study has no camera. `hosts` are those that `providers` name, by what they do.
    """

    language: str
    text: str
    recording: str
    camera: str
    providers: tuple[str, ...]
    agreement: str
    camera_agreement: str
    hosts: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "providers": list(self.providers), "hosts": dict(self.hosts)}

    @property
    def digest(self) -> str:
        """SHA-256 of `as_json`, written in UTF-8 with its keys in order."""
        return digest_of(self.as_json())


def digest_of(shown: Mapping[str, Any]) -> str:
    kept = json.dumps(shown, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(kept.encode()).hexdigest()


def hosts() -> dict[str, str]:
    """Which other hosts hear or read participants at the moment, by what they do."""
    found = {kind.value: Service.host_of(kind) for kind in Kind}
    return {kind: host for kind, host in found.items() if host}


class ConsentText(Model):
    """One version of what a study's door says. Never changed: what differs is another version."""

    __tablename__ = "consent_texts"
    __table_args__ = (
        UniqueConstraint("study_id", "version"),
        UniqueConstraint("study_id", "digest"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"))
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    shown: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def of(cls, study: Study, statement: Statement) -> ConsentText:
        """The version that says just this; a new one where none does."""
        mine = select(cls).where(cls.study_id == study.id)
        found = db.session.scalar(mine.where(cls.digest == statement.digest))
        if found is None:
            newest = select(func.coalesce(func.max(cls.version), 0)).where(cls.study_id == study.id)
            found = cls(
                study_id=study.id,
                version=(db.session.scalar(newest) or 0) + 1,
                digest=statement.digest,
                shown=statement.as_json(),
            )
            db.session.add(found)
        return found


class Consent(Model):
    """What one participant agreed to, and when. Interviews older than this table have none."""

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), unique=True
    )
    consent_text_id: Mapped[int] = mapped_column(ForeignKey("consent_texts.id"))
    to_recording: Mapped[bool]
    # None where the study had no camera to agree to.
    to_camera: Mapped[bool | None]
    given_at: Mapped[datetime] = mapped_column(default=clock.now)

    text: Mapped[ConsentText] = relationship()
    interview: Mapped[Interview] = relationship(back_populates="consent")

    @classmethod
    def given(cls, study: Study, statement: Statement, *, to_camera: bool) -> Consent:
        """To take part and be heard; to be seen too only where that was asked for and agreed."""
        return cls(
            text=ConsentText.of(study, statement),
            to_recording=True,
            to_camera=to_camera if statement.camera else None,
        )

    def names(self, kind: Kind) -> bool:
        """Whether whoever does that now is this server, or was named when this was given."""
        return Service.host_of(kind) in ("", self.text.shown["hosts"].get(kind.value))
