"""Passages: a transcript as one plain text, and where in it each turn and each highlight stands.

Positions are counted in Unicode's code points from 0, ends stand behind the last one, and times are
milliseconds of the clock that `said` tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from qualz.guise import Guise
from qualz.said import Said, clock_time, for_xml, one_line
from qualz.tag import Tag

# What is highlighted without a tag.
UNTAGGED = "Highlight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A highlight in the plain text: from and to which character, and its codes' names."""

    name: str
    start: int
    end: int
    codes: tuple[str, ...]
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A turn in the plain text: from and to which character, and where it is heard, if at all."""

    code: str
    start: int
    end: int
    begins_ms: int | None
    ends_ms: int | None
    marks: tuple[Mark, ...] = ()


def text_of(said: Iterable[Said], guise: Guise) -> tuple[str, list[Block]]:
    """The plain text of a transcript, with where each turn stands in it."""
    text, at, blocks = [], 0, []
    for one in said:
        clock_ = "" if one.begins is None else f"[{clock_time(one.begins)}] "
        words = "\n".join(for_xml(one.text).splitlines())
        written = f"{clock_}{for_xml(one_line(one.speaker))}:\n{words}"
        blocks.append(
            Block(
                code="Moderator" if one.by_moderator else "Participant",
                start=at,
                end=at + len(written),
                begins_ms=None if one.begins is None else round(one.begins * 1000),
                ends_ms=None if one.ends is None else round(one.ends * 1000),
                marks=tuple(_marks(one, at + len(written) - len(words), guise)),
            )
        )
        text.append(f"{written}\n\n")
        at += len(text[-1])
    return "".join(text), blocks


def _marks(one: Said, begins: int, guise: Guise) -> Iterator[Mark]:
    """Of the highlights those whose words still stand in the turn, which begins there."""
    text = guise.turn(one.turn)
    for highlight in one.turn.highlights:
        if (at := guise.place(highlight)) is not None:
            start = begins + len(for_xml(text[:at]))
            yield Mark(
                name=highlight.public_id,
                start=start,
                end=start + len(for_xml(guise.quote(highlight))),
                codes=tuple(code_of(tag) for tag in highlight.tags) or (UNTAGGED,),
                comment=guise.words(highlight.comment, one.turn.interview),
            )


def code_of(tag: Tag) -> str:
    """Its own name might be that of a speaker."""
    return f"tag/{tag.public_id}"


def in_time(blocks: Sequence[Block]) -> Iterator[tuple[Block, int, int]]:
    """The blocks that are heard, with their times in order: neither text nor time goes back."""
    timed: list[tuple[Block, int, int]] = []
    for block in blocks:
        begins, ends = block.begins_ms, block.ends_ms
        if begins is None or ends is None or (timed and begins < timed[-1][1]):
            continue
        if timed and timed[-1][2] > begins:
            timed[-1] = (timed[-1][0], timed[-1][1], begins)
        timed.append((block, begins, max(begins, ends)))
    yield from timed
