"""Tags: a study's own words, each with a colour, for interviews and for highlights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from sqlalchemy import Column, ForeignKey, String, Table, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz.database import Model, PublicId, db, word
from qualz.errors import NotFound, TagRefused
from qualz.study import Study

LONGEST_NAME = 60
# More could not be told apart in a list that one chooses from.
MOST = 200


class Colour(StrEnum):
    """By name: what it looks like is for the pages to say, in light and in dark."""

    TEAL = "teal"
    BLUE = "blue"
    VIOLET = "violet"
    PINK = "pink"
    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    GREY = "grey"


def _tagged(what: str) -> Table:
    """What bears which tags; a row goes when either of them does."""
    one = what.removesuffix("s")
    return Table(
        f"tagged_{what}",
        Model.metadata,
        Column(f"{one}_id", ForeignKey(f"{what}.id", ondelete="CASCADE"), primary_key=True),
        Column("tag_id", ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True, index=True),
    )


tagged_interviews = _tagged("interviews")
tagged_highlights = _tagged("highlights")


class Tag(Model):
    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("study_id", "folded"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId]
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    # By which it is known again, however it is written. Folding may make a name longer.
    folded: Mapped[str] = mapped_column(String(3 * LONGEST_NAME))
    colour: Mapped[Colour] = mapped_column(word(Colour))

    study: Mapped[Study] = relationship()

    @classmethod
    def all_of(cls, study: Study) -> list[Tag]:
        """In the order of their names."""
        return list(
            db.session.scalars(select(cls).where(cls.study_id == study.id).order_by(cls.folded))
        )

    @classmethod
    def of(cls, study: Study, public_id: str) -> Tag:
        found = db.session.scalar(
            select(cls).where(cls.study_id == study.id, cls.public_id == public_id)
        )
        if found is None:
            raise NotFound("This study has no such tag any more.")
        return found

    @classmethod
    def chosen(cls, study: Study, known: Iterable[str], new: str) -> list[Tag]:
        """Those of some public ids, and those of the names in `new`, apart by commas, which are
        made where there are none of that name. Raises `TagRefused`.

        Two who make the same one at once may meet in an `IntegrityError`: see
        `database.once_more_if_taken`.
        """
        wanted, tags = set(known), cls.all_of(study)
        by_name = {tag.folded: tag for tag in tags}
        found = {tag.folded: tag for tag in tags if tag.public_id in wanted}
        for name in filter(None, map(_plain, new.split(","))):
            tag = by_name.get(name.casefold()) or cls._make(study, name, list(by_name.values()))
            by_name[tag.folded] = found[tag.folded] = tag
        return [found[name] for name in sorted(found)]

    @classmethod
    def _make(cls, study: Study, name: str, others: Sequence[Tag]) -> Tag:
        if len(others) >= MOST:
            raise TagRefused(f"A study has at most {MOST} tags. Delete some, or use one of them.")
        worn = [other.colour for other in others]
        colour = min(Colour, key=worn.count)
        tag = cls(study=study, name=name, folded=name.casefold(), colour=colour)
        db.session.add(tag)
        return tag

    def rename(self, name: str) -> None:
        """Raises `TagRefused` where nothing is left of the name, or another tag has it."""
        name = _plain(name)
        others = [tag for tag in Tag.all_of(self.study) if tag is not self]
        if not name:
            raise TagRefused("A tag needs a name.")
        if name.casefold() in {tag.folded for tag in others}:
            raise TagRefused(f"There is a tag “{name}” already. Choose another name.")
        self.name, self.folded = name, name.casefold()

    def remove(self) -> None:
        """From everything that bears it. What bears it stays."""
        db.session.execute(delete(Tag).where(Tag.id == self.id))
        db.session.expire_all()

    @staticmethod
    def uses(study: Study) -> dict[int, tuple[int, int]]:
        """How many interviews and how many highlights bear each tag, by its id."""
        mine = select(Tag.id).where(Tag.study_id == study.id)
        counts: list[dict[int, int]] = []
        for table in (tagged_interviews, tagged_highlights):
            counted = select(table.c.tag_id, func.count()).where(table.c.tag_id.in_(mine))
            found = db.session.execute(counted.group_by(table.c.tag_id))
            counts.append({row[0]: row[1] for row in found})
        return {
            tag_id: (counts[0].get(tag_id, 0), counts[1].get(tag_id, 0))
            for tag_id in counts[0].keys() | counts[1].keys()
        }


def _plain(name: str) -> str:
    printed = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(printed.split())[:LONGEST_NAME].strip()
