"""What `make bench` keeps: each figure beside its target, and of earlier runs what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.__main__ import MEASUREMENTS
from tests.bench.results import Results
from tests.bench.targets import TARGETS


def test_some_measurement_answers_each_target() -> None:
    assert {target.by for target in TARGETS.values()} <= set(MEASUREMENTS)


def test_a_run_changes_its_own_figures_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.json"
    Results(full=True, path=path).note({"merge": 0.5, "packets": 0.0})
    first = json.loads(path.read_text())["figures"]
    later = Results(full=True, path=path)
    later.note({"merge": 3.0})
    Results(full=False, path=path).note({"merge": 7.0})

    kept = json.loads(path.read_text())
    assert kept["figures"]["packets"] == first["packets"]
    assert kept["figures"]["merge"]["full"]["is_reached"] is False
    assert kept["figures"]["merge"]["small"]["measured"] == 7.0
    run = kept["runs"][kept["figures"]["merge"]["full"]["run"]]
    assert {"commit", "machine", "versions"} <= set(run)

    later.show()
    shown = capsys.readouterr().out
    assert "3 ×" in shown
    assert "no, 2.0 ×" in shown
    assert "not measured in this run" in shown
