"""What was measured, beside what is to be reached; kept in `bench/results.json`.

Each figure names the run that it is of, with its date, commit, machine and versions: what a run
leaves out stays as an earlier one found it. Small and full runs are kept apart.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.machine import ROOT, commit, machine, versions
from tests.bench.table import Table
from tests.bench.targets import TARGETS, Figures, Target

KEPT = ROOT / "bench" / "results.json"


class Results:
    """The figures of this run and of those before it."""

    def __init__(self, *, full: bool, path: Path = KEPT) -> None:
        self.extent = "full" if full else "small"
        self._path = path
        self._now = datetime.now(UTC).isoformat(timespec="milliseconds")
        held = json.loads(path.read_text()) if path.exists() else {}
        self._runs: dict[str, Any] = held.get("runs", {})
        self._figures: dict[str, dict[str, Any]] = held.get("figures", {})
        self._runs[self._now] = {
            "commit": commit(),
            "extent": self.extent,
            # How many processors others wanted before anything was measured.
            "wanted_before": round(os.getloadavg()[0], 2),
            "machine": machine(),
            "versions": versions(),
        }

    def note(self, figures: Figures) -> None:
        """Keep them at once: the measurements that follow take minutes and may be interrupted."""
        for name, value in figures.items():
            target = TARGETS[name]
            self._figures.setdefault(name, {})[self.extent] = {
                "what": target.what,
                "measured": round(value, 4),
                "to_reach": target.most,
                "unit": target.unit,
                "is_reached": target.is_reached(value),
                "run": self._now,
            }
        self._write()

    def _write(self) -> None:
        used = {one["run"] for kept in self._figures.values() for one in kept.values()}
        told = {
            "runs": {run: told for run, told in sorted(self._runs.items()) if run in used},
            "figures": {name: self._figures[name] for name in TARGETS if name in self._figures},
        }
        self._path.parent.mkdir(exist_ok=True)
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        written.replace(self._path)

    def show(self) -> None:
        table = Table(
            f"All that is to be reached ({self.extent} run)",
            *("what", "measured", "to reach", "reached?"),
        )
        for name, target in TARGETS.items():
            most = f"≤ {target.written(target.most)}" if target.most else "0"
            kept = self._figures.get(name, {}).get(self.extent)
            table.add(target.what, *_told(target, kept, most, self._now))
        table.note(
            f"Kept in {os.path.relpath(self._path, ROOT)}, with machine, versions and commit."
        )
        if self.extent == "small":
            table.note("A small run measures less of it: minutes for hours, 2,000 for 10,000.")
        table.show()


def _told(target: Target, kept: dict[str, Any] | None, most: str, now: str) -> tuple[str, str, str]:
    if kept is None:
        needs = ": FULL=1" if target.needs_full else ""
        return "–", most, f"not measured{needs or ' in this run'}"
    verdict = "yes" if kept["is_reached"] else _missed_by(target, kept["measured"])
    measured = target.written(kept["measured"])
    if kept["run"] == now:
        return measured, most, verdict
    return "–", most, f"not measured in this run; {kept['run'][:10]}: {measured}, {verdict}"


def _missed_by(target: Target, figure: float) -> str:
    return f"no, {figure / target.most:.1f} ×" if target.most else "no"
