"""A tus client that knows nothing of Qualz can talk to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.plain import PlainParticipant
from tests.e2e.server import ROOT, Server

SOUND = ROOT / "tests" / "samples" / "chromium-opus.webm"
# Where set-up puts Node when the system has none.
PATH = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def participant(server: Server, link: str) -> PlainParticipant:
    return PlainParticipant(server, link)


def runs(what: str, participant: PlainParticipant, upload: str = "") -> dict[str, Any]:
    node = shutil.which("node", path=PATH)
    assert node, "make test brings Node"
    done = subprocess.run(
        [
            node,
            Path(__file__).with_name("tus_client.mjs"),
            what,
            f"{participant.server.url}{participant.room}/parts",
            participant.cookie["Cookie"],
            SOUND,
            f"{participant.server.url}{upload}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def stored(server: Server) -> list[bytes]:
    folder = server.data / "media" / "interviews"
    return [path.read_bytes() for path in folder.glob("*/part-*")]


@pytest.mark.parametrize("what", ["upload", "resume", "deferred", "overridden", "eager"])
def test_it_uploads_whole(what: str, server: Server, participant: PlainParticipant):
    told = runs(what, participant)
    assert told.get("same", True)
    assert SOUND.read_bytes() in stored(server)
    [(closed, length)] = server.ask(
        "SELECT closed_at, length FROM parts WHERE public_id = ?", told["url"].rpartition("/")[2]
    )
    assert closed
    assert length == SOUND.stat().st_size


def test_it_goes_on_where_another_request_is_stalled(server: Server, participant: PlainParticipant):
    upload = participant.starts_part()
    begun = SOUND.read_bytes()[:5000]
    with participant.dribbles(upload, begun, **{"Upload-Checksum": ""}):
        told = runs("go-on", participant, upload)
    assert told["same"]
    [path] = server.data.glob(f"media/interviews/*/part-*{upload.rpartition('/')[2]}*")
    assert path.read_bytes() == SOUND.read_bytes()


def test_it_takes_back_what_it_began(server: Server, participant: PlainParticipant):
    before = len(stored(server))
    runs("terminate", participant)
    assert len(stored(server)) == before
