"""A participant that speaks plain HTTP, and what it uploads."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qualz.interview import Interview
from qualz.study import Study

SAMPLES = Path(__file__).parent.parent / "samples"


class Participant:
    """Somebody with a browser, known by what they can do."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.room = ""

    def agrees(self, study: Study, **ticked: str) -> TestResponse:
        """Reads the door's page and sends its form with these boxes ticked."""
        link = f"/i/{study.invitation.token}"
        shown = self.client.get(link).text.split('name="shown" value="')[1].split('"')[0]
        return self.client.post(link, data={"shown": shown, **ticked})

    def consents(self, study: Study) -> Interview:
        """To all that there is to agree to."""
        answer = self.agrees(study, consent="yes", camera="yes")
        assert answer.status_code == 303, answer.text
        self.room = answer.location
        return study.interviews[0] if study.interviews else None

    def arrives(self, place: str = "laptop", take_over: bool = False) -> TestResponse:
        return self.client.post(
            f"{self.room}/arrivals", json={"place": place, "takeOver": take_over}
        )

    def starts_part(
        self, key: str = "one", filetype: str = "audio/webm;codecs=opus", **metadata: str
    ) -> TestResponse:
        pairs = {"key": key, "filetype": filetype, **metadata}
        header = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items()
        )
        return self.client.post(
            f"{self.room}/parts",
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Defer-Length": "1",
                "Upload-Metadata": header,
            },
        )

    def sends(self, upload: str, data: bytes, at: int, **headers: str) -> TestResponse:
        return self.client.patch(
            upload,
            data=data,
            content_type="application/offset+octet-stream",
            headers={"Tus-Resumable": "1.0.0", "Upload-Offset": str(at), **headers},
        )

    def asks(self, upload: str) -> TestResponse:
        return self.client.head(upload, headers={"Tus-Resumable": "1.0.0"})

    def closes(self, upload: str, length: int, reason: str = "finished") -> TestResponse:
        return self.client.put(f"{upload}/closure", json={"length": length, "reason": reason})

    def uploads(self, data: bytes, **part: str) -> str:
        upload = self.starts_part(**part).location
        assert self.sends(upload, data, 0).status_code == 204
        assert self.closes(upload, len(data)).status_code == 204
        return upload


def checksum(data: bytes, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


@pytest.fixture
def participant(client: FlaskClient) -> Participant:
    return Participant(client)


@pytest.fixture
def upload(participant: Participant, study: Study) -> str:
    """The address of a part that a participant has just begun to send."""
    participant.consents(study)
    participant.arrives()
    location = participant.starts_part().location
    assert location
    return location


@pytest.fixture(scope="session")
def sound() -> bytes:
    return (SAMPLES / "chromium-opus.webm").read_bytes()


@pytest.fixture(scope="session")
def picture() -> bytes:
    return (SAMPLES / "chromium-vp8-opus.webm").read_bytes()
