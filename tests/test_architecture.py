"""Promises about the code itself: which way imports go, and who may touch what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
QUALZ = ROOT / "qualz"

# From the top down. A module may import from its own layer and from those below.
EDGES = [
    {"cli"},
    {"audit_command", "rotation_command", "simulate_command", "live_doctor"},
    {"doctor", "merging", "sampling", "backups", "simulation"},
    {"processes"},
    {"application"},
    {"dashboard", "room", "api", "jobs", "sweep", "worker"},
    {"core"},
    {"metrics"},
    {"limits"},
    {"broadcasts", "pages", "page_language", "preview", "scripts"}
    | {"auditing", "audit_rules", "audit_subject"}
    | {"readiness", "counting", "switchboard"},
    {"sending"},
]
DOMAIN = [
    {"trouble"},
    {"workload"},
    {
        "moderation",
        "moderators",
        "listeners",
        "voices",
        "speech",
        "export",
        "document",
        "captions",
        "codings",
    }
    | {
        "said",
        "guise",
        "removal",
        "shelving",
        "withdrawal",
        "deletion",
        "retention",
        "receipt",
        "promises",
        "dossier",
        "disclosure",
        "pseudonym",
        "bundle",
        "making",
        "packing",
        "project",
        "passages",
        "duplication",
        "overview",
    }
    | {"sample", "telling", "redacting", "taking_back"},
    {"mail", "delivery", "letter"},
    {"webhook"},
    {"notification", "headline"},
    {"excerpt"},
    {
        "comment",
        "correction",
        "highlight",
        "timing",
        "transcript",
        "presence",
        "growing",
        "tally",
        "interview",
        "attendance",
        "dialogue",
        "turn",
        "event",
        "hearing",
    }
    | {"personal_link"},
    {"merge", "preparation", "illustration", "rendition", "derivative"},
    {"erasing", "full_session"},
    {
        "redaction",
        "repetition",
        "recording",
        "part",
        "extent",
        "drop",
        "resume_link",
        "answers_link",
        "search",
        "tag",
        "happening",
    }
    | {"team", "team_invitation"},
    {
        "rules",
        "branching",
        "progress",
        "door",
        "passenger",
        "moderator",
        "recap",
        "conversation",
        "ai",
        "study",
    }
    | {"invitation", "consent", "guide", "stimuli", "guide_review", "dry_run", "personas"}
    | {"embedding", "reinvitation"},
    {"question", "phrases"},
    {"password_reset"},
    {
        "retried",
        "posted",
        "api_token",
        "study_access",
        "sign_in",
        "second_factor",
        "identity",
        "audit_entry",
    },
    {
        "mask",
        "researcher",
        "role",
        "service",
        "leased",
        "download",
        "forecast",
        "file_names",
        "manifest",
        "parcel",
        "signs",
        "people",
    },
]
GROUND = [
    {"together"},
    {"queues"},
    {
        "background",
        "database",
        "media",
        "tools",
        "tokens",
        "vault",
        "rotation",
        "post_office",
        "courier",
        "errors",
        "clock",
        "counts",
        "headroom",
        "lifeline",
        "logs",
        "passwords",
        "user_agent",
    },
    {"settings", "wording", "derived"},
    {"keys"},
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


def test_the_sides_never_meet():
    for side, other in permutations(("dashboard", "room", "api"), 2):
        for name, path in modules():
            if name == side:
                assert not [i for i in imports(path) if i.startswith(f"qualz.{other}.")], path
                assert f"qualz.{other}" not in imports(path), path


def test_the_domain_knows_no_request_no_socket_no_queue_and_no_process():
    foreign = {"flask", "flask_socketio", "socketio", "rq", "redis", "subprocess", "gevent"}
    for name, path in modules():
        if name in set.union(*DOMAIN):
            assert not {i.split(".")[0] for i in imports(path)} & foreign, path


def test_what_decides_knows_no_database_and_no_clock():
    for name, path in modules():
        if name in {"rules", "branching", "conversation", "moderator", "progress", "recap"} | {
            "guide_review",
            "dry_run",
            "personas",
        }:
            assert not set(imports(path)) & {"qualz.database", "qualz.clock", "time", "datetime"}
        if name == "ai":
            assert not {"qualz.database", "qualz.interview"} & set(imports(path)), path


def test_one_module_speaks_to_language_models():
    for _, path in modules():
        if "openai" in {i.split(".")[0] for i in imports(path)}:
            assert path.relative_to(QUALZ).as_posix() == "ai/endpoint.py"


def test_media_knows_nothing_of_the_rest():
    for name, path in modules():
        if name == "media":
            ours = {i for i in imports(path) if i.startswith("qualz.")}
            # The lifeline is of the operating system: it knows nothing of Qualz either.
            assert all(i.startswith(("qualz.media", "qualz.lifeline")) for i in ours), path


def test_few_may_start_processes():
    allowed = {"media/program.py", "processes/child.py", "doctor.py"}
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
