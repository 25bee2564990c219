"""The three commands, as somebody at a terminal uses them beside a server that runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.processes.conftest import ROOT, Deployment


def at_the_terminal(deployment: Deployment, *words: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "qualz.cli", *words],
        cwd=ROOT,
        env={**deployment.environment, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_backup_is_taken_beside_it_and_comes_back_elsewhere(running: Deployment, tmp_path: Path):
    code, said = at_the_terminal(running, "backup", str(tmp_path / "backups"))
    assert code == 0, said
    [backup] = (tmp_path / "backups").iterdir()
    assert f"qualz restore {backup}" in said
    code, said = at_the_terminal(running, "restore", str(backup))
    assert (code, "Stop it first" in said) == (1, True)
    elsewhere = {"QUALZ_DATA": str(tmp_path / "new")}
    code, said = at_the_terminal(running, "restore", str(backup), **elsewhere)
    assert code == 0, said
    assert at_the_terminal(running, "reconcile", **elsewhere)[0] == 0
    code, said = at_the_terminal(running, "restore", str(backup), **elsewhere)
    assert (code, "is not empty" in said) == (1, True)
