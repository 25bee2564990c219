"""Guides as they are kept, what of them is shown to whom, and how far an interview is."""

from __future__ import annotations

import json

import pytest

from qualz import rules
from qualz.conversation import Manner, Terms
from qualz.guide import Guide, Section
from qualz.moderator import Brief, Proposal
from qualz.progress import progress
from qualz.question import WAS_SKIPPED, Condition, Kind, Option, Question, Stimulus, Wording
from tests.domain.talks import Talk, heard_after

YES, NO = Option(id="yes", text="Yes"), Option(id="no", text="No", ends=True)
OWN = Question(id="own", text="Do you own a boat?", options=(YES, NO))
SAIL = Question(id="sail", text="What is sailing like?", most=1)
TELL = Question(
    id="tell",
    text="What made you skip that?",
    show_if=Condition(question="sail", answers=(WAS_SKIPPED,)),
)


def test_a_guide_from_before_there_were_sections_is_one_without_a_title():
    old = {
        "id": "a",
        "text": "Why?",
        "follow_up": "always",
        "short": 9,
        "most": 2,
        "probes": ["So?"],
    }
    guide = Guide(version=1, kept_questions=[old])
    assert [section.title for section in guide.sections] == [""]
    assert guide.questions == [
        Question(id="a", text="Why?", follow_up="always", short=9, most=2, probes=("So?",))
    ]


def test_what_is_kept_is_read_again_as_it_was():
    picture = Stimulus(kind=Kind.IMAGE, source="stimuli/a/b.png", alt="A boat")
    shown = Question(id="q", text="And this?", stimulus=picture, wording=Wording.FREE, seconds=90)
    sections = [
        Section(id="s1", title="Boats", questions=(OWN, SAIL)),
        Section(id="s2", title="After", questions=(TELL, shown)),
    ]
    guide = Guide(version=1)
    guide.sections = sections
    guide.kept_questions = json.loads(json.dumps(guide.kept_questions))
    assert guide.sections == sections
    assert guide.questions == [OWN, SAIL, TELL, shown]


def test_who_chooses_an_answer_about_others_is_thanked_and_asked_no_more():
    talk = Talk([OWN, SAIL])
    talk.hears()
    said = talk.answers("No", choice="no")
    assert said == talk.terms.speech.said["screened_out"]
    assert talk.is_closed


@pytest.mark.parametrize("way", [{"manner": Manner.SKIPPED}, {"text": "Let me in"}])
def test_nobody_gets_past_a_screening_question_without_choosing(way):
    talk = Talk([OWN, SAIL])
    talk.hears()
    assert talk.answers(**way) == talk.terms.speech.said["screened_out"]


def test_a_chosen_no_is_an_answer_and_no_refusal():
    plain = Question(id="own", text="Do you own a boat?", options=(YES, Option(id="no", text="No")))
    talk = Talk([plain, SAIL])
    talk.hears()
    assert talk.answers("No", choice="no") == SAIL.text


def test_a_question_is_asked_only_after_the_answers_that_it_is_for():
    asked = heard_after("", questions=[SAIL, TELL, OWN])
    assert asked == [SAIL.text, TELL.text]
    long = "It is " + "windy and wet and wonderful " * 5
    assert heard_after(long, questions=[SAIL, TELL, OWN]) == [SAIL.text, OWN.text]


class LeadsOver:
    """A moderator that puts the next question in these words."""

    patience = 0.0

    def __init__(self, lead: str) -> None:
        self.lead, self.briefs = lead, list[Brief]()

    def propose(self, brief: Brief) -> Proposal:
        self.briefs.append(brief)
        return Proposal(lead=self.lead)


LONG = "We go out every weekend in summer and often stay on the water until it is dark"


@pytest.mark.parametrize(
    ("lead", "is_said"),
    [
        ("Staying with the water for a moment, what is sailing at night like for you?", True),
        ("Great answer! What is sailing at night like?", False),
        ("What do you think of the price?", False),
    ],
)
def test_a_model_may_lead_over_to_a_question_that_stays_the_same(lead: str, is_said: bool):
    first = Question(id="first", text="When do you go out?")
    night = Question(id="night", text="What is sailing at night like?", wording=Wording.FREE)
    said = heard_after(LONG, questions=[first, night], moderator=LeadsOver(lead))
    assert said[1] == (lead if is_said else night.text)


def test_a_question_to_be_asked_to_the_letter_is_no_moderators_to_word():
    moderator = LeadsOver("What is sailing like, then?")
    first = Question(id="first", text="When do you go out?")
    assert heard_after(LONG, questions=[first, SAIL], moderator=moderator)[1] == SAIL.text
    assert moderator.briefs == []


def test_progress_tells_the_section_and_the_time_that_is_left():
    sections = [
        Section(id="a", title="Boats", questions=(SAIL, TELL)),
        Section(id="b", title="Empty"),
        Section(id="c", title="Shore", questions=(Question(id="land", text="And ashore?"),)),
    ]
    talk = Talk([one for section in sections for one in section.questions], terms=Terms(seconds=60))
    talk.hears()
    at_first = progress(talk.now, sections)
    assert (at_first.title, at_first.section, at_first.sections) == ("Boats", 1, 2)
    talk.answers(LONG, seconds=20)
    then = progress(talk.now, sections)
    assert (then.title, then.section, then.seconds_left) == ("Shore", 2, 40)
    assert then.share == pytest.approx(2 / 3)
    while not talk.is_closed:
        talk.answers("")
    assert progress(talk.now, sections).share == 1


def test_what_can_no_longer_be_reached_takes_no_time_from_the_rest():
    """A must-ask that its condition hides is not waited for."""
    owners = Condition(question="own", answers=("yes",))
    hidden = Question(id="h", text="And the sails?", show_if=owners, seconds=500)
    both = (YES, Option(id="n", text="No"))
    open_to_all = Question(id="own", text="Do you own a boat?", options=both)
    spare = Question(id="spare", text="Anything about harbours?", must_ask=False, seconds=60)
    talk = Talk([open_to_all, hidden, spare], terms=Terms(seconds=200))
    talk.hears()
    assert talk.answers("No", choice="n") == spare.text
    assert rules.to_come(talk.now, talk.questions) == []
