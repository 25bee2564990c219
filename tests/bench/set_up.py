"""From `git clone` to the sign-in page. Downloads what it needs, so it is left to full runs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from tests.bench.servers import ROOT, folder
from tests.bench.table import Table, seconds
from tests.bench.targets import Figures
from tests.e2e.server import eventually, free_port

PATIENCE = 600.0


def measure(*, full: bool) -> Figures:
    if not full:
        return {}
    table = Table("From nothing to the sign-in page", "", "took")
    with folder() as place:
        clone, port = place / "qualz", free_port()
        began = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        unsaid = ("QUALZ_DATA", "VIRTUAL_ENV", "PYTHONPATH", "REDIS_URL", "DATABASE_URL")
        environment = {name: value for name, value in os.environ.items() if name not in unsaid}
        with (place / "log").open("wb") as log:
            running = subprocess.Popen(
                ["make", "run"],
                cwd=clone,
                env={**environment, "PORT": str(port)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            eventually(lambda: _shows(port), within=PATIENCE, what="the sign-in page")
            took = time.monotonic() - began
        finally:
            os.killpg(running.pid, signal.SIGINT)
            running.wait(60)
    table.add("git clone, make run, page", seconds(took))
    table.note("Pip's and npm's caches of this machine are used as they are.")
    table.show()
    return {"set-up": took}


def _shows(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
