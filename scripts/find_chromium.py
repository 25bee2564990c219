"""Prints where a real Chromium is, and brings one where there is none. Says why on stderr.

In this order: $CHROMIUM, the PATH, Debian's package when we are root, Playwright's own. Prints
nothing when there is none to be had; the browser tests are skipped then.
"""

from __future__ import annotations

import os
import subprocess  # nosec B404 # few may: see tests/test_architecture.py
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from set_up import apt_install

from qualz.tools import find_chromium


def main() -> None:
    named = os.environ.get("CHROMIUM")
    if named and not find_chromium(Path(named)):
        sys.exit(f"CHROMIUM names {named}, which is no program that can be run.")
    path = find_chromium(Path(named) if named else None) or from_debian() or from_playwright()
    if path:
        print(path)
    else:
        print(
            "\n*** No Chromium here, and none could be installed: THE BROWSER TESTS ARE SKIPPED.\n"
            "*** Install one (sudo apt-get install chromium) or name one in CHROMIUM.\n",
            file=sys.stderr,
        )


def from_debian() -> Path | None:
    path = find_chromium() if apt_install("chromium") else None
    # Ubuntu's package of this name is a stub that asks for snap.
    return path if path and runs(path) else None


def from_playwright() -> Path | None:
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    if not path.exists():
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(command, stdout=sys.stderr, check=False)  # nosec B603 # a list of words, and no shell
    return path if path.exists() else None


def runs(path: Path) -> bool:
    return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0  # nosec B603 # a list of words, and no shell


if __name__ == "__main__":
    main()
