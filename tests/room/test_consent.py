"""Consent at the door: what is shown is what is kept, and nothing goes beyond it."""

from __future__ import annotations

import hashlib
import json

import pytest
from flask import Flask

from qualz import removal
from qualz.ai.language_model import LanguageModelModerator
from qualz.ai.scripted import ScriptedModerator
from qualz.consent import Consent, ConsentText
from qualz.database import db
from qualz.interview import Interview
from qualz.service import Kind, Service
from qualz.study import Camera, Study
from tests.room.conftest import Participant

ELSEWHERE = "https://api.example.org/v1"


def moderated_at(app: Flask, url: str, kind: Kind = Kind.LANGUAGE_MODEL) -> None:
    Service.set(kind, app.extensions["vault"], url=url, model="m", key="", is_on=True)
    db.session.commit()


def consent_to(interview: Interview) -> Consent:
    assert interview.consent is not None
    return interview.consent


def test_what_was_shown_is_kept_word_for_word_with_its_hash(participant: Participant, study: Study):
    page = participant.client.get(f"/i/{study.invitation.token}").text
    given = consent_to(participant.consents(study))
    shown = given.text.shown
    for sentence in (shown["text"], shown["recording"], *shown["providers"], shown["agreement"]):
        assert sentence in page
    assert shown["providers"] == ["Your answers are processed on this server only."]
    kept = json.dumps(shown, sort_keys=True, ensure_ascii=False).encode()
    assert given.text.digest == hashlib.sha256(kept).hexdigest()
    assert (given.text.version, given.to_recording, given.to_camera) == (1, True, None)


def test_a_text_that_changed_since_the_page_was_opened_has_to_be_read_again(
    participant: Participant, study: Study
):
    link = f"/i/{study.invitation.token}"
    shown = participant.client.get(link).text.split('name="shown" value="')[1].split('"')[0]
    study.consent_text = "Something else."
    db.session.commit()
    answer = participant.client.post(link, data={"shown": shown, "consent": "yes"})
    assert answer.status_code == 422
    assert "has changed" in answer.text
    assert study.interviews == []


def test_whoever_came_before_the_text_changed_keeps_the_version_they_agreed_to(
    app: Flask, participant: Participant, study: Study
):
    first = participant.consents(study)
    moderated_at(app, ELSEWHERE)
    second = Participant(app.test_client()).consents(study)
    third = Participant(app.test_client()).consents(study)
    db.session.expire_all()
    versions = [consent_to(one).text.version for one in (first, second, third)]
    assert versions == [1, 2, 2]
    assert "api.example.org" not in json.dumps(consent_to(first).text.shown)


@pytest.mark.parametrize(
    ("kind", "does"),
    [(Kind.LANGUAGE_MODEL, "a language model"), (Kind.HEARING, "put into words")],
)
def test_a_provider_elsewhere_is_named_and_one_on_this_machine_is_not(
    app: Flask, participant: Participant, study: Study, kind: Kind, does: str
):
    link = f"/i/{study.invitation.token}"
    moderated_at(app, "http://localhost:11434/v1", kind)
    assert "on this server only" in participant.client.get(link).text
    moderated_at(app, ELSEWHERE, kind)
    page = participant.client.get(link).text
    assert "api.example.org" in page
    assert does in page
    assert "on this server only" not in page


def test_nobody_is_heard_by_a_provider_that_was_not_named_to_them(
    app: Flask, participant: Participant, study: Study
):
    moderators = app.extensions["moderators"]
    told_of_none = consent_to(participant.consents(study))
    moderated_at(app, ELSEWHERE)
    told_of_it = consent_to(Participant(app.test_client()).consents(study))
    assert isinstance(moderators.current(told_of_none), ScriptedModerator)
    assert isinstance(moderators.current(told_of_it), LanguageModelModerator)
    moderated_at(app, "https://other.example.net/v1")
    assert isinstance(moderators.current(told_of_it), ScriptedModerator)


def test_the_sound_goes_to_no_provider_that_was_not_named(
    app: Flask, participant: Participant, study: Study
):
    listeners = app.extensions["listeners"]
    told_of_none = consent_to(participant.consents(study))
    moderated_at(app, ELSEWHERE, Kind.HEARING)
    told_of_it = consent_to(Participant(app.test_client()).consents(study))
    assert listeners.current("en", told_of_none) is None
    assert listeners.current("en", told_of_it) is not None


class TestTheCamera:
    @pytest.fixture(autouse=True)
    def _is_allowed(self, study: Study) -> None:
        study.camera = Camera.ON_BY_DEFAULT
        db.session.commit()

    def test_who_does_not_tick_it_has_none_in_the_room(
        self, participant: Participant, study: Study
    ):
        participant.room = participant.agrees(study, consent="yes").location
        page = participant.client.get(participant.room)
        assert "<camera-switch" not in page.text
        assert "camera=()" in page.headers["Permissions-Policy"]
        assert participant.starts_part(filetype="video/webm").status_code == 415
        assert participant.starts_part(camera="true").status_code == 415
        assert participant.starts_part().status_code == 201
        assert consent_to(study.interviews[0]).to_camera is False

    def test_who_ticks_it_may_be_seen(self, participant: Participant, study: Study):
        given = consent_to(participant.consents(study))
        assert given.to_camera is True
        assert given.text.shown["camera_agreement"]
        assert "<camera-switch" in participant.client.get(participant.room).text
        assert participant.starts_part(filetype="video/webm").status_code == 201

    def test_ticking_it_alone_agrees_to_nothing(self, participant: Participant, study: Study):
        answer = participant.agrees(study, camera="yes")
        assert answer.status_code == 422
        assert 'name="camera" value="yes" checked' in answer.text
        assert study.interviews == []


def test_a_study_goes_with_all_that_was_agreed_to(
    app: Flask, participant: Participant, study: Study
):
    participant.consents(study)
    removal.remove_study(study, app.extensions["storage"])
    assert db.session.query(Consent).count() == db.session.query(ConsentText).count() == 0


def test_interviews_of_before_have_no_consent_made_up_for_them(app: Flask, interview: Interview):
    assert interview.consent is None
    moderated_at(app, ELSEWHERE)
    assert isinstance(app.extensions["moderators"].current(None), LanguageModelModerator)
