"""Simulated participants who lose their networks: what of their recordings the server has lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.people import found_study
from tests.bench.servers import ROOT, folder, qualz
from tests.bench.table import Table
from tests.bench.targets import Figures
from tests.e2e.server import Server


def measure(*, full: bool) -> Figures:
    count, seconds = (1000, 120) if full else (30, 20)
    # Each comes from an address of its own, or the door would take them for a flood.
    with folder() as place, qualz(QUALZ_PROXIES="1") as server:
        report = _report(server, place / "report.json", count, seconds)
    drops, sizes = report["drops"], report["bytes"]
    table = Table(
        f"{count:,} simulated participants for {seconds} s, each a second of sound every second",
        *("", "p50", "p99", "longest"),
    )
    for what in ("chunks", "heartbeats"):
        told = report[f"{what}_acknowledged_after_ms"]
        table.add(f"{what} acknowledged, ms", told["p50"], told["p99"], told["longest"])
    told = drops["noticed_after_ms"]
    table.add("drops noticed, ms", told["p50"], told["p99"], told["longest"])
    people = report["participants"]
    table.note(f"{people['entered']:,} of {people['wanted']:,} got in; {sum_of(report)} outages.")
    table.note(f"{sizes['acknowledged']:,} bytes acknowledged, {sizes['lost']:,} of them lost.")
    table.note(f"{drops['missed']} of {drops['outages_of_6_s_or_more']} drops of 6 s not noticed.")
    table.show()
    return {"acknowledged": float(sizes["lost"]), "missed drops": float(drops["missed"])}


def sum_of(report: dict[str, dict[str, int]]) -> int:
    return sum(report["outages"].values())


def _report(server: Server, path: Path, count: int, seconds: int) -> dict[str, dict[str, int]]:
    link = f"{server.url}{found_study(server).link}"
    command = [sys.executable, "-m", "qualz.cli", "simulate", link, "--here", "--many-addresses"]
    command += ["--participants", str(count), "--seconds", str(seconds), "--drops", "1"]
    environment = {**os.environ, "QUALZ_DATA": str(server.data), "PORT": str(server.port)}
    done = subprocess.run(
        [*command, "--report", str(path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds + 400,
        check=False,
    )
    assert path.exists(), done.stderr[-500:]
    told: dict[str, dict[str, int]] = json.loads(path.read_text())
    return told
