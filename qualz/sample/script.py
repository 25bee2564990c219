"""What is asked and answered in a sample: put together from a few sentences, alike each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from qualz.conversation import Act, Manner
from qualz.guide import FollowUp, Question, Section

TITLE = "Sample: how people find things at work"
OBJECTIVE = (
    "Sample data to look around in: nobody took part in it. The recordings say a test sentence "
    "over and over, whatever stands in the transcript."
)
SECTIONS = {
    "At work": (
        "Tell me about the last time you were looking for something at work.",
        "Where do you look first when you need a document?",
        "Who do you ask when you cannot find it?",
        "What do you do with what you have found?",
    ),
    "The tools": (
        "Which tools do you use for it, and how did you come to use them?",
        "What annoys you most about the search that you use?",
        "When did a search last surprise you in a good way?",
        "How do you decide whether you can rely on a result?",
    ),
    "What would help": (
        "If you could change one thing about it, what would that be?",
        "Is there anything else about finding things that I should know?",
    ),
}
PROBES = (
    "Could you tell me more about that?",
    "What happened next?",
    "Can you give me an example?",
    "Why was that important to you?",
    "How did you notice?",
)
BEGINNINGS = (
    "Well, last week",
    "To be honest, most of the time",
    "On a normal Monday",
    "When the quarter ends",
    "Since we moved to the new intranet",
    "In my team",
    "If I am in a hurry",
    "Just yesterday",
    "As a nurse on the night shift",
    "When a customer calls",
)
MIDDLES = (
    "I look in the shared folder first",
    "I type half of the title into the search box",
    "I ask a colleague who has been here for longer",
    "I scroll through my own e-mails",
    "I open the calendar, because the invitation has the link",
    "I give up after the second page of results",
    "I keep a list of my own in a spreadsheet",
    "I call the help desk",
    "I compare three versions of the same file",
    "the assistant finds it at once",
)
ENDS = (
    "and then it is the wrong version.",
    "which takes me about ten minutes.",
    "because nobody knows where anything is.",
    "and it works surprisingly well.",
    "but the permissions are missing again.",
    "so I write it anew.",
    "and I feel a bit stupid.",
    "which is why I made a bookmark.",
    "and everybody else does the same.",
    "although the filters are good by now.",
)
SIDES = (
    "",
    "",
    "The toolbar hides half of it.",
    "On the phone it is worse.",
    "I would pay for something better.",
    "My manager does not see that.",
    "It was different in my last job.",
    "The training did not help.",
)
NAMES = (
    *("Amira", "Bengt", "Chloé", "Dmitri", "Esra", "Femi", "Giulia", "Hiro", "Inés", "Jakub"),
    *("Kaja", "Liam", "Mónica", "Nuru", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tala"),
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question or a follow-up question to it, and the answer."""

    question_id: str
    act: Act
    asked: str
    manner: Manner
    answer: str


def guide() -> list[Section]:
    numbers = iter(range(1, 100))
    return [
        Section(
            id=f"s{place}",
            title=title,
            questions=tuple(
                Question(id=f"q{next(numbers)}", text=text, follow_up=FollowUp.ALWAYS, most=3)
                for text in texts
            ),
        )
        for place, (title, texts) in enumerate(SECTIONS.items(), 1)
    ]


def talk(chance: Random, count: int) -> Iterator[Exchange]:
    """So many exchanges, as evenly over the questions as they go."""
    questions = [question for section in guide() for question in section.questions]
    before = None
    for place in range(count):
        question = questions[place * len(questions) // max(count, len(questions))]
        is_first, before = question is not before, question
        manner = chance.choices(list(Manner), weights=(15, 80, 5))[0]
        yield Exchange(
            question_id=question.id,
            act=Act.QUESTION if is_first else Act.PROBE,
            asked=question.text if is_first else chance.choice(PROBES),
            manner=manner,
            answer="" if manner is Manner.SKIPPED else _answer(chance),
        )


def _answer(chance: Random) -> str:
    main = " ".join(chance.choice(ones) for ones in (BEGINNINGS, MIDDLES, ENDS))
    return f"{main} {chance.choice(SIDES)}".strip()


def name(chance: Random) -> str | None:
    """What the researcher calls somebody; most keep their number."""
    return chance.choice(NAMES) if chance.random() < 0.3 else None
