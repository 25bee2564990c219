"""The socket admits whom HTTP admits, and takes heartbeats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from qualz import presence
from qualz.database import db
from qualz.interview import Interview
from qualz.resume_link import ResumeLink
from qualz.study import Study
from tests.room.conftest import Participant


def connects(app: Flask, client: FlaskClient, interview: Interview, place: str = "laptop") -> Any:
    return app.extensions["speaker"].test_client(
        app,
        namespace="/room",
        flask_test_client=client,
        auth={"interview": interview.public_id, "place": place},
    )


def beats(socket: Any, **report: object) -> Any:
    return socket.emit("heartbeat", report, namespace="/room", callback=True)


def test_a_participant_is_let_in_and_their_heartbeats_count(
    app: Flask, participant: Participant, study: Study
):
    interview = participant.consents(study)
    participant.arrives()
    socket = connects(app, participant.client, interview)
    assert socket.is_connected("/room")
    assert beats(socket, recording=True, waiting=12, part=1, level="loud") == {"here": True}
    db.session.refresh(interview)
    assert interview.heartbeat["recording"] is True
    assert interview.heartbeat["waiting"] == 12
    assert interview.heartbeat["level"] == 0
    assert presence.of(interview) is presence.Presence.LIVE


def test_a_stranger_is_not_let_in(app: Flask, participant: Participant, study: Study):
    interview = participant.consents(study)
    assert not connects(app, app.test_client(), interview).is_connected("/room")


def test_a_place_that_was_taken_over_is_told_so(app: Flask, participant: Participant, study: Study):
    interview = participant.consents(study)
    participant.arrives("laptop")
    socket = connects(app, participant.client, interview)
    participant.arrives("phone", take_over=True)
    assert [told["name"] for told in socket.get_received("/room")] == ["moved"]
    assert beats(socket, recording=True) == {"here": False}


def test_where_no_websocket_gets_through_a_beat_over_http_counts_too(
    app: Flask, participant: Participant, study: Study
):
    interview = participant.consents(study)
    participant.arrives("laptop")
    answer = participant.client.post(
        f"{participant.room}/beats", json={"place": "laptop", "recording": True}
    )
    assert answer.json == {"here": True}
    db.session.refresh(interview)
    assert interview.heartbeat["recording"] is True


def test_whoever_came_by_a_link_is_out_at_the_next_heartbeat_after_it_was_revoked(
    app: Flask, interview: Interview
):
    link, token = ResumeLink.create(interview, validity=timedelta(weeks=1))
    db.session.commit()
    guest = Participant(app.test_client())
    guest.room = guest.client.post(f"/r/{token}").location
    guest.arrives()
    socket = connects(app, guest.client, interview)
    assert beats(socket, part=1) == {"here": True}
    assert beats(socket, part=1) == {"here": True}
    link.revoke()
    db.session.commit()
    assert beats(socket, part=1) == {"here": False}


def test_the_next_part_leaves_its_last_word_on_the_one_before(
    app: Flask, participant: Participant, study: Study
):
    interview = participant.consents(study)
    participant.arrives()
    participant.starts_part(key="one")
    socket = connects(app, participant.client, interview)
    for ms in (1_000, 3_000):
        beats(socket, part=1, ms=ms)
    participant.starts_part(key="two")
    beats(socket, part=2, ms=500)
    db.session.expire_all()
    assert [part.recorded_ms for part in interview.recording.parts] == [3_000, None]
    assert interview.heartbeat["ms"] == 500
