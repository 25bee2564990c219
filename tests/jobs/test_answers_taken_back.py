"""One answer is taken back: no word and no sound of it is left, and the rest stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from qualz import clock, correction, erasing, preparation, redacting, sweep, taking_back
from qualz.comment import Comment
from qualz.conversation import Act, Kind, Manner
from qualz.database import db
from qualz.errors import PartClosed, WrongState
from qualz.event import Event
from qualz.happening import Happening
from qualz.happening import Kind as Happened
from qualz.hearing import Hearing
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.media.ffmpeg import FFmpeg
from qualz.media.rendition import CannotMake
from qualz.media.storage import Storage
from qualz.media.target import CannotMerge
from qualz.merge import Merge
from qualz.recording import Recording
from qualz.rendition import Kind as Form
from qualz.rendition import Rendition
from qualz.search import found_by
from qualz.settings import Settings
from qualz.study import Camera
from qualz.turn import Speaker, Turn
from tests.jobs.test_merging import LEASE, SAMPLES, records, runs, sweeps_and_works
from tests.jobs.test_redacted_merges import loudness

SECRET = "unforgettable"


@pytest.fixture
def answer(app: Flask, settings: Settings, interview: Interview) -> Turn:
    """Spoken from 1.5 s to 3 s of the first of two parts with pictures, asked about and marked."""
    interview.camera = Camera.ON_BY_DEFAULT
    picture = (SAMPLES / "chromium-vp8-opus.webm").read_bytes()
    first, second = records(interview, app, "one", picture), records(interview, app, "two", picture)
    said = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN, key="k", text="")
    said.part, said.begins_ms, said.ends_ms = first, 1500, 3000
    interview._append(said)
    event = {
        "to": 0,
        "turn": 1,
        "key": "k",
        "manner": "spoken",
        "text": "",
        "seconds": 1.5,
        "at": 0,
    }
    interview._note(Kind.ANSWERED, event)
    interview.heard(said, f"It was {SECRET}")
    said.hearings.append(Hearing(state=Hearing.State.DONE, text=said.text, words=[]))
    probe = Turn(speaker=Speaker.MODERATOR, act=Act.PROBE, text=f"What was {SECRET} about it?")
    interview._append(probe)
    told = {"turn": 2, "act": "probe", "text": probe.text, "origin": "model", "notes": SECRET}
    interview._note(Kind.SAID, told)
    other = Turn(speaker=Speaker.PARTICIPANT, manner=Manner.SPOKEN, text="The rest of it")
    other.part, other.begins_ms, other.ends_ms = second, 1000, 2000
    interview._append(other)
    ada = interview.study.researcher
    interview.complete()
    db.session.commit()
    correction.correct(said, f"So {SECRET}", seen=correction.version(said), by=ada)
    Highlight.mark(said, 3, SECRET, by=ada)
    Comment.write(said, "Well said", by=ada)
    db.session.commit()
    sweeps_and_works(app, settings)
    assert interview.recording.state is Recording.State.READY
    return said


class FullDisk(Storage):
    """One on which nothing is free for a merge."""

    def free_bytes(self) -> int:
        return 0


def takes_back(answer: Turn, app: Flask) -> None:
    taking_back.take_back(answer.interview, answer.position, app.extensions["storage"])


def brightness(path: Path, begins: float, ends: float) -> list[float]:
    with av.open(str(path)) as container:
        return [
            float(frame.to_ndarray(format="gray").mean())
            for frame in container.decode(video=0)
            if begins <= frame.time <= ends
        ]


def files_of(recording: Recording, settings: Settings) -> list[Path]:
    return [path for path in (settings.media / recording.folder).rglob("*") if path.is_file()]


def test_every_word_of_it_is_gone_at_once_and_nothing_with_its_sound_is_played(
    app: Flask, settings: Settings, answer: Turn
):
    interview, recording = answer.interview, answer.interview.recording
    Rendition.ask(recording, Form.SOUND)
    db.session.commit()
    takes_back(answer, app)
    assert answer.taken_back_at
    assert [turn.text for turn in interview.turns] == ["", "", "The rest of it"]
    for model in (Hearing, Highlight, Comment, Rendition, correction.Correction):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0
    told = [event.payload for event in db.session.scalars(select(Event))]
    assert SECRET not in str(told)
    found = found_by(SECRET)
    assert found is not None
    assert db.session.scalars(found).all() == []
    assert (recording.full_session, recording.original) == (None, None)
    assert [part.number for part in recording.shown_clips] == [2]
    assert {path.name.partition("-")[0] for path in files_of(recording, settings)} == {"part"}
    # Once more is once.
    takes_back(answer, app)
    # And a turn that was taken back has nothing to mark.
    assert interview.turns[0].words == ""


def test_its_sound_and_picture_are_in_no_file_after_the_next_merge(
    app: Flask, settings: Settings, answer: Turn
):
    recording = answer.interview.recording
    part, other = recording.parts
    path = settings.media / part.file
    untouched = (settings.media / other.file).read_bytes()
    assert loudness(path, 1.5, 3.0) > -45
    takes_back(answer, app)
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY, recording.reason
    assert answer.erased_at
    session = settings.media / (recording.full_session or "")
    for file in (path, session):
        assert loudness(file, 1.5, 3.0) < -80
        assert max(brightness(file, 1.5, 3.0)) < 1
        # What was said besides is there.
        assert loudness(file, 3.5, 4.5) > -45
        assert max(brightness(file, 3.5, 4.5)) > 1
    assert (settings.media / other.file).read_bytes() == untouched
    assert part.bytes_durable == part.length == path.stat().st_size
    assert {file.name.partition("-")[0] for file in files_of(recording, settings)} <= {
        *("part", "full"),
        *(file.name for file in files_of(recording, settings) if file.parent.name == "prepared"),
    }
    # It can be played again, and merged again, as it is now.
    assert [clip.number for clip in recording.shown_clips] == [1, 2]
    assert part.content_type == "video/webm" or not part.has_camera
    Merge.begin(recording)
    db.session.commit()
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY
    # Nothing is added to it, and what was missing before is missing still.
    with pytest.raises(PartClosed):
        part.append(b"late", at=part.bytes_durable, storage=app.extensions["storage"])


def test_what_is_missing_of_an_erased_part_is_still_told(
    app: Flask, settings: Settings, answer: Turn
):
    part = answer.interview.recording.parts[0]
    part.length, part.recorded_ms, part.stored_ms = part.bytes_durable + 1000, 9_000, 6_000
    part.last_byte_at = clock.now() - timedelta(days=8)
    db.session.commit()
    assert part.missing == 3
    takes_back(answer, app)
    sweeps_and_works(app, settings)
    assert answer.erased_at
    assert part.missing == 3


def test_a_merge_that_ends_just_then_puts_nothing_in_place(
    app: Flask, settings: Settings, answer: Turn
):
    recording = answer.interview.recording
    merge = Merge.begin(recording)
    db.session.commit()
    assert merge
    claimed = Merge.claim(merge.id, lease_for=LEASE)
    assert claimed
    end = claimed._end

    def late_end(*given: object, **named: object) -> bool:
        takes_back(answer, app)
        return end(*given, **named)  # type: ignore[arg-type]

    claimed._end = late_end  # type: ignore[method-assign]
    runs(claimed, app)
    assert (recording.full_session, recording.original) == (None, None)
    assert recording.state is Recording.State.STALE
    assert not [one for one in files_of(recording, settings) if one.name.startswith("full-session")]
    sweeps_and_works(app, settings)
    assert recording.full_session
    assert loudness(settings.media / recording.full_session, 1.5, 3.0) < -80


def test_a_part_that_cannot_be_cut_is_kept_from_everybody(
    app: Flask, settings: Settings, answer: Turn
):
    recording = answer.interview.recording
    takes_back(answer, app)
    raw = (settings.media / recording.parts[0].file).read_bytes()
    # An ffmpeg that does nothing.
    ffmpeg = app.extensions["ffmpeg"]
    with pytest.raises((CannotMake, CannotMerge)):
        erasing.erase(
            recording,
            storage=app.extensions["storage"],
            ffmpeg=type(ffmpeg)(binary=Path("/bin/true")),
            on_progress=lambda done: None,
        )
    assert (settings.media / recording.parts[0].file).read_bytes() == raw
    assert not answer.erased_at
    assert [clip.number for clip in recording.shown_clips] == [2]


def test_of_a_part_that_nobody_could_ever_play_nothing_is_kept(
    app: Flask, settings: Settings, answer: Turn
):
    recording = answer.interview.recording
    path = settings.media / recording.parts[0].file
    path.write_bytes(b"no recording " * (path.stat().st_size // 13))
    takes_back(answer, app)
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY, recording.reason
    assert answer.erased_at
    assert not path.exists()
    assert [clip.number for clip in recording.shown_clips] == [2]


def test_what_is_to_be_erased_is_erased_however_often_that_fails(
    app: Flask, settings: Settings, answer: Turn
):
    recording = answer.interview.recording
    with time_machine.travel(clock.now(), tick=False) as time:
        takes_back(answer, app)
        broken = FFmpeg(binary=Path("/bin/true"))
        for wait in (0, 61, 121):
            time.shift(wait)
            sweep.once(settings)
            (begun,) = Merge.unclaimed()
            claimed = Merge.claim(begun.id, lease_for=LEASE)
            assert claimed
            claimed.run(storage=app.extensions["storage"], ffmpeg=broken, lease_for=LEASE)
            assert recording.state is Recording.State.FAILED
            sweep.once(settings)
            assert not Merge.unclaimed(), "not at once"
        told = select(func.count()).where(Happening.kind == Happened.MERGE_FAILED)
        assert db.session.scalar(told) == 1
        time.shift(241)
        sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY, recording.reason
    assert answer.erased_at


def test_erasing_is_not_cancelled_and_needs_no_room_for_the_merge(
    app: Flask, settings: Settings, answer: Turn
):
    recording = answer.interview.recording
    takes_back(answer, app)
    sweep.once(settings)
    (begun,) = Merge.unclaimed()
    with pytest.raises(WrongState, match="it is being erased"):
        begun.cancel()
    claimed = Merge.claim(begun.id, lease_for=LEASE)
    assert claimed
    full = FullDisk(app.extensions["storage"].root)
    claimed.run(storage=full, ffmpeg=app.extensions["ffmpeg"], lease_for=LEASE)
    assert recording.state is Recording.State.FAILED
    assert "too full" in (recording.reason or "")
    assert answer.erased_at
    assert loudness(settings.media / recording.parts[0].file, 1.5, 3.0) < -80


def test_a_part_that_could_not_be_erased_still_takes_what_comes_late(
    app: Flask, settings: Settings, answer: Turn
):
    part, storage = answer.interview.recording.parts[0], app.extensions["storage"]
    path = settings.media / part.file
    whole = path.read_bytes()
    cut = len(whole) - 20_000
    path.write_bytes(whole[:cut])
    part.bytes_durable, part.content = cut, None
    db.session.commit()
    takes_back(answer, app)
    # Later answers are on their way, and a copy would not go on where they begin.
    sweeps_and_works(app, settings)
    assert not Merge.unclaimed()
    assert not answer.erased_at
    assert answer.interview.recording.awaits_rest
    part.append(whole[cut:], at=cut, storage=storage)
    db.session.commit()
    sweeps_and_works(app, settings)
    assert answer.erased_at
    assert loudness(path, 1.5, 3.0) < -80
    assert loudness(path, 3.5, 4.5) > -45


def test_what_never_comes_is_waited_for_no_longer_than_a_week(
    app: Flask, settings: Settings, answer: Turn
):
    part = answer.interview.recording.parts[0]
    part.length = part.bytes_durable + 1000
    part.last_byte_at = clock.now() - timedelta(days=8)
    db.session.commit()
    takes_back(answer, app)
    sweeps_and_works(app, settings)
    assert answer.erased_at
    # What its recorder still has fits no copy, and whoever sends it is not told that it is safe.
    assert part.is_sealed
    size = part.bytes_durable
    part.note_durable(size + 5)
    assert part.bytes_durable == size


def test_what_the_moderator_made_of_it_goes_wherever_it_was_said(
    app: Flask, settings: Settings, interview: Interview
):
    first, second = records(interview, app, "one"), records(interview, app, "two")

    def says(speaker: Speaker, text: str, question: str = "q1", **more: Any) -> Turn:
        manner = Manner.SPOKEN if speaker is Speaker.PARTICIPANT else None
        turn = Turn(speaker=speaker, manner=manner, text=text, question_id=question, **more)
        return interview._append(turn)

    moderator, participant = Speaker.MODERATOR, Speaker.PARTICIPANT
    says(moderator, "How do you search?", act=Act.QUESTION)
    answer = says(participant, "With the old card catalogue", begins_ms=500, ends_ms=1000)
    answer.part = first
    probe = says(moderator, "Why the catalogue?", act=Act.PROBE)
    probe.sounds(first, 1200)
    # The participant left, and it was said to them once more when they came back.
    db.session.flush()
    probe.sounds(second, 1000)
    probe.sounds(second, 1000)
    says(participant, "It is quick")
    again = says(moderator, "And what is old about it?", act=Act.PROBE)
    says(participant, "The cards")
    other = says(moderator, "What annoys you?", "q2", act=Act.QUESTION)
    says(participant, "Nothing")
    about = says(moderator, "Not even that?", "q2", act=Act.PROBE)
    quoting = says(moderator, "You said “the old card catalogue”.", "q2", act=Act.REPLY)
    interview.complete()
    db.session.commit()
    takes_back(answer, app)
    assert [turn.text for turn in (probe, again, quoting)] == ["", "", ""]
    assert [turn.text for turn in (other, about)] == ["What annoys you?", "Not even that?"]
    assert interview.recording.withheld == {first.id, second.id}
    sweeps_and_works(app, settings)
    assert interview.recording.state is Recording.State.READY, interview.recording.reason
    assert loudness(settings.media / first.file, 1.2, 2.0) < -80
    assert loudness(settings.media / second.file, 1.0, 2.0) < -80
    assert loudness(settings.media / second.file, 4.0, 5.0) > -45


def test_what_is_redacted_of_the_moderators_words_is_so_wherever_they_were_said(
    app: Flask, settings: Settings, interview: Interview
):
    first, second = records(interview, app, "one"), records(interview, app, "two")
    probe = Turn(speaker=Speaker.MODERATOR, act=Act.PROBE, text="Why did Miriam leave?")
    interview._append(probe)
    probe.sounds(first, 500)
    db.session.flush()
    probe.sounds(second, 1000)
    interview.complete()
    redacting.redact(probe, 8, "Miriam", by=interview.study.researcher)
    assert interview.recording.withheld == {first.id, second.id}
    sweeps_and_works(app, settings)
    recording = interview.recording
    start = recording.report["parts"][1]["start"]
    path = settings.media / (recording.full_session or "")
    assert loudness(path, 0.5, 2.5) < -80
    assert loudness(path, start + 1.0, start + 3.0) < -80
    assert loudness(path, start + 3.5, start + 4.5) > -45


def test_what_was_prepared_of_a_part_while_it_was_erased_is_thrown_away(
    app: Flask, settings: Settings, answer: Turn
):
    recording = answer.interview.recording
    part, storage = recording.parts[0], app.extensions["storage"]
    contents = {one.id: "as it was" for one in recording.parts}
    takes_back(answer, app)
    sweeps_and_works(app, settings)
    late = settings.media / recording.prepared / "piece-late.media"
    late.parent.mkdir(exist_ok=True)
    late.write_bytes(b"what was taken back")
    assert part.is_sealed
    preparation._forget_erased(recording, contents, storage)
    assert not late.exists()


def test_an_answer_is_taken_back_only_once_the_interview_is_over(app: Flask, interview: Interview):
    interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="Now"))
    db.session.commit()
    with pytest.raises(WrongState):
        taking_back.take_back(interview, 1, app.extensions["storage"])
    interview.complete()
    taking_back.take_back(interview, 1, app.extensions["storage"])
    # It was nowhere in the recording, so there is nothing to wait for.
    assert interview.turns[0].erased_at
    assert np.array([not turn.text for turn in interview.turns]).all()


def test_what_is_redacted_elsewhere_stays_so(app: Flask, settings: Settings, answer: Turn):
    recording = answer.interview.recording
    other = answer.interview.turns[2]
    redacting.redact(other, 0, other.text, by=answer.interview.study.researcher)
    takes_back(answer, app)
    sweeps_and_works(app, settings)
    assert recording.state is Recording.State.READY, recording.reason
    start = recording.report["parts"][1]["start"]
    for name, is_silent in ((recording.full_session, True), (recording.original, False)):
        path = settings.media / (name or "")
        assert loudness(path, 1.5, 3.0) < -80
        assert (loudness(path, start + 1.0, start + 2.0) < -80) == is_silent
