"""Promises about the code itself: which way imports go, and who may touch what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
QUALZ = ROOT / "qualz"

# From the top down. A module may import from its own layer and from those below.
EDGES = [
    {"cli"},
    {"doctor", "worker", "merging"},
    {"processes"},
    {"application"},
    {"dashboard", "room", "jobs", "sweep"},
    {"broadcasts", "pages"},
]
DOMAIN = [
    {"transcript", "presence", "tally", "merge", "interview", "turn", "moderator", "ai"},
    {"recording", "part", "drop", "resume_link"},
    {"study", "invitation", "guide", "researcher"},
]
GROUND = [
    {"background", "database", "media", "tools", "tokens", "errors", "clock", "lifeline"},
    {"settings"},
]
HEIGHT = {name: -depth for depth, layer in enumerate([*EDGES, *DOMAIN, *GROUND]) for name in layer}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(QUALZ.rglob("*.py")):
        if path != QUALZ / "__init__.py":
            yield path.relative_to(QUALZ).with_suffix("").parts[0], path


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a module imports, but for those that only type checkers read."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "qualz":
                yield from (f"qualz.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_every_module_has_its_layer():
    assert {name for name, _ in modules()} <= set(HEIGHT)


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: str(value))
def test_imports_go_down_only(name: str, path: Path):
    for imported in imports(path):
        if imported.startswith("qualz."):
            below = imported.split(".")[1]
            assert HEIGHT[below] <= HEIGHT[name], f"{name} imports {below}"


def test_the_two_sides_never_meet():
    for side, other in (("dashboard", "room"), ("room", "dashboard")):
        for name, path in modules():
            if name == side:
                assert not [i for i in imports(path) if i.startswith(f"qualz.{other}")], path


def test_the_domain_knows_no_request_no_socket_no_queue_and_no_process():
    foreign = {"flask", "flask_socketio", "socketio", "rq", "redis", "subprocess", "gevent"}
    for name, path in modules():
        if name in set.union(*DOMAIN):
            assert not {i.split(".")[0] for i in imports(path)} & foreign, path


def test_media_knows_nothing_of_the_rest():
    for name, path in modules():
        if name == "media":
            ours = {i for i in imports(path) if i.startswith("qualz.")}
            # The lifeline is of the operating system: it knows nothing of Qualz either.
            assert all(i.startswith(("qualz.media", "qualz.lifeline")) for i in ours), path


def test_few_may_start_processes():
    allowed = {"media/ffmpeg.py", "processes/child.py", "doctor.py"}
    for _, path in modules():
        if "subprocess" in {i.split(".")[0] for i in imports(path)}:
            assert path.relative_to(QUALZ).as_posix() in allowed


def test_only_the_settings_read_the_environment():
    allowed = {"settings.py", "tools.py", "processes/child.py"}
    for _, path in modules():
        if "os.environ" in path.read_text() or "getenv" in path.read_text():
            assert path.relative_to(QUALZ).as_posix() in allowed


def test_no_module_outgrows_its_readers():
    for path in [*QUALZ.rglob("*.py"), *(ROOT / "static" / "js").rglob("*.js")]:
        assert len(path.read_text().splitlines()) <= 400, path


def test_pages_load_nothing_from_other_hosts():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert 'src="http' not in text, path
        assert 'href="http' not in text, path
