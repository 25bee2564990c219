"""The moderator's voice as the page asks for it: who gets it, in which form, and who does not."""

from __future__ import annotations

import io
import wave
from dataclasses import replace
from pathlib import Path

import av
import pytest
from flask import Flask

from qualz import transcript
from qualz.ai.speaking import CannotSpeak, Voice
from qualz.database import db
from qualz.interview import Interview
from qualz.removal import remove_interview
from qualz.service import Kind, Service
from qualz.settings import Settings
from qualz.speech import SHARED, Speech
from qualz.study import Study
from qualz.tools import find_flite
from qualz.voices import Voices
from tests.room.conftest import Participant

OGG, WAV = {"Accept": "audio/ogg, audio/wav;q=0.5"}, {"Accept": "audio/wav"}


def tone(seconds: float = 0.5) -> bytes:
    """A WAV file that a voice may have made."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", ""))
        file.writeframes(b"\x00\x20\x00\xe0" * int(seconds * 11_025))
    return out.getvalue()


class Speaker(Voice):
    """A voice that remembers what it said."""

    name = "a speaker"

    def __init__(self, sound: bytes | None = None) -> None:
        self.said: list[str] = []
        self.sound = tone() if sound is None else sound

    def knows(self, language: str) -> bool:
        return True

    def say(self, text: str, *, language: str) -> bytes:
        self.said.append(text)
        if not self.sound:
            raise CannotSpeak("is hoarse")
        return self.sound


@pytest.fixture
def guest(participant: Participant, study: Study) -> Participant:
    """In the room, and asked the first question."""
    participant.consents(study)
    participant.arrives()
    participant.client.get(f"{participant.room}/question")
    return participant


def employ(app: Flask, *voices: Voice) -> None:
    app.extensions["voices"]._programs = list(voices)


def asks(guest: Participant, position: int = 1, headers: dict[str, str] = OGG):
    return guest.client.get(f"{guest.room}/turns/{position}/speech", headers=headers)


def test_a_question_sounds_in_the_form_that_the_page_plays(app: Flask, guest: Participant):
    speaker = Speaker()
    employ(app, speaker)
    answer = asks(guest)
    assert (answer.status_code, answer.mimetype) == (200, "audio/ogg")
    assert answer.headers["Cache-Control"] == "private, max-age=600"
    with av.open(io.BytesIO(answer.data)) as sound:
        stream = sound.streams.audio[0]
        assert (stream.codec_context.name, stream.codec_context.channels) == ("opus", 1)
        assert float(sound.duration / av.time_base) == pytest.approx(0.5, abs=0.05)
    plain = asks(guest, headers=WAV)
    assert plain.mimetype == "audio/wav"
    with wave.open(io.BytesIO(plain.data)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(0.5, abs=0.05)
    assert speaker.said == ["How do you search?"]


def test_where_nobody_speaks_the_page_is_told_so(app: Flask, guest: Participant):
    assert asks(guest).status_code == 204
    assert '"voice": "browser"' in guest.client.get(guest.room).text
    employ(app, Speaker())
    assert '"voice": "server"' in guest.client.get(guest.room).text


@pytest.mark.parametrize("sound", [b"", b"no sound at all"])
def test_a_voice_that_fails_leaves_it_to_the_next(app: Flask, guest: Participant, sound: bytes):
    hoarse = Speaker(sound)
    hoarse.name = "hoarse"
    employ(app, hoarse)
    assert asks(guest).status_code == 204
    employ(app, hoarse, Speaker())
    assert asks(guest).status_code == 200


def test_only_what_the_moderator_said_sounds_and_only_in_its_own_room(
    app: Flask, guest: Participant, study: Study
):
    employ(app, Speaker())
    said = {"key": "k", "to": "1", "manner": "typed", "text": "By hand"}
    guest.client.post(f"{guest.room}/turns", data=said)
    assert asks(guest, 2).status_code == 404
    assert asks(guest, 99).status_code == 404
    stranger = app.test_client()
    assert stranger.get(f"{guest.room}/turns/1/speech", headers=OGG).status_code == 403


def test_what_everybody_is_asked_is_shared_and_what_quotes_goes_with_its_interview(
    app: Flask, guest: Participant, study: Study
):
    employ(app, Speaker())
    interview: Interview = study.interviews[0]
    said = {"key": "k", "to": "1", "manner": "typed", "text": "Blue pages"}
    guest.client.post(f"{guest.room}/turns", data=said)
    assert interview.last_said.text not in [one.text for one in interview.guide.questions]
    assert asks(guest, 1).status_code == asks(guest, 3).status_code == 200
    storage = app.extensions["storage"]
    own = storage.path(interview.recording.folder)
    assert len(list(storage.path(SHARED).glob("*.ogg"))) == 1
    assert len(list(own.rglob("*.ogg"))) == 1
    remove_interview(interview, storage)
    assert not own.exists()


def test_the_shared_ones_are_bounded_and_what_was_used_last_stays(app: Flask, study: Study):
    employ(app, Speaker())
    storage = app.extensions["storage"]
    voice = Speaker()
    size = Speech(storage, app.extensions["ffmpeg"]).of("one", "en", [voice], SHARED).stat().st_size
    speech = Speech(storage, app.extensions["ffmpeg"], most_shared=2 * size + 100)
    kept: Path | None = None
    for text in ("two", "three", "four"):
        kept = speech.of(text, "en", [voice], SHARED)
    assert len(list(storage.path(SHARED).iterdir())) == 2
    assert kept
    assert kept.exists()


def test_the_researchers_choice_decides_who_speaks(app: Flask, guest: Participant, study: Study):
    program = Speaker()
    employ(app, program)

    def choose(choice: str, url: str = "") -> None:
        wishes = {"choice": choice, "protocol": "piper"}
        vault = app.extensions["vault"]
        how = {"url": url, "model": "", "key": "", "is_on": False, "wishes": wishes}
        Service.set(Kind.VOICE, vault, **how)
        db.session.commit()

    def names() -> list[str]:
        return [voice.name for voice in app.extensions["voices"].of_server("en")]

    assert names() == ["a speaker"]
    choose("automatic", "http://piper.example")
    assert names() == ["piper  at http://piper.example", "a speaker"]
    choose("service", "http://piper.example")
    assert names() == ["piper  at http://piper.example"]
    choose("program", "http://piper.example")
    assert names() == ["a speaker"]
    choose("browser")
    assert names() == []
    assert '"voice": "browser"' in guest.client.get(guest.room).text
    choose("none")
    assert '"voice": "none"' in guest.client.get(guest.room).text


def test_flite_speaks_out_of_the_box_where_it_is_installed(app: Flask, settings: Settings):
    if find_flite() is None:
        pytest.skip("no flite: apt-get install flite")
    voices = Voices(replace(settings, speaking="automatic"), app.extensions["vault"])
    assert voices.programs[0] == "flite slt"


def test_the_device_check_plays_a_sentence_by_the_moderators_voice(
    app: Flask, participant: Participant, study: Study
):
    participant.consents(study)
    voice = Speaker()
    employ(app, voice)
    answer = participant.client.get(f"{participant.room}/speech-sample", headers=WAV)
    assert (answer.status_code, answer.mimetype) == (200, "audio/wav")
    assert voice.said == ["This is how the questions sound. Can you hear it?"]
    assert app.test_client().get(f"{participant.room}/speech-sample").status_code == 403


# ---- where it is heard


def places(guest: Participant, position: int = 1, **told: object):
    return guest.client.put(f"{guest.room}/turns/{position}/place", json=told)


def test_the_transcript_has_a_question_where_it_is_heard_first(guest: Participant, study: Study):
    interview: Interview = study.interviews[0]
    for key in ("one", "two"):
        guest.starts_part(key=key)
    assert places(guest, part="one", ms=700.4).status_code == 204
    # It is said once more to who comes back.
    assert places(guest, part="two", ms=100).status_code == 204
    [line] = transcript.lines(interview)
    assert line.turn.part is not None
    assert (line.turn.part.key, line.at_in_clip) == ("one", 0.7)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"part": "foreign", "ms": 1},
        {"part": ["one"], "ms": 1},
        {"part": "one"},
        {"part": "one", "ms": -1},
        {"part": "one", "ms": "soon"},
        {"part": "one", "ms": 10**12},
    ],
)
def test_a_place_that_there_is_not_is_refused(guest: Participant, study: Study, told: dict):
    guest.starts_part(key="one")
    assert places(guest, **told).status_code == 404
    assert places(guest, 99, part="one", ms=1).status_code == 404
    assert study.interviews[0].turns[0].begins_ms is None


def test_nobody_else_says_where_it_is_heard(app: Flask, guest: Participant):
    guest.starts_part(key="one")
    told = {"part": "one", "ms": 1}
    assert app.test_client().put(f"{guest.room}/turns/1/place", json=told).status_code == 403
