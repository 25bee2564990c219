"""`qualz merge` is the background merge, by hand: a whole file and 0, or a reason and nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import av
import pytest
from click.testing import CliRunner, Result

from qualz.cli import main

SAMPLES = Path(__file__).parent / "samples"
SOUND, PICTURE = SAMPLES / "chromium-opus.webm", SAMPLES / "chromium-vp8-opus.webm"


def merges(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["merge", *map(str, arguments)])


def test_parts_become_one_file(tmp_path: Path):
    out = tmp_path / "session.webm"
    assert merges(SOUND, SOUND, "-o", out).exit_code == 0
    with av.open(str(out)) as merged:
        assert merged.duration / av.time_base == pytest.approx(12, abs=0.2)
    assert [path.name for path in tmp_path.iterdir()] == ["session.webm"]


def test_what_is_left_out_is_named_and_the_rest_is_merged(tmp_path: Path):
    out, report = tmp_path / "session.webm", tmp_path / "report.json"
    broken = tmp_path / "broken.webm"
    broken.write_bytes(b"not a recording")
    result = merges(PICTURE, broken, SOUND, "-o", out, "--report", report)
    assert result.exit_code == 0
    assert "Part 2 was left out" in result.stderr
    told = json.loads(report.read_text())
    assert [bool(part["left_out"]) for part in told["parts"]] == [False, True, False]
    assert out.exists()


def test_what_is_missing_in_the_middle_is_named_in_seconds(tmp_path: Path):
    out, report = tmp_path / "session.webm", tmp_path / "report.json"
    holed = tmp_path / "holed.webm"
    data = SOUND.read_bytes()
    holed.write_bytes(data[:50_000] + bytes(10_000) + data[60_000:])
    result = merges(SOUND, holed, "-o", out, "--report", report)
    assert result.exit_code == 0
    [line] = result.stderr.splitlines()
    assert re.fullmatch(
        r"qualz merge: Part 2: \d\.\d s are missing at 0:0\d\.\d: damaged on the way", line
    )
    _, told = json.loads(report.read_text())["parts"]
    [hole] = told["holes"]
    assert told["missing"] == hole["seconds"]
    assert hole["reason"] == "damaged on the way"


def test_what_cannot_be_merged_gives_one_line_and_no_file(tmp_path: Path):
    out, broken = tmp_path / "session.webm", tmp_path / "broken.webm"
    broken.write_bytes(b"not a recording")
    result = merges(broken, "-o", out)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "readable" in result.stderr
    assert list(tmp_path.iterdir()) == [broken]


def test_a_plan_is_printed_and_nothing_is_made(tmp_path: Path):
    result = merges(PICTURE, SOUND, "--plan")
    assert result.exit_code == 0
    assert "Part 1: 6.00 s, picture copied, sound copied" in result.output
    assert "Part 2: 6.00 s, picture slate, sound copied" in result.output
    assert list(tmp_path.iterdir()) == []


def test_without_a_name_for_the_result_nothing_is_done():
    result = merges(PICTURE)
    assert result.exit_code == 2
    assert "-o" in result.stderr


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path):
    result = merges(SOUND, "-o", tmp_path / "nowhere" / "session.webm")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
