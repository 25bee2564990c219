"""The scripted moderator follows the guide's rules, and nothing but the guide's rules."""

from __future__ import annotations

from qualz.guide import FollowUp, Question
from qualz.moderator import (
    CLOSING,
    NEUTRAL_PROBES,
    OUT_OF_TIME,
    Act,
    Conversation,
    Exchange,
    ScriptedModerator,
)

WHY = Question(id="why", text="Why?", follow_up=FollowUp.IF_SHORT, short=5, probes=("Go on?",))
HOW = Question(id="how", text="How?", follow_up=FollowUp.NEVER)


def said_after(*answers: int, questions=(WHY, HOW), seconds_left: float = 600) -> list[str]:
    """What the moderator says when its utterances are answered with so many words each."""
    exchanges: list[Exchange] = []
    for words in (*answers, None):
        said = ScriptedModerator().next_utterance(
            Conversation(questions=questions, exchanges=exchanges, seconds_left=seconds_left)
        )
        exchanges.append(
            Exchange(act=said.act, text=said.text, question_id=said.question_id, words=words)
        )
    return [exchange.text for exchange in exchanges]


def test_it_asks_the_questions_in_order_and_says_goodbye():
    assert said_after(20, 20) == ["Why?", "How?", CLOSING]


def test_a_short_answer_is_followed_up_in_the_researchers_words():
    assert said_after(2, 20) == ["Why?", "Go on?", "How?"]


def test_it_follows_up_no_more_often_than_the_guide_allows():
    often = Question(id="q", text="Q?", follow_up=FollowUp.ALWAYS, most=3, probes=("One?",))
    assert said_after(1, 1, 1, 1, questions=[often]) == ["Q?", "One?", *NEUTRAL_PROBES, CLOSING]


def test_a_skipped_question_is_not_asked_about():
    assert said_after(0) == ["Why?", "How?"]


def test_it_never_says_the_same_follow_up_twice():
    chatty = Question(id="q", text="Q?", follow_up=FollowUp.ALWAYS, most=9)
    said = said_after(*[30] * 3, questions=[chatty])
    assert len(set(said)) == len(said)


def test_when_time_is_up_it_closes_between_turns():
    assert said_after(20, seconds_left=0) == [OUT_OF_TIME, OUT_OF_TIME]


def test_what_was_added_after_the_goodbye_ends_with_a_goodbye():
    added = Exchange(act=Act.REOPENING, text="Welcome back.", question_id=None, words=9)
    asked = [
        Exchange(act=Act.QUESTION, text=q.text, question_id=q.id, words=30) for q in (WHY, HOW)
    ]
    said = ScriptedModerator().next_utterance(
        Conversation(questions=(WHY, HOW), exchanges=[*asked, added], seconds_left=60)
    )
    assert said.act is Act.CLOSING
