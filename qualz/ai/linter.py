"""The linter: what is wrong with a question that a moderator wants to ask.

Every follow-up that was not written by the researcher passes it before a participant sees it. It
knows words, not meanings; what it lets through is at worst a clumsy neutral question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from qualz.ai.language import Language, count_words, fold, words_of

MOST_WORDS = 45
MOST_SIGNS = 280
REPEATS_FROM = 0.75
# Fewer stop words than this in a sentence of four words or more: another language, or nonsense.
LEAST_STOP_WORDS = 0.18
# So many more in one of the other languages: that one, for languages share some of theirs.
FOREIGN_BY = 0.25
QUESTION_MARKS = re.compile(r"[?？؟]")
MARKUP = re.compile(r"[<>{}\[\]|\\`*_#~^=⟦⟧]|https?:|www\.|\S@\S")
KINDS = ("leading", "praise", "agreement", "advice", "suggestion", "personal", "human", "leak")
LEAKS_FROM = 6


def complaints(
    text: str, language: Language, *, said: Sequence[str] = (), hidden: Iterable[str] = ()
) -> list[str]:
    """What is wrong with it, by single words; nothing if it may be asked.

    `said` is what the moderator has said before; `hidden` what participants are not to hear:
    the aim, the goals, the questions that are still to come.
    """
    return list(_complaints(text, language, said, hidden))


def _complaints(
    text: str, language: Language, said: Sequence[str], hidden: Iterable[str]
) -> Iterator[str]:
    folded = fold(text)
    if not folded:
        yield "empty"
        return
    if not language.is_known:
        # Without its words nobody can tell a fit question from an unfit one.
        yield "unknown language"
        return
    yield from _form(text, folded, language)
    # What is quoted are the participant's words: they may praise and suggest as they like.
    bare = _without_quotes(folded)
    for kind in KINDS:
        pattern = language.linter.get(kind)
        if pattern and pattern.search(bare):
            yield kind
    yield from _echoes(text, language, said, hidden)


def _form(text: str, folded: str, language: Language) -> Iterator[str]:
    if count_words(text) > MOST_WORDS or len(text) > MOST_SIGNS:
        yield "long"
    if MARKUP.search(text) or any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        yield "markup"
    marks = len(QUESTION_MARKS.findall(text))
    if marks > 1:
        yield "several"
    imperatives = language.linter.get("imperatives")
    asks = marks or any(imperatives.search(one) for one in _sentences(folded)) if imperatives else 1
    if not asks:
        yield "no question"
    openers = language.linter.get("openers")
    last = _sentences(folded)[-1]
    if openers and openers.search(last):
        yield "double"
    if not _is_in(text, language):
        yield "language"


def _echoes(
    text: str, language: Language, said: Sequence[str], hidden: Iterable[str]
) -> Iterator[str]:
    if any(is_repeat(text, one, language) for earlier in said for one in _pieces(earlier)):
        yield "repeats"
    for secret in hidden:
        if _share_words(text, secret) or is_repeat(text, secret, language):
            yield "leaks"
            return


def is_repeat(one: str, other: str, language: Language) -> bool:
    """Whether two utterances say about the same, by the share of their words that carry meaning."""
    if fold(one) == fold(other):
        return True
    first, second = set(language.content(one)), set(language.content(other))
    if count_words(one) <= 3 or not first or not second:
        return False
    return len(first & second) / len(first | second) >= REPEATS_FROM


def _share_words(text: str, secret: str) -> bool:
    theirs = words_of(secret)
    runs = {tuple(theirs[at : at + LEAKS_FROM]) for at in range(len(theirs) - LEAKS_FROM + 1)}
    mine = words_of(text)
    return any(
        tuple(mine[at : at + LEAKS_FROM]) in runs for at in range(len(mine) - LEAKS_FROM + 1)
    )


def _is_in(text: str, language: Language) -> bool:
    words = words_of(text)
    if len(words) < 4:
        return True
    own = _share_of_stop_words(words, language)
    others = (_share_of_stop_words(words, other) for other in Language.known())
    return own >= LEAST_STOP_WORDS and max(others) < own + FOREIGN_BY


def _share_of_stop_words(words: Sequence[str], language: Language) -> float:
    return sum(_is_stop(word, language) for word in words) / len(words)


def _is_stop(word: str, language: Language) -> bool:
    """Elided and joined words count by their pieces: “qu'est-ce” is made of stop words."""
    stop = language.words["stop"]
    if word in stop or word.isalnum():
        return word in stop
    return any(piece in stop for piece in re.split(r"['\-]", word))


def _sentences(folded: str) -> list[str]:
    parts = re.split(r"(?<=[.!?…])\s+", folded)
    return [part.lstrip("¿¡ ") for part in parts if part.strip()]


def _pieces(said: str) -> list[str]:
    """An utterance and its sentences: one question can stand behind a few words of passage."""
    sentences = re.split(r"(?<=[.!?…])\s+", said)
    return [said, *sentences] if len(sentences) > 1 else [said]


def _without_quotes(folded: str) -> str:
    return re.sub(r"[“„«][^“”„«»]*[”“»]|\"[^\"]*\"", "…", folded)
