"""The guide's rows after one of their own buttons was pressed in a browser that runs no scripts.

`static/js/models/row_order.js` moves them in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

from qualz.dashboard.question_forms import new_id


@dataclass(frozen=True, slots=True)
class Rearranged:
    """What is typed now, where on the page that is, and which section is to be removed if so."""

    typed: dict[str, list[str]]
    anchor: str
    confirm: str | None = None


def rearranged(typed: dict[str, list[str]], go: str) -> Rearranged | None:
    """`go` is what was pressed, with a row's name; None for what is no button of a row."""
    what, _, name = go.partition(":")
    rest = {key: texts for key, texts in typed.items() if key != "go"}
    names = list(typed.get("question", []))
    if what in ("add", "add-section"):
        name = new_id() if what == "add" else f"s:{new_id()}"
        # A browser puts the focus into a field that an address leads to.
        there = f"{anchor(name)}-text" if what == "add" else anchor(name)
        return Rearranged({**rest, "question": [*names, name]}, there)
    if what in ("option", "drop"):
        return _with_options(rest, what, name)
    if name not in names or what not in ("up", "down", "remove", "remove-all"):
        return None
    if what == "remove" and _block(names, name)[1:]:
        return Rearranged(rest, anchor(name), confirm=name)
    if what in ("remove", "remove-all"):
        gone = _block(names, name)
        kept = [one for one in names if one not in gone]
        return Rearranged({**rest, "question": kept}, "questions")
    return Rearranged({**rest, "question": moved(names, name, up=what == "up")}, anchor(name))


def anchor(name: str) -> str:
    return f"section-{name[2:]}" if name.startswith("s:") else f"question-{name}"


def moved(names: list[str], name: str, *, up: bool) -> list[str]:
    """A question goes past its neighbour, be that a heading; a section past another section."""
    block = _block(names, name)
    rest = [one for one in names if one not in block]
    at = names.index(name)
    if not name.startswith("s:"):
        to = max(0, at - 1) if up else at + 1
        return [*rest[:to], name, *rest[to:]]
    heads = [place for place, one in enumerate(rest) if one.startswith("s:")]
    if up:
        to = max([place for place in heads if place < at], default=at)
    else:
        # Past the next section: where the one after it begins.
        after = [place for place in heads if place > at]
        to = (after or [len(rest)])[0]
    return [*rest[:to], *block, *rest[to:]]


def _block(names: list[str], name: str) -> list[str]:
    """A row, and with a heading the questions below it."""
    at = names.index(name)
    if not name.startswith("s:"):
        return [name]
    heads = [place for place in range(at + 1, len(names)) if names[place].startswith("s:")]
    return names[at : (heads or [len(names)])[0]]


def _with_options(typed: dict[str, list[str]], what: str, name: str) -> Rearranged:
    question, _, option = name.partition(":")
    field = f"question-{question}-option"
    held = [one for one in typed.get(field, []) if one != option]
    held += [new_id()] if what == "option" else []
    return Rearranged({**typed, field: held}, anchor(question))
