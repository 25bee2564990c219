"""The files in deploy/ say what is so: settings, ports, limits, commands and lines of work."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from qualz.background import LINES
from qualz.cli import main
from qualz.settings import MEBIBYTE, Settings
from qualz.stimuli import LARGEST

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
READ = (ROOT / "qualz" / "settings.py").read_text()
KNOWN = set(re.findall(r'"((?:QUALZ_\w+|DATABASE_URL|REDIS_URL|PORT|FFMPEG))"', READ))
# Only Compose and Caddy read these.
THEIRS = {"QUALZ_DOMAIN", "QUALZ_VERSION", "POSTGRES_PASSWORD"}
# And these only boto3.
STORES = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())


def text(name: str) -> str:
    return (DEPLOY / name).read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(text("compose.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_is_named_is_read(path: Path) -> None:
    named = set(re.findall(r"\b(?:QUALZ_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", path.read_text()))
    assert named <= KNOWN | THEIRS


def test_compose_sets_no_other_and_asks_for_what_the_example_names(
    compose: dict[str, Any],
) -> None:
    for name in ("app", "workers"):
        assert set(compose["services"][name]["environment"]) <= KNOWN | STORES
    asked = set(re.findall(r"\$\{(\w+):\?", text("compose.yaml")))
    assert asked <= set(re.findall(r"^(\w+)=", text("env.example"), re.MULTILINE))


def test_all_speak_of_one_port(tmp_path: Path) -> None:
    port = Settings.from_env({"QUALZ_DATA": str(tmp_path)}).port
    said = [
        *re.findall(r"127\.0\.0\.1:(\d+)|EXPOSE (\d+)|PORT=(\d+)", text("Dockerfile")),
        *re.findall(r'PORT: "(\d+)"', text("compose.yaml")),
        *re.findall(r"reverse_proxy app:(\d+)", text("Caddyfile")),
        *re.findall(r"server 127\.0\.0\.1:(\d+)", text("nginx.conf")),
        *re.findall(r"PORT=(\d+)", text("qualz.service")),
    ]
    numbers = ["".join(one) if isinstance(one, tuple) else one for one in said]
    assert len(numbers) == 7
    assert set(numbers) == {str(port)}


def test_services_that_are_waited_for_are_there_and_say_how_they_are(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in services[name] or name == "app"
    for url in services["app"]["environment"].values():
        if found := re.search(r"@(\w+):5432|//(\w+):6379", url):
            assert (found[1] or found[2]) in services
    assert "HEALTHCHECK" in text("Dockerfile")


def test_what_changes_lies_on_volumes_and_the_rest_cannot_be_written(
    compose: dict[str, Any],
) -> None:
    for name in ("app", "workers"):
        service = compose["services"][name]
        assert service["read_only"]
        assert service["user"] == re.search(r"--uid (\d+)", text("Dockerfile"))[1]
        assert service["environment"]["QUALZ_DATA"] == "/data"
        assert "data:/data" in service["volumes"]


@pytest.mark.parametrize(
    ("name", "limit"),
    [("nginx.conf", r"client_max_body_size (\d+)m;"), ("Caddyfile", r"max_size (\d+)MB")],
)
def test_proxies_let_through_the_largest_that_is_taken(name: str, limit: str) -> None:
    most = max([*LARGEST.values(), Settings.__dataclass_fields__["largest_chunk"].default])
    assert int(re.search(limit, text(name))[1]) * MEBIBYTE > most + 2 * MEBIBYTE


def test_nginx_hands_bodies_on_as_they_come() -> None:
    assert "proxy_request_buffering off;" in text("nginx.conf")
    assert "proxy_set_header Upgrade $http_upgrade;" in text("nginx.conf")
    # Added to, it would hold what a client made up.
    assert "$proxy_add_x_forwarded_for" not in text("nginx.conf")


def test_commands_and_lines_of_work_are_there(compose: dict[str, Any]) -> None:
    units = "".join(path.read_text() for path in DEPLOY.glob("*.service"))
    for command in re.findall(r"/bin/qualz ([\w-]+)", units):
        assert command in main.commands
    assert compose["services"]["workers"]["command"][:3] == ["python", "-m", "worker"]
    assert set(compose["services"]["workers"]["command"][3:]) <= set(LINES)


def test_the_image_gets_what_there_is() -> None:
    kept = re.findall(r"^!(\S+)", text("Dockerfile.dockerignore"), re.MULTILINE)
    assert [name for name in kept if not (ROOT / name).exists()] == []


def test_every_package_is_packed() -> None:
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {path.parent.relative_to(ROOT) for path in (ROOT / "qualz").rglob("__init__.py")}
    assert set(packed) == {".".join(path.parts) for path in there}
