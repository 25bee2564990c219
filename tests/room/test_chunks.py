"""The common chunk: it costs little, and says and does what any other append does."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from qualz import clock
from qualz.database import db
from qualz.media.storage import Storage
from qualz.part import HEADER, EndReason, Part
from qualz.room.pace import Pace
from tests.queries import asked
from tests.room.conftest import Participant, checksum

MORE = b"more of it"


@pytest.fixture
def begun(upload: str, participant: Participant, sound: bytes) -> str:
    """An upload whose header is there."""
    body = (sound * (HEADER // len(sound) + 1))[:HEADER]
    assert participant.sends(upload, body, 0, **{"Recorded-Until": "8000"}).status_code == 204
    return upload


def sends_more(participant: Participant, upload: str, at: int = HEADER, **headers: str):
    told = {"Upload-Checksum": checksum(MORE), "Recorded-Until": "9000", **headers}
    return participant.sends(upload, MORE, at, **told)


def the_part() -> Part:
    db.session.expire_all()
    return db.session.query(Part).one()


def test_it_is_one_question_and_two_updates(begun: str, participant: Participant):
    two_seconds_on = clock.now() + timedelta(seconds=2)
    with time_machine.travel(two_seconds_on, tick=False), asked() as statements:
        answer = sends_more(participant, begun)
    # PostgreSQL is told by a SET that the commit need not wait.
    words = [word for word in (one.split()[0] for one in statements) if word != "SET"]
    assert words == ["SELECT", "UPDATE", "UPDATE"]
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(HEADER + len(MORE)))
    assert answer.headers["Upload-Expires"]
    part = the_part()
    assert (part.bytes_durable, part.stored_ms) == (HEADER + len(MORE), 9000)
    assert part.last_byte_at == part.recording.interview.last_seen_at == two_seconds_on
    # Without a checksum it is looked at closer, and answered alike.
    closer = participant.sends(begun, MORE, HEADER + len(MORE))
    assert {*closer.headers.keys()} == {*answer.headers.keys()}


def test_what_is_not_quite_so_is_refused_as_ever(app: Flask, begun: str, participant: Participant):
    assert sends_more(participant, begun, HEADER - 1).status_code == 409
    wrong = {"Upload-Checksum": checksum(b"something else")}
    assert sends_more(participant, begun, **wrong).status_code == 460
    assert sends_more(Participant(app.test_client()), begun).status_code == 403
    assert the_part().bytes_durable == HEADER


@pytest.mark.parametrize("missing", [0, 5])
def test_its_end_may_be_declared_while_the_disk_is_waited_for(
    app: Flask, begun: str, participant: Participant, missing: int
):
    length = HEADER + len(MORE) + missing

    def meanwhile(blocking):
        app.extensions["storage"] = whole
        assert participant.closes(begun, length).status_code == 204
        return blocking()

    whole = app.extensions["storage"]
    app.extensions["storage"] = Storage(whole.root, offload=meanwhile)
    assert sends_more(participant, begun).status_code == 204
    part = the_part()
    assert (part.bytes_durable, part.is_open) == (HEADER + len(MORE), missing > 0)
    assert part.end_reason is EndReason.FINISHED


def test_it_may_be_deleted_while_the_disk_is_waited_for(
    app: Flask, begun: str, participant: Participant
):
    def meanwhile(blocking):
        app.extensions["storage"] = whole
        db.session.query(Part).delete()
        db.session.commit()
        return blocking()

    whole = app.extensions["storage"]
    app.extensions["storage"] = Storage(whole.root, offload=meanwhile)
    assert sends_more(participant, begun).status_code == 404
    assert list(whole.root.rglob("part-*")) == []


def test_a_picture_is_not_smuggled_in_behind_a_header_of_sound(
    app: Flask, upload: str, participant: Participant, sound: bytes, picture: bytes
):
    """What the tracks are is told within the first bytes, which may come in several chunks."""
    assert participant.sends(upload, sound[:100], 0).status_code == 204
    told = {"Upload-Checksum": checksum(picture[:5000])}
    answer = participant.sends(upload, picture[:5000], 100, **told)
    assert answer.status_code == 415
    assert the_part().bytes_durable == 100
    told = {"Upload-Checksum": checksum(sound[100:5000])}
    assert participant.sends(upload, sound[100:5000], 100, **told).status_code == 204


def test_a_busy_process_asks_for_fewer_chunks_with_more_in_each():
    wall, busy = 0.0, 0.0
    pace = Pace(busy=lambda: busy, wall=lambda: wall)

    def passes(seconds: float, *, share: float) -> float:
        nonlocal wall, busy
        for _ in range(round(seconds)):
            wall, busy = wall + 1, busy + share
            told = pace.seconds
        return told

    assert passes(10, share=0.7) == 0
    risen = [passes(1, share=0.95) for _ in range(8)]
    assert risen == sorted(risen)
    assert (risen[0], risen[-1]) == (1.25, 4.0)
    # In between it stays as it is: there it is right.
    assert passes(30, share=0.6) == 4.0
    assert 0 < passes(3, share=0.3) < 4.0
    assert passes(20, share=0.3) == 0


def test_the_pace_is_told_with_each_chunk(app: Flask, begun: str, participant: Participant):
    assert "Upload-Pace" not in sends_more(participant, begun).headers
    app.extensions["pace"]._seconds = 2.5
    at = HEADER + len(MORE)
    assert sends_more(participant, begun, at).headers["Upload-Pace"] == "2.50"
    closer = participant.sends(begun, MORE, at + len(MORE))
    assert closer.headers["Upload-Pace"] == "2.50"
