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


def runs(what: str, participant: PlainParticipant) -> dict[str, Any]:
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


@pytest.mark.parametrize("what", ["upload", "resume", "deferred"])
def test_it_uploads_whole(what: str, server: Server, participant: PlainParticipant):
    told = runs(what, participant)
    assert told.get("same", True)
    assert SOUND.read_bytes() in stored(server)
    [(closed, length)] = server.ask(
        "SELECT closed_at, length FROM parts WHERE public_id = ?", told["url"].rpartition("/")[2]
    )
    assert closed
    assert length == SOUND.stat().st_size


def test_it_takes_back_what_it_began(server: Server, participant: PlainParticipant):
    before = len(stored(server))
    runs("terminate", participant)
    assert len(stored(server)) == before
