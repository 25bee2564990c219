"""A PostgreSQL of the tests' own, on a socket in a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Where Debian puts them, which is not on the PATH; else wherever they are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """Answers the address of its empty database. It keeps nothing, so it need not be careful."""
    # It runs under no root; and a socket's path has to be short.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )

    data = str(folder / "data")
    careless = "-c fsync=off -c full_page_writes=off"
    try:
        run("initdb", "--pgdata", data, "--username=qualz", "--auth=trust", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' {careless}"
        run("pg_ctl", "--pgdata", data, "--wait", "--options", options, "start")
        try:
            run("createdb", "--host", str(folder), "--username=qualz", "qualz")
            yield f"postgresql+psycopg://qualz@/qualz?host={folder}"
        finally:
            run("pg_ctl", "--pgdata", data, "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
