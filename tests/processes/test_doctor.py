"""`qualz doctor` says what is wrong and what to do, and breaks nothing by looking."""

from __future__ import annotations

import io
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from qualz.doctor import Finding, State, examine, print_report
from qualz.settings import Settings
from tests.processes.conftest import free_port
from tests.store import Bucket


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path,
        database_url=f"sqlite:///{tmp_path / 'qualz.db'}",
        secret_key="only-for-tests-" * 3,
        port=free_port(),
    )


def find(name: str, settings: Settings) -> Finding:
    return next(finding for finding in examine(settings) if finding.name == name)


def test_a_fresh_machine_has_no_problem_and_stays_as_it_was(settings: Settings) -> None:
    findings = examine(settings)
    assert [finding for finding in findings if finding.state is State.PROBLEM] == []
    assert find("database", settings).text == "not there yet; `make run` makes it"
    assert list(settings.data.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("Redis", {"redis_url": "redis://:hush@127.0.0.1:1"}, "REDIS_URL"),
        ("ffmpeg", {"ffmpeg": Path("/nowhere/ffmpeg")}, "FFMPEG names /nowhere/ffmpeg"),
        ("data", {"data": Path("/nowhere/var")}, "cannot be written"),
        ("database", {"database_url": "postgresql://a:hush@127.0.0.1:1/b"}, "DATABASE_URL"),
        ("port", {"host": "no-such-host.invalid"}, "QUALZ_HOST"),
    ],
)
def test_a_problem_names_the_setting_and_no_password(
    settings: Settings, name: str, change: dict[str, object], words: str
) -> None:
    finding = find(name, replace(settings, **change))
    assert finding.state is State.PROBLEM
    assert words in finding.text
    assert "hush" not in finding.text


def test_a_taken_port_is_a_problem(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        finding = find("port", replace(settings, port=port))
    assert finding.state is State.PROBLEM
    assert f"Port {port} is taken" in finding.text


def test_an_ffmpeg_without_our_encoders_is_a_problem(settings: Settings, tmp_path: Path) -> None:
    lean = tmp_path / "ffmpeg"
    lean.write_text("#!/bin/sh\necho ffmpeg version lean\necho ' A....D aac  AAC'\n")
    lean.chmod(lean.stat().st_mode | stat.S_IXUSR)
    finding = find("ffmpeg", replace(settings, ffmpeg=lean))
    assert finding.state is State.PROBLEM
    assert "cannot write libvpx, libvpx-vp9, libopus, libx264." in finding.text


@pytest.mark.parametrize(
    ("address", "state"),
    [
        (None, State.OK),
        ("https://research.example.org", State.OK),
        ("http://127.0.0.1:8000", State.OK),
        ("http://research.example.org", State.WARNING),
        ("http://192.168.1.5:8000", State.WARNING),
    ],
)
def test_browsers_give_the_microphone_only_to_secure_addresses(
    settings: Settings, address: str | None, state: State
) -> None:
    assert find("secure context", replace(settings, public_url=address)).state is state


def test_the_report_is_a_line_each_and_fails_for_a_problem_alone() -> None:
    fine = Finding("Python", State.OK, "3.11")
    odd = Finding("data", State.WARNING, "little space")
    bad = Finding("Redis", State.PROBLEM, "none found")
    out = io.StringIO()
    assert print_report([fine, odd], out) == 0
    assert print_report([bad], out) == 1
    assert out.getvalue() == (
        "ok       Python: 3.11\nwarning  data: little space\nproblem  Redis: none found\n"
    )


@pytest.mark.parametrize(
    ("hearing", "state", "words"),
    [
        ("pocketsphinx", State.OK, "pocketsphinx puts spoken answers into words"),
        ("none", State.OK, "nobody on this server"),
        ("another-engine", State.WARNING, "is not installed"),
    ],
)
def test_it_says_who_hears(settings: Settings, hearing: str, state: State, words: str) -> None:
    found = find("hearing", replace(settings, hearing=hearing))
    assert found.state is state
    assert words in found.text


@pytest.mark.parametrize(
    ("speaking", "state", "words"),
    [
        ("flite", State.OK, "flite at "),
        ("espeak-ng", State.WARNING, "is not installed, so browsers speak"),
        ("none", State.OK, "the participants' browsers do"),
    ],
)
def test_it_says_who_speaks(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    speaking: str,
    state: State,
    words: str,
) -> None:
    flite = tmp_path / "flite"
    flite.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find("speaking", replace(settings, speaking=speaking))
    assert found.state is state
    assert words in found.text


def test_a_bucket_is_tried_by_putting_a_file_there(settings: Settings, bucket: Bucket) -> None:
    found = find("bucket", bucket.of(settings))
    assert (found.state, bucket.names) == (State.OK, [])
    away = replace(bucket.of(settings), s3_bucket="nobodys")
    found = find("bucket", away)
    assert found.state is State.PROBLEM
    assert "NoSuchBucket" in found.text
