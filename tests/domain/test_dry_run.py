"""Dry runs: what simulated participants tell of a guide, and of who asks them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Probing, Terms
from qualz.dry_run import dry_run, try_once
from qualz.guide import Section
from qualz.moderator import Brief, Proposal
from qualz.personas import Persona
from qualz.question import Condition, FollowUp, Option, Question

OWN = Question(
    id="own",
    text="Which boat do you sail?",
    options=(Option(id="a", text="My own"), Option(id="b", text="None", ends=True)),
)
ASKED = tuple(
    Question(id=f"q{n}", text=f"How do you get on with the {noun}?", most=2, short=20)
    for n, noun in enumerate(("map", "weekly report", "calendar", "billing page"))
)
GUIDE = [Section(questions=ASKED)]
NOUNS = ("der Karte", "dem Wochenbericht", "dem Kalender", "der Rechnungsseite")
GERMAN = [
    Section(
        questions=tuple(
            replace(one, text=f"Wie kommen Sie mit {noun} zurecht?")
            for one, noun in zip(ASKED, NOUNS, strict=True)
        )
    )
]
DE, SCRIPT = Terms(language="de"), ScriptedModerator()


class Deaf:
    """Follows up whatever is said with something else."""

    patience = 0.0

    def propose(self, brief: Brief) -> Proposal:
        texts = ("What is the weather like there?", "How do you get to work on other days?")
        return Proposal(wants_probe=True, text=texts[len(brief.probes) % 2])


def test_who_listens_is_told_more_and_who_does_not_gains_nothing_by_asking():
    always = [Section(questions=tuple(replace(q, follow_up=FollowUp.ALWAYS) for q in ASKED))]
    scripted = dry_run(always, Terms())
    deaf = dry_run(always, Terms(), Deaf())
    without = dry_run(always, Terms(probing=Probing.NONE))
    assert deaf.follow_ups > 1
    assert deaf.facts < scripted.facts
    assert without.facts < scripted.facts
    assert scripted.minutes[1] > without.minutes[1]


def test_the_same_seed_gives_the_same_forecast():
    assert dry_run(GUIDE, Terms(), seed=7) == dry_run(GUIDE, Terms(), seed=7)
    assert dry_run(GUIDE, Terms(), seed=7).minutes != dry_run(GUIDE, Terms(), seed=8).minutes


def test_what_there_is_no_time_for_is_foretold():
    spare = replace(ASKED[-1], must_ask=False, priority=3, seconds=120)
    short = dry_run([Section(questions=(*ASKED[:-1], spare))], Terms(seconds=90))
    assert short.coverage[0].reached == 1
    assert short.coverage[-1].left_out > 0.5
    ample = dry_run([Section(questions=(*ASKED[:-1], spare))], Terms(seconds=3600))
    assert ample.coverage[-1].left_out == 0
    low, middle, high = ample.minutes
    assert 0 < low <= middle <= high <= 60


def test_conditions_and_screening_are_followed():
    sailors = replace(ASKED[0], show_if=Condition(question="q1", answers=("skipped",)))
    found = dry_run([Section(questions=(OWN, ASKED[1], sailors))], Terms())
    assert 0.2 < found.screened_out < 0.8
    assert found.coverage[2].passed_over > 0.5
    assert found.coverage[2].left_out == 0


def test_there_is_nothing_to_foretell_without_questions():
    assert dry_run([], Terms()) is None


@pytest.mark.parametrize("language", ["de", "ja"])
def test_a_guide_in_another_language_is_tried_too(language: str):
    assert dry_run(GUIDE, Terms(language=language, ending="終わり"), interviews=10).minutes[1] > 0


def test_a_german_guide_is_tried_in_german_and_hears_its_own_words_again():
    found = dry_run(GERMAN, Terms(language="de"), seed=7)
    assert found == dry_run(GERMAN, Terms(language="de"), seed=7)
    assert found.language == "de"
    tried = [try_once(GERMAN[0].questions, DE, SCRIPT, Persona.of(n, "de")) for n in range(20)]
    quotes = [probe.text for one in tried for probe in one.talk.probes if "„" in probe.text]
    assert any("„langsam“" in text for text in quotes)
    english = dry_run(GUIDE, Terms(), seed=7)
    # The language packs are alike: as much is told, give or take a fifth.
    assert found.facts == pytest.approx(english.facts, rel=0.2)
    assert dry_run(GUIDE, Terms(language="ja")).language == "en"
