"""Spoken answers put into words: once, from the uploaded part, whatever happens to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from redis import Redis

from qualz import background, clock, jobs, moderation, sweep
from qualz.ai.hearing import CannotHear, Heard, Listener, Word, seconds_of
from qualz.ai.scripted import ScriptedModerator
from qualz.conversation import Kind, Manner
from qualz.database import db
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.leased import MOST_ATTEMPTS, LeaseLost
from qualz.listeners import Listeners
from qualz.moderator import Brief, Proposal
from qualz.part import EndReason, Part
from qualz.settings import Settings
from qualz.turn import Turn

SAMPLES = Path(__file__).parent.parent / "samples"
LEASE = timedelta(seconds=15)
SOUND = (SAMPLES / "chromium-opus.webm").read_bytes()


class Scribe(Listener):
    """Writes down always the same, and how long the sound was that it got."""

    name = "scribe"
    is_draft = True

    def __init__(self, text: str = "it is confusing") -> None:
        self.text = text
        self.lengths: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def knows(self, language: str) -> bool:
        return language == "en"

    def hear(self, sound: bytes, *, language: str) -> Heard:
        self.lengths.append(seconds_of(sound))
        self.meanwhile()
        words = tuple(
            Word(text=word, start=number, end=number + 0.5, confidence=0.9)
            for number, word in enumerate(self.text.split())
        )
        return Heard(text=self.text, words=words, engine=self.name, is_draft=self.is_draft)


class Deaf(Scribe):
    def hear(self, sound: bytes, *, language: str) -> Heard:
        raise CannotHear("is deaf")


@pytest.fixture
def scribe(app: Flask, settings: Settings) -> Scribe:
    scribe = Scribe()
    employ(app, settings, scribe)
    return scribe


def employ(app: Flask, settings: Settings, listener: Listener | None) -> None:
    app.extensions["listeners"] = Listeners(settings, app.extensions["vault"], always=listener)


def begins_part(interview: Interview, app: Flask, data: bytes = SOUND, until_ms: int = 0) -> Part:
    part = interview.recording.start_part(key="one", reported_type="audio/webm;codecs=opus")
    db.session.commit()
    part.append(data, at=0, storage=app.extensions["storage"], until_ms=until_ms)
    db.session.commit()
    return part


def ends_part(part: Part, length: int = len(SOUND)) -> None:
    part.declare_end(length=length, reason=EndReason.FINISHED)
    db.session.commit()


def speaks(interview: Interview, part: Part, begins_ms: int = 500, ends_ms: int = 2500) -> Hearing:
    said = moderation.hear(interview, ScriptedModerator())
    interview.answer(
        key=f"k{said.position}",
        to=said.position,
        manner=Manner.SPOKEN,
        part=part,
        begins_ms=begins_ms,
        ends_ms=ends_ms,
    )
    db.session.flush()
    [hearing] = Hearing.of_last_answer(interview)
    db.session.commit()
    return hearing


def claims(hearing: Hearing) -> Hearing:
    claimed = Hearing.claim(hearing.id, lease_for=LEASE)
    assert claimed
    return claimed


def runs(hearing: Hearing, app: Flask, listener: Listener) -> None:
    hearing.run(
        listener=listener,
        storage=app.extensions["storage"],
        ffmpeg=app.extensions["ffmpeg"],
        lease_for=LEASE,
    )


def answers(interview: Interview) -> list[Turn]:
    return [turn for turn in interview.turns if turn.manner is Manner.SPOKEN]


def test_an_answer_is_heard_once_and_its_words_have_times_of_the_recording(
    app: Flask, interview: Interview, scribe: Scribe
):
    hearing = speaks(interview, begins_part(interview, app, until_ms=3000))
    jobs.hear(hearing.id)
    jobs.hear(hearing.id)
    assert scribe.lengths == [pytest.approx(2.0, abs=0.03)]
    assert hearing.state is Hearing.State.DONE, hearing.reason
    assert hearing.words[2] == {"w": "confusing", "s": 2.5, "e": 3.0, "p": 0.9}
    assert answers(interview)[0].text == "it is confusing"
    answer = interview.conversation.exchanges[0].answer
    assert answer
    assert (answer.text, answer.is_draft, answer.words) == ("it is confusing", True, 3)


def test_an_answer_sent_twice_is_heard_once(app: Flask, interview: Interview, scribe: Scribe):
    hearing = speaks(interview, begins_part(interview, app, until_ms=3000))
    assert Hearing.of_last_answer(interview) == [hearing]


def test_what_was_typed_or_skipped_is_not_heard(interview: Interview, scribe: Scribe):
    for manner, text in ((Manner.TYPED, "By hand"), (Manner.SKIPPED, "")):
        said = moderation.hear(interview, ScriptedModerator())
        interview.answer(key=manner.value, to=said.position, manner=manner, text=text)
        db.session.flush()
        assert Hearing.of_last_answer(interview) == []


def test_a_killed_workers_hearing_is_done_by_another_and_its_ghost_keeps_nothing(
    app: Flask, interview: Interview, scribe: Scribe, settings: Settings
):
    hearing = speaks(interview, begins_part(interview, app, until_ms=3000))
    ghost = claims(hearing)
    assert Hearing.claim(hearing.id, lease_for=LEASE) is None
    held = ghost._held
    with time_machine.travel(clock.now() + 2 * LEASE):
        assert hearing in Hearing.unclaimed()
        jobs.hear(hearing.id)
    assert answers(interview)[0].text == "it is confusing"
    ghost._held = held
    with pytest.raises(LeaseLost):
        ghost._keep(Heard(text="something else", engine="ghost"), 0.0, True)
    assert answers(interview)[0].text == "it is confusing"
    assert [event.kind for event in interview.events].count(Kind.HEARD) == 1


def test_what_takes_its_worker_down_each_time_is_given_up(
    app: Flask, interview: Interview, scribe: Scribe
):
    hearing = speaks(interview, begins_part(interview, app, until_ms=3000))
    hearing.attempts = MOST_ATTEMPTS
    db.session.commit()
    jobs.hear(hearing.id)
    assert hearing.state is Hearing.State.FAILED
    assert scribe.lengths == []


def test_an_answer_is_not_heard_before_its_sound_has_come(
    app: Flask, interview: Interview, scribe: Scribe, settings: Settings
):
    half = len(SOUND) // 2
    part = begins_part(interview, app, SOUND[:half], until_ms=1500)
    hearing = speaks(interview, part)
    assert Hearing.claim(hearing.id, lease_for=LEASE) is None
    assert hearing not in Hearing.unclaimed()
    part.append(SOUND[half:], at=half, storage=app.extensions["storage"], until_ms=3000)
    db.session.commit()
    assert hearing in Hearing.unclaimed()
    jobs.hear(hearing.id)
    assert scribe.lengths == [pytest.approx(2.0, abs=0.03)]
    assert hearing.is_whole


def test_bytes_that_come_after_the_part_was_given_up_are_heard_too(
    app: Flask, interview: Interview, scribe: Scribe, settings: Settings
):
    half = len(SOUND) // 4
    part = begins_part(interview, app, SOUND[:half], until_ms=1500)
    hearing = speaks(interview, part, begins_ms=0, ends_ms=3000)
    with time_machine.travel(clock.now() + 2 * settings.hold):
        sweep.once(settings)
        jobs.hear(hearing.id)
        assert hearing.state is Hearing.State.DONE
        assert not hearing.is_whole
        sweep.once(settings)
        assert len(answers(interview)[0].hearings) == 1
        part.append(SOUND[half:], at=half, storage=app.extensions["storage"], until_ms=3500)
        db.session.commit()
        sweep.once(settings)
        sweep.once(settings)
        first, second = answers(interview)[0].hearings
        jobs.hear_again(second.id)
    assert second.is_whole
    assert first.state is second.state is Hearing.State.DONE
    assert scribe.lengths[0] < 2 < scribe.lengths[1]


def test_hearing_again_keeps_the_earlier_and_the_newest_counts(
    app: Flask, interview: Interview, scribe: Scribe, settings: Settings
):
    part = begins_part(interview, app, until_ms=3000)
    jobs.hear(speaks(interview, part).id)
    employ(app, settings, Scribe("it was very confusing"))
    (again,) = Hearing.again(interview)
    assert Hearing.again(interview) == []
    db.session.commit()
    assert again.job == "hear_again"
    jobs.hear_again(again.id)
    (turn,) = answers(interview)
    assert [one.text for one in turn.hearings] == ["it is confusing", "it was very confusing"]
    assert turn.text == "it was very confusing"
    assert turn.heard is again


def test_an_answer_whose_sound_came_after_all_is_heard_then(
    app: Flask, interview: Interview, scribe: Scribe, settings: Settings
):
    """Its chunks were refused for want of room, its part was given up; then its browser came."""
    part = begins_part(interview, app, b"", until_ms=0)
    hearing = speaks(interview, part, begins_ms=0, ends_ms=3000)
    with time_machine.travel(clock.now() + 2 * settings.hold):
        sweep.once(settings)
        jobs.hear(hearing.id)
        assert hearing.state is Hearing.State.FAILED
        part.append(SOUND, at=0, storage=app.extensions["storage"], until_ms=3500)
        db.session.commit()
        sweep.once(settings)
        second = answers(interview)[0].hearings[-1]
        jobs.hear_again(second.id)
    assert second.state is Hearing.State.DONE
    assert len(answers(interview)[0].hearings) == 2


@pytest.mark.parametrize("listener", [Deaf(), None], ids=["fails", "missing"])
def test_an_engine_that_fails_or_is_missing_harms_nothing(
    app: Flask, interview: Interview, settings: Settings, listener: Listener | None
):
    employ(app, settings, listener)
    part = begins_part(interview, app, until_ms=3000)
    hearing = speaks(interview, part)
    jobs.hear(hearing.id)
    assert hearing.state is Hearing.State.FAILED
    assert hearing.reason
    assert answers(interview)[0].text == ""
    assert moderation.hear(interview, ScriptedModerator(), sleep=never)


def test_a_part_without_sound_says_so(app: Flask, interview: Interview, scribe: Scribe):
    part = begins_part(interview, app, b"this is no recording", until_ms=3000)
    hearing = speaks(interview, part)
    jobs.hear(hearing.id)
    assert hearing.reason == "Its sound cannot be read."
    assert scribe.lengths == []


def test_silence_leaves_no_words(app: Flask, interview: Interview, settings: Settings):
    employ(app, settings, Scribe(""))
    hearing = speaks(interview, begins_part(interview, app, until_ms=3000))
    jobs.hear(hearing.id)
    assert hearing.state is Hearing.State.DONE
    assert Kind.HEARD not in [event.kind for event in interview.events]


def never(_seconds: float) -> None:
    raise AssertionError("somebody was kept waiting")


class Noting(ScriptedModerator):
    """Notes what it was told that was said."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def propose(self, brief: Brief) -> Proposal:
        answer = brief.about[-1].answer
        self.told.append(answer.text if answer else "")
        return super().propose(brief)


def test_the_moderator_waits_for_the_words_and_goes_by_them(
    app: Flask, interview: Interview, scribe: Scribe
):
    part = begins_part(interview, app, until_ms=30_000)
    hearing = speaks(interview, part, begins_ms=500, ends_ms=29_000)
    moderator = Noting()
    said = moderation.hear(interview, moderator, sleep=lambda _: jobs.hear(hearing.id))
    assert moderator.told == ["it is confusing"]
    assert "confusing" in said.text


def test_the_moderator_does_not_wait_long(app: Flask, interview: Interview, scribe: Scribe):
    speaks(interview, begins_part(interview, app, until_ms=3000), ends_ms=1500)
    moderator = Noting()
    with time_machine.travel(clock.now(), tick=False) as now:
        waited: list[float] = []

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            now.shift(seconds)

        moderation.hear(interview, moderator, sleep=sleep)
    assert 0.9 < sum(waited) < 1.2
    assert moderator.told == [""]


def test_nobody_waits_for_the_words_of_a_long_answer(
    app: Flask, interview: Interview, scribe: Scribe
):
    hearing = speaks(interview, begins_part(interview, app, until_ms=90_000), ends_ms=90_000)
    assert hearing.job == "hear_again"
    moderation.hear(interview, ScriptedModerator(), sleep=never)


def test_words_that_come_after_the_decision_change_nothing_that_was_said(
    app: Flask, interview: Interview, scribe: Scribe
):
    hearing = speaks(interview, begins_part(interview, app, until_ms=90_000), ends_ms=90_000)
    said = moderation.hear(interview, ScriptedModerator())
    jobs.hear_again(hearing.id)
    assert moderation.hear(interview, ScriptedModerator()) == said
    assert answers(interview)[0].text == "it is confusing"
    assert interview.conversation.exchanges[0].answer.text == "it is confusing"  # type: ignore[union-attr]


@pytest.mark.parametrize("is_draft", [True, False])
def test_a_draft_may_be_replaced_by_another_one_and_better_words_may_not(
    app: Flask, interview: Interview, scribe: Scribe, is_draft: bool
):
    scribe.is_draft = is_draft
    first = speaks(interview, begins_part(interview, app, until_ms=3000))
    assert not first.is_heard_well
    jobs.hear(first.id)
    [again] = Hearing.again(interview)
    assert again.is_heard_well is not is_draft


def test_words_that_nobody_waits_for_come_before_exports(redis_url: str):
    """However a worker's lines were named."""
    queue = background.connect(redis_url)
    assert queue
    Redis.from_url(redis_url).flushall()
    background.ring(queue, "bundle", 1)
    background.ring(queue, "hear_again", 2)
    background.ring(queue, "merge", 3)
    everything = background.lines(queue)
    served = [name for line in everything for name in line.job_ids]
    assert served == ["merge-3", "hear_again-2", "bundle-1"]
    named = background.lines(queue, ["leisure", "transcripts"])
    assert [line.name for line in named] == ["qualz-transcripts", "qualz-leisure"]
