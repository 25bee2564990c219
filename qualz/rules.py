"""Rules: what a moderator may do. It proposes, and this decides.

Order, must-ask questions, limits of follow-ups and of time, ending and safety are arithmetic over
the conversation. No moderator, however clever or broken, can close an interview, leave out or
reorder questions, ask more than the guide allows, or say what the linter refuses.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from qualz.ai.language import Language
from qualz.ai.linter import complaints, is_repeat
from qualz.ai.scripted import ScriptedModerator
from qualz.branching import is_screened_out, is_shown, may_come
from qualz.conversation import Act, Answer, Conversation, Exchange, Manner, Probing
from qualz.moderator import Brief, Moderator, Origin, Proposal, Utterance
from qualz.question import Question, Wording

log = logging.getLogger(__name__)

# Kept free at the end, in seconds, so that the last question need not be hurried.
RESERVE = 30
# Of the time that is set aside for a question, what it needs at least.
NEEDED = 0.4
MOST_FOR_SENSITIVE = 1
# Of the words of a question that carry its meaning, how many its free wording keeps at least.
KEPT_WORDS = 0.5


def decide(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Utterance:
    """What the moderator says next. Called when the last utterance has been answered."""
    said = settled(talk, questions)
    return said or ruled(talk, questions, ask(talk, questions, entitled(talk, moderator)))


def entitled(talk: Conversation, moderator: Moderator) -> Moderator:
    """Who may propose: only the script where all are to be asked the same, and in languages that
    the linter cannot read."""
    is_free = talk.terms.probing is Probing.ADAPTIVE and talk.terms.speech.is_known
    return moderator if is_free else ScriptedModerator()


def ask(talk: Conversation, questions: Sequence[Question], moderator: Moderator) -> Proposal:
    """A moderator's proposal. Whatever goes wrong in it, the interview goes on."""
    try:
        return moderator.propose(brief(talk, questions))
    except Exception as cause:
        # What was said may be in its words, so only its name is written down.
        log.warning("A moderator failed: %s", type(cause).__name__)
        return Proposal(why=(f"failed: {type(cause).__name__}",))


# ---- where no moderator has a say


def settled(talk: Conversation, questions: Sequence[Question]) -> Utterance | None:
    """What is to be said where code alone decides; None where a moderator may propose."""
    last = talk.last
    if last is None or last.answer is None:
        return onward(talk, questions)
    speech = talk.terms.speech
    if caution := _caution(talk, last, last.answer, speech):
        return caution
    if is_screened_out(talk, standing(talk, questions)):
        return _closing(speech.said["screened_out"], kind="screened_out")
    if talk.spent >= talk.terms.seconds:
        return _closing(speech.said["out_of_time"])
    if last.act is Act.REOPENING:
        return _closing(speech.said["closing"])
    if may_probe(talk, questions) or to_lead_over_to(talk, questions):
        return None
    return onward(talk, questions)


def _caution(
    talk: Conversation, last: Exchange, answer: Answer, speech: Language
) -> Utterance | None:
    """Fixed texts: after distress, a wish to stop, a question about the moderator itself."""
    said = {one.kind for one in talk.exchanges}
    # A spoken answer may be put into words only when the next question stands already.
    answers = [one.answer.own_words for one in talk.exchanges if one.answer]
    if "safeguard" not in said and any(speech.means("distress", text) for text in answers):
        return safeguard(last, speech)
    if speech.means("stop", answer.own_words):
        # Words may be misheard, so they end an interview only when they come as a second answer.
        is_sure = last.kind in ("stopping", "safeguard")
        return _closing(speech.said["stopped"]) if is_sure else reply("stopping", last, speech)
    for name in ("human", "unclear"):
        if speech.means(name, answer.own_words) and name not in said:
            return reply(name, last, speech)
    return None


def safeguard(last: Exchange, speech: Language) -> Utterance:
    return Utterance(
        act=Act.SAFEGUARD,
        text=speech.said["safeguard"],
        question_id=last.question_id,
        origin=Origin.SAFETY,
        kind="safeguard",
    )


def reply(name: str, last: Exchange, speech: Language) -> Utterance:
    """A fixed text. Where it answers something, what was asked stands below it once more."""
    text = speech.said[name] if name == "stopping" else f"{speech.said[name]} {last.text}"
    return Utterance(
        act=Act.REPLY,
        text=text,
        question_id=last.question_id,
        origin=Origin.SAFETY,
        kind=name,
    )


def _closing(text: str, kind: str | None = None) -> Utterance:
    return Utterance(act=Act.CLOSING, text=text, origin=Origin.SCRIPT, kind=kind)


# ---- onward


def onward(talk: Conversation, questions: Sequence[Question]) -> Utterance:
    """The next question of the guide, or the goodbye."""
    speech = talk.terms.speech
    question = next_question(talk, questions)
    if question is None:
        return _closing(speech.said["closing"])
    last = talk.last
    declined = last and last.answer and speech.means("declines", last.answer.own_words)
    text = f"{speech.said['going_on']} {question.text}" if declined else question.text
    return Utterance(act=Act.QUESTION, text=text, question_id=question.id, origin=Origin.GUIDE)


def next_question(talk: Conversation, questions: Sequence[Question]) -> Question | None:
    """The next one in order that there is time for. Must-asks are not left out for want of time:
    only the limit itself ends an interview before them."""
    chosen = _chosen(talk, questions)
    rest = (one for one in to_come(talk, questions) if one.id in chosen)
    return next((one for one in rest if is_shown(one, talk)), None)


def to_come(talk: Conversation, questions: Sequence[Question]) -> list[Question]:
    """The questions that are left and that some answers would still lead to."""
    return may_come(talk, left(talk, questions))


def left(talk: Conversation, questions: Sequence[Question]) -> list[Question]:
    """The questions after the last that was asked: one that was left out is not gone back to."""
    asked = set(talk.asked)
    places = [place for place, one in enumerate(questions) if one.id in asked]
    return list(questions[max(places) + 1 if places else 0 :])


def _chosen(talk: Conversation, questions: Sequence[Question]) -> set[str]:
    """Must-asks, and of the others the most important for which there is time besides."""
    rest = to_come(talk, questions)
    chosen = {one.id for one in rest if one.must_ask}
    free = _time_free(talk, questions)
    for one in sorted((one for one in rest if not one.must_ask), key=lambda one: one.priority):
        needs = NEEDED * seconds_for(one, talk, questions)
        if needs <= free:
            chosen.add(one.id)
            free -= needs
    return chosen


def seconds_for(question: Question, talk: Conversation, questions: Sequence[Question]) -> float:
    """What a question may take: what its guide says, else an equal share."""
    return question.seconds or talk.terms.seconds / max(1, len(questions))


def _time_free(talk: Conversation, questions: Sequence[Question]) -> float:
    """Seconds that are left when the must-asks to come have had theirs."""
    musts = [one for one in to_come(talk, questions) if one.must_ask]
    needed = sum(NEEDED * seconds_for(one, talk, questions) for one in musts)
    reserve = min(RESERVE, talk.terms.seconds / 10)
    return talk.terms.seconds - talk.spent - needed - reserve


# ---- follow-ups


def standing(talk: Conversation, questions: Sequence[Question]) -> Question | None:
    """The question that the last answer belongs to."""
    last = talk.last
    return next((one for one in questions if last and one.id == last.question_id), None)


def may_probe(talk: Conversation, questions: Sequence[Question]) -> bool:
    question = standing(talk, questions)
    if question is None or talk.terms.probing is Probing.NONE or _declined(talk, question):
        return False
    about = talk.about(question.id)
    on_it = talk.spent - about[0].at
    words = sum(one.answer.words for one in about if one.answer)
    return (
        question.calls_for_more(words)
        and follow_ups_left(talk, question) > 0
        and on_it < seconds_for(question, talk, questions)
        and _time_free(talk, questions) > 0
    )


def follow_ups_left(talk: Conversation, question: Question) -> int:
    asked = sum(one.act is Act.PROBE for one in talk.about(question.id))
    most = min(question.most, MOST_FOR_SENSITIVE) if question.sensitive else question.most
    return max(0, min(most - asked, talk.terms.most_follow_ups - len(talk.probes)))


def _declined(talk: Conversation, question: Question) -> bool:
    """Whether the participant did not want to say more to it, or was in distress over it."""
    speech = talk.terms.speech
    about = talk.about(question.id)
    return any(
        one.act is Act.SAFEGUARD
        or one.kind == "stopping"
        or (one.answer is not None and _is_refusal(one.answer, speech))
        for one in about
    )


def _is_refusal(answer: Answer, speech: Language) -> bool:
    return (
        answer.manner is Manner.SKIPPED
        or speech.means("declines", answer.own_words)
        or speech.means("distress", answer.own_words)
    )


def brief(talk: Conversation, questions: Sequence[Question]) -> Brief:
    """What a moderator is told. Other questions are not in it but the next, for what not to ask."""
    question = standing(talk, questions)
    assert question is not None  # nosec B101 # tells the type checker what is so
    about = talk.about(question.id)
    may = may_probe(talk, questions)
    lead = to_lead_over_to(talk, questions)
    return Brief(
        question=question,
        about=tuple(about),
        said=tuple(one.text for one in talk.exchanges),
        follow_ups_left=follow_ups_left(talk, question) if may else 0,
        lead_over_to=lead.text if lead else "",
        seconds_left=max(0.0, talk.terms.seconds - talk.spent),
        terms=talk.terms,
        hidden=tuple(one.text for one in questions if one.id not in talk.asked),
    )


# ---- what becomes of a proposal


def ruled(talk: Conversation, questions: Sequence[Question], proposal: Proposal) -> Utterance:
    """The proposal, or what is said instead of it; its own reasons are kept beside."""
    last = talk.last
    assert last is not None  # nosec B101 # tells the type checker what is so
    speech = talk.terms.speech
    said = {one.kind for one in talk.exchanges}
    notes = {"why": list(proposal.why), **proposal.notes}
    if "distress" in proposal.flags and "safeguard" not in said:
        return safeguard(last, speech).noting(notes)
    if "wants_stop" in proposal.flags and "stopping" not in said:
        return reply("stopping", last, speech).noting(notes)
    wants_more = proposal.wants_probe and not {"distress", "refuses"} & set(proposal.flags)
    if not wants_more or not may_probe(talk, questions):
        return led_over(talk, questions, proposal).noting(notes)
    for probe in _probes(talk, questions, proposal):
        found = wrong_with(probe, talk, questions)
        if not found:
            return probe.noting(notes)
        notes["why"] = [*notes["why"], *found]
    return onward(talk, questions).noting(notes)


def to_lead_over_to(talk: Conversation, questions: Sequence[Question]) -> Question | None:
    """The next question, where a moderator may ask it in words of its own: not after somebody
    declined, nor with answers to choose from, which fit the guide's words."""
    question, last, terms = next_question(talk, questions), talk.last, talk.terms
    if question is None or question.wording is not Wording.FREE or question.options:
        return None
    here = standing(talk, questions)
    is_free = terms.probing is Probing.ADAPTIVE and terms.speech.is_known
    return question if last and is_free and here and not _declined(talk, here) else None


def led_over(talk: Conversation, questions: Sequence[Question], proposal: Proposal) -> Utterance:
    """The next question as it was proposed, if that is still the question; else to the letter."""
    plain, question = onward(talk, questions), to_lead_over_to(talk, questions)
    if question is None or not proposal.lead:
        return plain
    others = [one.text for one in left(talk, questions) if one.id != question.id]
    hidden = [*others, talk.terms.aim, *(goal for one in questions for goal in one.goals)]
    said = [one.text for one in talk.exchanges]
    speech = talk.terms.speech
    meant = set(speech.content(question.text))
    is_same = len(meant & set(speech.content(proposal.lead))) >= KEPT_WORDS * len(meant)
    if not is_same or complaints(proposal.lead, speech, said=said, hidden=filter(None, hidden)):
        return plain
    return replace(plain, text=proposal.lead, origin=proposal.origin)


def _probes(
    talk: Conversation, questions: Sequence[Question], proposal: Proposal
) -> Iterator[Utterance]:
    """What was proposed, then the guide's own, then neutral ones."""
    question = standing(talk, questions)
    assert question is not None  # nosec B101 # tells the type checker what is so
    speech = talk.terms.speech

    def probe(text: str, origin: Origin, kind: str) -> Utterance:
        return Utterance(
            act=Act.PROBE, text=text, question_id=question.id, origin=origin, kind=kind
        )

    if proposal.text and (talk.terms.probing is Probing.ADAPTIVE or proposal.is_fixed):
        yield probe(proposal.text, proposal.origin, proposal.kind)
    for text in question.probes:
        yield probe(text, Origin.GUIDE, "guide")
    earlier = [one.text for one in talk.exchanges]
    for kind in dict.fromkeys([proposal.kind, "elaborate", "reason"]):
        if kind == "quote":
            continue
        for text in sorted(speech.probes.get(kind, ()), key=earlier.count):
            yield probe(text, Origin.SCRIPT, kind)


def wrong_with(probe: Utterance, talk: Conversation, questions: Sequence[Question]) -> list[str]:
    """What speaks against asking it. The researcher's own words need only be new."""
    speech = talk.terms.speech
    said = [one.text for one in talk.exchanges]
    if probe.origin is Origin.GUIDE:
        return ["repeats"] if any(is_repeat(probe.text, one, speech) for one in said) else []
    if probe.origin is Origin.SCRIPT:
        # There are few neutral probes: they may come again, but not with the same question.
        return complaints(probe.text, speech, said=[o.text for o in talk.about(probe.question_id)])
    secrets = [one.text for one in left(talk, questions)]
    secrets += [talk.terms.aim, *(goal for one in questions for goal in one.goals)]
    return complaints(probe.text, speech, said=said, hidden=filter(None, secrets))
