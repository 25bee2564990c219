"""The scripted moderator: follows up by the guide's rules, in the participant's own words where
that is safe. It needs no model and no network; it is the default and what others fall back to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qualz.ai.language import Language, fold, words_of
from qualz.ai.linter import MARKUP, is_repeat
from qualz.conversation import Answer, Manner, Probing
from qualz.moderator import Brief, Moderator, Origin, Proposal

# An answer of up to so many words may be quoted as a whole.
SHORT_ENOUGH = 6


class ScriptedModerator(Moderator):
    patience = 0.0

    def propose(self, brief: Brief) -> Proposal:
        if not (brief.follow_ups_left and brief.question.calls_for_more(brief.words)):
            return Proposal()
        for proposal in _proposals(brief):
            earlier = [one.text for one in brief.about]
            if not any(is_repeat(proposal.text, one, brief.terms.speech) for one in earlier):
                return proposal
        return Proposal(why=("nothing new to ask",))


def _proposals(brief: Brief) -> Iterator[Proposal]:
    """The researcher's own first, then what the answer calls for, then neutral ones."""
    for text in brief.question.probes:
        yield _proposal(text, "guide", origin=Origin.GUIDE)
    speech = brief.terms.speech
    answer = brief.about[-1].answer
    is_adaptive = brief.terms.probing is Probing.ADAPTIVE
    if is_adaptive and answer is not None:
        if not brief.question.sensitive and (quoted := quotable(answer, speech)):
            for text in _fresh(speech.probes.get("quote", ()), brief):
                yield _proposal(text.format(words=quoted), "quote")
        for kind, cue in (("sequence", "event"), ("example", "general")):
            if speech.has(cue, answer.text):
                yield from (_proposal(text, kind) for text in speech.probes.get(kind, ()))
    for kind in ("elaborate", "reason"):
        texts = speech.probes.get(kind, ())
        ordered = _fresh(texts, brief) if is_adaptive else texts
        yield from (_proposal(text, kind) for text in ordered)


def _proposal(text: str, kind: str, origin: Origin = Origin.SCRIPT) -> Proposal:
    is_fixed = kind in ("guide", "elaborate", "reason")
    return Proposal(wants_probe=True, text=text, kind=kind, origin=origin, is_fixed=is_fixed)


def _fresh(texts: tuple[str, ...], brief: Brief) -> list[str]:
    """Those first that were said least often in this interview, whatever the words quoted."""

    def times(text: str) -> int:
        start, _, end = text.partition("{words}")
        return sum(said.startswith(start) and said.endswith(end) for said in brief.said)

    return sorted(texts, key=times)


# ---- the participant's own words


def quotable(answer: Answer, speech: Language) -> str:
    """Words of an answer that may be said back, as they were said; none where that is unsafe.

    A draft by a machine may have misheard: of it only words of the language's own list are used.
    """
    text = answer.text.strip()
    if not speech.is_known:
        return ""
    is_typed = answer.manner is Manner.TYPED and not answer.is_draft
    if is_typed and len(words_of(text)) <= SHORT_ENOUGH and _is_safe(text, speech):
        return text.strip(" .,;:!?…–—-")
    return _telling_word(text, speech) if text else ""


def _is_safe(text: str, speech: Language) -> bool:
    """One plain phrase without anything that could be a name, a number or an insult."""
    inner = text.strip().rstrip(".!…").strip()
    return (
        bool(speech.content(text))
        and len(words_of(text)) > 1
        and not re.search(r"[^\w\s'’,\-]|\d|_", inner)
        and not MARKUP.search(text)
        and not any(word[:1].isupper() for word in inner.split()[1:] if word != "I")
        and not _could_be_name(inner, speech)
        and not speech.has("unquotable", text)
        and not any(speech.means(intent, text) for intent in speech.intents)
    )


def _could_be_name(text: str, speech: Language) -> bool:
    """The first word always has a capital; only one that the language knows is surely no name."""
    first = fold(text.split()[0]).strip(",")
    known = speech.words["stop"] | speech.words["evaluative"] | speech.words["general"]
    pieces = {first, *re.split(r"['\-]", first)}
    return text[:1].isupper() and known.isdisjoint(pieces)


def _telling_word(text: str, speech: Language) -> str:
    """The last word that judges: people end on what matters to them."""
    telling = [word for word in words_of(text) if word in speech.words.get("evaluative", ())]
    return telling[-1] if telling else ""
