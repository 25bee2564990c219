"""Set-up is repeatable: exact versions, no download addresses, and nothing done twice."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.processes.conftest import ROOT


@pytest.fixture(scope="module")
def set_up() -> ModuleType:
    spec = importlib.util.spec_from_file_location("set_up", ROOT / "scripts" / "set_up.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_version_is_exact() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    for version in (package["dependencies"] | package["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    for requirement in [*project["dependencies"], *(word for extra in extras for word in extra)]:
        assert re.fullmatch(r"[\w\[\],-]+==[\w.]+", requirement), requirement


def test_the_lock_file_names_no_address_but_every_content() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert packages
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert "integrity" in package, name


def test_a_step_is_done_again_when_its_sources_change(set_up: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "pyproject.toml"
    source.write_text("one")

    def stamp() -> object:
        return set_up.Stamp(tmp_path / "stamp.json", [source])

    assert not stamp().covers(set())
    stamp().write({"dev"})
    assert stamp().covers({"dev"})
    assert stamp().covers(set())
    assert not stamp().covers({"redis-bundled"})
    source.write_text("two")
    assert not stamp().covers(set())
    assert stamp().parts_before() == {"dev"}


def test_a_second_set_up_does_nothing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "scripts/set_up.py", "test"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""


def test_the_pages_find_what_they_need() -> None:
    vendor = ROOT / "static" / "vendor"
    for name in ("htmx.min.js", "socket.io.esm.min.js"):
        assert (vendor / name).stat().st_size > 10_000
    for name in json.loads((ROOT / "scripts" / "icons.json").read_text()):
        assert "<svg" in (vendor / "icons" / f"{name}.svg").read_text()


def test_every_icon_that_a_page_names_is_installed_and_no_other() -> None:
    named: set[str] = set()
    for template in (ROOT / "templates").rglob("*.html"):
        for call in re.findall(r"icon\(([^)]*)\)", template.read_text()):
            named |= set(re.findall(r"""["']([a-z0-9-]+)["']""", call))
    listed = set(json.loads((ROOT / "scripts" / "icons.json").read_text()))
    assert named <= listed
    views = "".join(view.read_text() for view in (ROOT / "qualz" / "dashboard").glob("*.py"))
    assert [name for name in listed - named if f'"{name}"' not in views] == []
