"""The rules decide; the scripted moderator follows the guide, in the participant's own words."""

from __future__ import annotations

import pytest

from qualz.ai.language import Language
from qualz.ai.linter import complaints
from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Act, Kind, Manner, Probing, Terms
from qualz.guide import FollowUp, Question
from qualz.moderator import Brief, Origin, Proposal
from tests.domain.talks import Talk, heard_after

ENGLISH = Language.of("en")
CLOSING = ENGLISH.said["closing"]
KNOWN = ("en", "de", "fr", "es", "pt")
WHY = Question(id="why", text="Why?", follow_up=FollowUp.IF_SHORT, short=5, probes=("Go on?",))
HOW = Question(id="how", text="How?", follow_up=FollowUp.NEVER)
LONG = "I type what I look for into the box at the top of the page and then I read the list"


def often(**more) -> Question:
    return Question(id="q", text="Q?", follow_up=FollowUp.ALWAYS, **more)


# ---- order, limits, ending


def test_it_asks_the_questions_in_order_and_says_goodbye():
    assert heard_after(LONG, LONG, questions=(WHY, HOW)) == ["Why?", "How?", CLOSING]


def test_a_short_answer_is_followed_up_in_the_researchers_words():
    assert heard_after("It is", LONG, questions=(WHY, HOW)) == ["Why?", "Go on?", "How?"]


def test_it_follows_up_no_more_often_than_the_guide_allows():
    said = heard_after(*[LONG] * 4, questions=[often(most=3, probes=("One?",))])
    assert [said[0], said[1], said[-1]] == ["Q?", "One?", CLOSING]
    assert len(said) == 5


def test_nor_more_often_in_all_than_the_study_allows():
    questions = [Question(id=f"{n}", text=f"Q{n}?", follow_up=FollowUp.ALWAYS) for n in range(4)]
    said = heard_after(*[LONG] * 6, questions=questions, most_follow_ups=2)
    assert [text for text in said if text.startswith("Q")] == ["Q0?", "Q1?", "Q2?", "Q3?"]
    assert len(said) == 4 + 2 + 1


def test_a_skipped_question_is_not_asked_about():
    assert heard_after("", questions=(WHY, HOW)) == ["Why?", "How?"]


@pytest.mark.parametrize(
    "words", ["I don't know", "No idea.", "Nothing else", "I'd rather not say"]
)
def test_nor_one_that_somebody_does_not_want_to_say_more_to(words: str):
    assert heard_after(words, questions=(WHY, HOW))[-1] == "That is fine, let us go on. How?"


def test_it_never_says_the_same_follow_up_twice_to_a_question():
    said = heard_after(*[LONG] * 9, questions=[often(most=9)])
    assert len(set(said)) == len(said)


def test_when_time_is_up_it_closes_between_turns():
    talk = Talk((WHY, HOW), terms=Terms(seconds=60))
    talk.hears()
    assert talk.answers(LONG, seconds=61) == ENGLISH.said["out_of_time"]


def test_when_time_is_short_it_does_not_follow_up_but_asks_what_must_be_asked():
    talk = Talk((WHY, HOW), terms=Terms(seconds=100))
    talk.hears()
    assert talk.answers("It is", seconds=85) == "How?"


def test_when_time_is_short_what_matters_least_is_left_out():
    questions = [
        Question(id="a", text="A?", follow_up=FollowUp.NEVER),
        Question(id="b", text="B?", must_ask=False, priority=3, follow_up=FollowUp.NEVER),
        Question(id="c", text="C?", must_ask=False, priority=1, follow_up=FollowUp.NEVER),
        Question(id="d", text="D?", follow_up=FollowUp.NEVER),
    ]
    talk = Talk(questions, terms=Terms(seconds=400))
    talk.hears()
    talk.answers(LONG, seconds=270)
    for _ in range(2):
        talk.answers(LONG, seconds=1)
    assert talk.said == ["A?", "C?", "D?", CLOSING]


def test_what_was_added_after_the_goodbye_ends_with_a_goodbye():
    talk = Talk([HOW])
    talk.hears()
    talk.answers(LONG)
    reopening = {"turn": 9, "act": "reopening", "text": "Welcome back."}
    talk.happens(Kind.REOPENED, {})
    talk.happens(Kind.SAID, reopening)
    assert talk.answers("One more thing") == CLOSING


# ---- safety


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("en", "Honestly I want to die when that happens"),
        ("en", "My husband hits me when the food is late"),
        ("de", "Dann will ich nicht mehr leben"),
        ("fr", "Parfois j'ai envie de mourir"),
        ("es", "A veces quiero morirme"),
        ("pt", "Às vezes quero morrer"),
    ],
)
def test_distress_is_answered_by_a_fixed_text_and_not_asked_about(code: str, words: str):
    said = heard_after(words, "Go on please", questions=[often(most=3), HOW], language=code)
    assert said[1:] == [Language.of(code).said["safeguard"], "How?"]


def test_distress_that_is_heard_late_is_answered_then():
    talk = Talk((WHY, HOW), terms=Terms(seconds=600))
    talk.hears()
    talk.answers(manner=Manner.SPOKEN)
    assert talk.now.last
    talk.happens(Kind.HEARD, {"to": 1, "text": "Well, some days I want to die"})
    assert talk.said[-1] != ENGLISH.said["safeguard"]
    talk.answers("On foot, as a rule, with my dog and my neighbour beside me")
    assert talk.said[-1] == ENGLISH.said["safeguard"]


def test_distress_goes_before_time():
    talk = Talk((WHY, HOW), terms=Terms(seconds=60))
    talk.hears()
    talk.answers("I want to die", seconds=61)
    assert talk.said[-1] == ENGLISH.said["safeguard"]


def test_who_wishes_to_stop_is_told_how_and_may_go_on():
    said = heard_after("Please stop the interview", "go on", questions=[often(most=3), HOW])
    assert said[1:] == [ENGLISH.said["stopping"], "How?"]


@pytest.mark.parametrize("before", ["Please stop the interview", "I want to die"])
def test_who_says_so_when_asked_is_let_go(before: str):
    said = heard_after(before, "I want to stop here", questions=[often(most=3), HOW])
    assert said[-1] == ENGLISH.said["stopped"]


def test_who_asks_whether_it_is_human_gets_the_truth_and_the_question_again():
    said = heard_after("Wait, are you a real person?", LONG, questions=[HOW])
    assert said[1] == f"{ENGLISH.said['human']} How?"
    assert said[2] == CLOSING


@pytest.mark.parametrize(
    "words",
    [
        "I stopped the subscription last year because nobody used it",
        "The kids want to stop by the shop on the way",
        "It is killing me how slow this is",
        "I had nothing but trouble with that page and its search",
        "People ask me whether I am a robot when I sort my mail",
        "You can't repeat that experience anywhere else",
        "My phone died and I did not know what to do",
    ],
)
def test_what_only_sounds_like_it_is_an_answer_like_any_other(words: str):
    assert heard_after(words, questions=[HOW])[-1] == CLOSING
    assert not [name for name in ENGLISH.intents if ENGLISH.means(name, words)]


INTENTS = {
    "de": {"stop": "Ich möchte jetzt aufhören", "declines": "Das weiß ich nicht"},
    "fr": {"stop": "Je veux arrêter", "declines": "Je ne sais pas"},
    "es": {"stop": "Quiero parar", "declines": "No lo sé"},
    "pt": {"stop": "Quero parar", "declines": "Não sei"},
}
MORE_INTENTS = {
    "de": {"human": "Sind Sie ein Mensch?", "unclear": "Wie meinen Sie das?"},
    "fr": {"human": "Êtes-vous un robot ?", "unclear": "Que voulez-vous dire ?"},
    "es": {"human": "¿Es usted una persona?", "unclear": "¿A qué se refiere?"},
    "pt": {"human": "Você é um robô?", "unclear": "Como assim?"},
}


@pytest.mark.parametrize("code", INTENTS)
def test_it_understands_the_same_in_other_languages(code: str):
    speech = Language.of(code)
    for intent, words in (INTENTS[code] | MORE_INTENTS[code]).items():
        assert speech.means(intent, words), (intent, words)
        assert [name for name in speech.intents if speech.means(name, words)] == [intent]


# ---- the participant's own words


@pytest.mark.parametrize(
    ("code", "words", "quoted"),
    [
        ("en", "The search is annoying.", "You said “The search is annoying”."),
        (
            "en",
            "Well, that whole business with the forms is really quite tedious",
            "“tedious”",
        ),
        ("de", "das ist umständlich", "Sie sagten „das ist umständlich“."),
        ("fr", "c'est trop compliqué", "Vous avez dit « c'est trop compliqué »."),
        ("es", "es muy lento", "Ha dicho «es muy lento»."),
        ("pt", "é muito lento", "Você disse «é muito lento»."),
    ],
)
def test_a_thin_answer_is_asked_about_in_its_own_words(code: str, words: str, quoted: str):
    question = Question(id="q", text="Q?", short=30)
    assert quoted in heard_after(words, questions=[question], language=code)[-1]


@pytest.mark.parametrize(
    "words",
    [
        "Ask Peter Miller about that",
        "Peter does it",
        "call me on 555 0199",
        "mail ada@example.org",
        "<b>bold</b> words here",
        "“ignore that”, he said",
        "that fucking search box",
        "What do you think?",
        "yes",
    ],
)
def test_what_could_be_a_name_a_number_or_an_insult_is_not_said_back(words: str):
    said = heard_after(words, questions=[Question(id="q", text="Q?", short=30)])[-1]
    assert "“" not in said
    assert said in {text for texts in ENGLISH.probes.values() for text in texts}


def test_of_a_machines_draft_only_words_of_the_languages_own_list_are_said_back():
    talk = Talk([Question(id="q", text="Q?", short=30, follow_up=FollowUp.ALWAYS)])
    talk.hears()
    spoken = {"to": 1, "turn": 2, "key": "k", "manner": "spoken", "seconds": 3, "at": 3}
    talk.happens(Kind.ANSWERED, spoken)
    talk.happens(Kind.HEARD, {"to": 1, "text": "gervais no the slow page"})
    assert talk.hears().startswith(("You said “slow”", "You mentioned “slow”"))


def test_about_a_sensitive_question_little_is_asked_and_nothing_quoted():
    said = heard_after("it was horrible", "it was bad", questions=[often(most=5, sensitive=True)])
    assert len(said) == 3
    assert "horrible" not in said[1]


def test_before_an_answer_was_heard_its_length_is_estimated():
    talk = Talk([WHY, HOW])
    talk.hears()
    assert talk.answers("", Manner.SPOKEN, seconds=20) == "How?"


# ---- modes and languages


def test_where_probes_are_standardised_all_are_asked_the_same():
    questions = [Question(id="q", text="Q?", short=50, most=2, probes=("And then?",))]
    said = {
        tuple(heard_after(*answers, questions=questions, probing=Probing.STANDARDISED))
        for answers in (
            ("it is slow", "very slow", "so"),
            ("we usually go there", "I see", "well"),
        )
    }
    assert said == {("Q?", "And then?", ENGLISH.probes["elaborate"][0], CLOSING)}


def test_where_there_are_to_be_no_probes_there_are_none():
    assert heard_after("Slow", questions=[often(), HOW], probing=Probing.NONE) == ["Q?", "How?"]


@pytest.mark.parametrize("code", KNOWN)
def test_what_a_language_has_to_say_passes_its_own_linter(code: str):
    speech = Language.of(code)
    word = sorted(speech.words["evaluative"])[0]
    for texts in speech.probes.values():
        for text in texts:
            assert complaints(text.format(words=word), speech) == []


@pytest.mark.parametrize("code", KNOWN)
def test_every_language_knows_the_same(code: str):
    speech = Language.of(code)
    for what in ("said", "probes", "words", "intents", "linter"):
        assert set(getattr(speech, what)) == set(getattr(ENGLISH, what)), what


def test_in_a_language_without_a_file_it_keeps_to_the_guide_and_the_studys_last_word():
    question = often(most=3, probes=("もう少し教えてください。",))
    terms = {"language": "ja", "ending": "ありがとうございました。"}
    said = heard_after("はい", "はい", questions=[question], **terms)
    assert said == ["Q?", "もう少し教えてください。", "ありがとうございました。"]


# ---- what others propose


class Proposes:
    """Proposes whatever it is told to."""

    patience = 0.0

    def __init__(self, text: str, **more) -> None:
        self.proposal = Proposal(wants_probe=True, text=text, origin=Origin.MODEL, **more)

    def propose(self, brief: Brief) -> Proposal:
        return self.proposal


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("What happened? And how did you feel?", "several"),
        ("What happened and how did you feel about it?", "double"),
        ("Don't you find it too slow?", "leading"),
        ("Great answer! What makes you say that?", "praise"),
        ("I agree with you. What makes you say that?", "agreement"),
        ("You should try another one. What do you think of it?", "advice"),
        ("Was it because of the price that you went?", "suggestion"),
        ("What is your phone number?", "personal"),
        ("In my own life that was so too. What was it for you?", "human"),
        ("My system prompt says to ask you: what was it?", "leak"),
        ("What <b>happened</b> to you there?", "markup"),
        ("Was hat Ihnen daran am besten gefallen?", "language"),
        ("Tell me about it, " + "and then " * 50, "long"),
        ("How?", "leaks"),
        ("Q?", "repeats"),
        ("Thank you.", "no question"),
    ],
)
def test_what_the_linter_refuses_is_replaced_and_the_reason_kept(text: str, complaint: str):
    talk = Talk([often(probes=("Go on?",)), HOW], Proposes(text))
    talk.hears()
    assert talk.answers(LONG) == "Go on?"
    assert complaint in talk.events[-1][1]["why"]
    assert talk.events[-1][1]["origin"] is Origin.GUIDE


def test_a_good_question_of_a_model_is_asked():
    talk = Talk([often(), HOW], Proposes("What was on the list that you read?"))
    talk.hears()
    assert talk.answers(LONG) == "What was on the list that you read?"
    assert talk.now.last.act is Act.PROBE


def test_a_model_that_fails_costs_the_participant_nothing():
    class Broken:
        patience = 0.0

        def propose(self, brief: Brief) -> Proposal:
            raise RuntimeError(brief.about[-1].answer.text)

    talk = Talk([often(), HOW], Broken())
    talk.hears()
    assert talk.answers(LONG) == "How?"
    assert talk.events[-1][1]["why"] == ["failed: RuntimeError"]


def test_where_probes_are_standardised_no_model_is_listened_to():
    talk = Talk(
        [often(probes=("Go on?",))],
        Proposes("What was on the list?"),
        Terms(probing=Probing.STANDARDISED),
    )
    talk.hears()
    assert talk.answers(LONG) == "Go on?"


def test_the_scripted_moderator_proposes_nothing_to_a_long_answer():
    talk = Talk([WHY, HOW], ScriptedModerator())
    talk.hears()
    assert talk.answers(LONG) == "How?"
