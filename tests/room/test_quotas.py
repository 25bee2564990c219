"""One interview may take so much and no more; what it has by then is kept, and it goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from qualz.part import EndReason
from qualz.study import Study
from tests.media import malice
from tests.room.conftest import Participant


@pytest.fixture
def allow(app: Flask):
    """What whoever runs the server allows an interview."""

    def allow(**limits: int) -> None:
        app.extensions["settings"] = replace(app.extensions["settings"], **limits)

    return allow


def test_bytes_end_where_the_limit_is_and_those_before_it_stay(
    upload: str, participant: Participant, study: Study, sound: bytes, allow
):
    allow(interview_bytes=20_000)
    assert participant.sends(upload, sound[:12_000], 0).status_code == 204
    assert participant.sends(upload, sound[12_000:20_000], 12_000).status_code == 204
    refused = participant.sends(upload, sound[20_000:20_001], 20_000)
    assert refused.status_code == 413
    assert refused.headers["Upload-Quota"] == "bytes"
    assert "20000 bytes" in refused.json["message"]
    assert "QUALZ_INTERVIEW_BYTES" in refused.json["message"]
    [part] = study.interviews[0].recording.parts
    assert (part.bytes_durable, part.end_reason) == (20_000, EndReason.LIMIT)
    assert participant.asks(upload).headers["Upload-Offset"] == "20000"
    assert participant.starts_part(key="two").headers["Upload-Quota"] == "bytes"
    assert participant.arrives().status_code == 200


def test_the_bytes_of_all_parts_count(upload: str, participant: Participant, sound: bytes, allow):
    allow(interview_bytes=20_000)
    participant.sends(upload, sound[:12_000], 0)
    another = participant.starts_part(key="two").location
    assert participant.sends(another, sound[:8_001], 0).status_code == 413
    assert participant.sends(another, sound[:8_000], 0).status_code == 204


def test_so_many_parts_and_no_more(upload: str, participant: Participant, allow):
    allow(interview_parts=2)
    second = participant.starts_part(key="two")
    refused = participant.starts_part(key="three")
    assert (refused.status_code, refused.headers["Upload-Quota"]) == (413, "parts")
    assert "at most 2 parts" in refused.json["message"]
    assert participant.starts_part(key="two").location == second.location


def test_hours_end_too(upload: str, participant: Participant, sound: bytes, allow):
    allow(interview_seconds=60)
    until = {"Recorded-Until": "60000"}
    assert participant.sends(upload, sound[:1000], 0, **until).status_code == 204
    refused = participant.sends(upload, sound[1000:1100], 1000, **{"Recorded-Until": "60001"})
    assert (refused.status_code, refused.headers["Upload-Quota"]) == (413, "seconds")
    assert participant.starts_part(key="two").headers["Upload-Quota"] == "seconds"


FOREIGN = {
    "a playlist": b"#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1/a.ts\n",
    "a text": b"dear server, this is just what I wanted to tell you, and it is no recording",
    "a picture": malice.png()[:100],
    "an archive": b"PK\x03\x04\x14",
    "a film of 17 tracks": malice.webm(*map(malice.opus_track, range(1, 18)), inside=b""),
    "a film that lies in other files": malice.mp4(
        malice.track_of_mp4(malice.full(b"url ", b"file:///etc/passwd\0"), 1000)
    ),
    "a film that lies in other files ": malice.mp4(
        malice.track_of_mp4(malice.alias("/etc/passwd"), 1000)
    ),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_no_recorder_made_is_refused_at_once_and_not_kept(
    what: str, upload: str, participant: Participant, study: Study
):
    refused = participant.sends(upload, FOREIGN[what], 0)
    assert refused.status_code == 415
    assert f"That is {what.strip()}." in refused.json["message"]
    assert participant.asks(upload).headers["Upload-Offset"] == "0"


def test_what_may_be_damaged_is_taken(upload: str, participant: Participant, sound: bytes):
    torn = bytes(100) + sound[100:5000]
    assert participant.sends(upload, torn, 0).status_code == 204
