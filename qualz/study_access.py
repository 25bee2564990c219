"""Access: who may see which study, as one rule for lists, look-ups, news and sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, ForeignKey, and_, delete, exists, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from qualz.database import Model, db
from qualz.researcher import Researcher
from qualz.role import MANAGERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qualz.study import Study


class StudyAccess(Model):
    """Somebody was let into a study by name."""

    __tablename__ = "study_access"

    study_id: Mapped[int] = mapped_column(
        ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True
    )
    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    @classmethod
    def let_in(cls, study: Study, people: Iterable[Researcher]) -> None:
        """These, besides those who were let in before."""
        known = {one.id for one in let_into(study)}
        for person in people:
            if person.id not in known:
                db.session.add(cls(study_id=study.id, researcher_id=person.id))
                known.add(person.id)

    @classmethod
    def choose(cls, study: Study, people: Iterable[Researcher], *, is_for_team: bool) -> None:
        """These and nobody else by name. They stay listed where the whole team may see it."""
        study.is_for_team = is_for_team
        db.session.execute(delete(cls).where(cls.study_id == study.id))
        for researcher_id in sorted({person.id for person in people}):
            db.session.add(cls(study_id=study.id, researcher_id=researcher_id))


def allows(study: Any, person: Any) -> ColumnElement[bool]:
    """The rule. `study` and `person` are `Study` and `Researcher`, or aliases of them."""
    is_let_in = exists().where(
        StudyAccess.study_id == study.id, StudyAccess.researcher_id == person.id
    )
    return and_(
        person.left_at.is_(None),
        or_(
            person.role.in_(MANAGERS),
            study.researcher_id == person.id,
            and_(study.is_for_team, person.is_guest.is_(False)),
            is_let_in,
        ),
    )


def let_into(study: Study) -> Sequence[Researcher]:
    """Who was let in by name, also those who left the team since."""
    named = select(StudyAccess.researcher_id).where(StudyAccess.study_id == study.id)
    found = select(Researcher).where(Researcher.id.in_(named))
    return db.session.scalars(found.order_by(Researcher.name, Researcher.id)).all()
