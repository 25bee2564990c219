"""Simulated participants on a real server: all that it acknowledged is there, byte by byte."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qualz.api_token import ApiToken
from qualz.core import create_core
from qualz.database import db
from qualz.guide import Question
from qualz.settings import Settings
from qualz.study import Study
from tests.conftest import add_researcher
from tests.postgresql import postgresql, programs
from tests.processes.conftest import ROOT, Deployment, eventually
from tests.processes.conftest import needs_redis as needs_redis
from tests.store import Bucket


@pytest.fixture(scope="module")
def deployment(needs_redis: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    quiet = {"QUALZ_HEARING": "none", "QUALZ_SPEAKING": "none"}
    deployment = Deployment(tmp_path_factory.mktemp("qualz"), **quiet).start()
    yield deployment
    deployment.end()


@pytest.fixture(scope="module")
def link(deployment: Deployment) -> str:
    return link_of(deployment)


def link_of(deployment: Deployment) -> str:
    """Ada's study; her token for the API lies beside the data."""
    settings = Settings.from_env(deployment.environment)
    with create_core(settings).app_context():
        study = Study.start(add_researcher("Ada", "ada@example.org"), title="Load")
        study.revise_guide([Question(id=f"q{n}", text=f"What is {n}?") for n in range(9)])
        study.open()
        _, token = ApiToken.create(study.researcher, "simulate", validity=None)
        db.session.commit()
        (deployment.data / "token").write_text(token)
        path = f"/i/{study.invitation.token}"
        db.engine.dispose()
    return f"http://127.0.0.1:{deployment.port}{path}"


@pytest.mark.parametrize("many", [50])
def test_nothing_that_was_acknowledged_to_participants_is_lost(
    deployment: Deployment, link: str, tmp_path: Path, many: int
) -> None:
    told = tmp_path / "report.json"
    counts = ["--participants", str(many), "--seconds", "18", "--drops", "3", "--longest-drop", "8"]
    checks = ["--here", "--token-file", str(deployment.data / "token"), "--report", str(told)]
    done = subprocess.run(
        [sys.executable, "-m", "qualz.cli", "simulate", link, *counts, *checks],
        cwd=ROOT,
        env=deployment.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(told.read_text())
    assert report["participants"] | {"answers": 0} == {
        "wanted": many,
        "entered": many,
        "ended": many,
        "answers": 0,
    }
    bytes_ = report["bytes"]
    assert (bytes_["lost"], bytes_["waiting"]) == (0, 0)
    assert bytes_["recorded"] == bytes_["acknowledged"] > many * 8 * 5000
    # Both ways of looking saw all of it.
    assert [kept["held"] for kept in report["checked"]] == [bytes_["acknowledged"]] * 2
    assert set(report["outages"]) == {"closed", "cut", "silent"}
    assert report["drops"]["missed"] == 0
    assert "the simulator itself" not in done.stdout


@pytest.fixture
def grown_up(
    needs_redis: None, bucket: Bucket, tmp_path: Path
) -> Iterator[tuple[Deployment, Bucket]]:
    """Two web processes, PostgreSQL, and recordings in a bucket."""
    found = programs()
    assert found, "no PostgreSQL is installed: apt-get install postgresql"
    quiet = {"QUALZ_HEARING": "none", "QUALZ_SPEAKING": "none", "WEB": "2"}
    with postgresql(found) as url:
        told = {"DATABASE_URL": url, **quiet, **bucket.environment}
        deployment = Deployment(tmp_path / "qualz", **told).start()
        yield deployment, bucket
        deployment.end()


def test_nothing_is_lost_on_the_way_to_a_bucket(
    grown_up: tuple[Deployment, Bucket], tmp_path: Path
) -> None:
    deployment, bucket = grown_up
    link, report = link_of(deployment), tmp_path / "report.json"
    counts = ["--participants", "8", "--seconds", "8", "--drops", "4", "--longest-drop", "4"]
    checks = ["--here", "--token-file", str(deployment.data / "token"), "--report", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "qualz.cli", "simulate", link, *counts, *checks],
        cwd=ROOT,
        env=deployment.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(report.read_text())
    assert (told["bytes"]["lost"], told["bytes"]["waiting"]) == (0, 0)
    assert [kept["where"] for kept in told["checked"]] == ["the API"]
    assert told["checked"][0]["held"] == told["bytes"]["acknowledged"]
    spool = deployment.data / "media" / "interviews"
    eventually(lambda: not list(spool.glob("*/part-*")))
    parts = [name for name in bucket.names if "/part-" in name]
    assert sum(len(bucket.read(name)) for name in parts) == told["bytes"]["acknowledged"]
    # And the workers take it from there.
    eventually(lambda: [name for name in bucket.names if "/full-session" in name], within=60)
    assert "Traceback" not in deployment.logs()


def test_who_cannot_get_in_is_told_of(deployment: Deployment) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "qualz.cli", "simulate"),
            *(f"http://127.0.0.1:{deployment.port}/i/nobody", "--participants", "1"),
            *("--seconds", "1", "--arrivals", "100"),
        ],
        cwd=ROOT,
        env=deployment.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "404 instead of the page to agree on" in done.stdout
