"""The `qualz` command."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import click

from qualz.settings import Settings, SettingsError


@click.group()
def main() -> None:
    """AI-moderated research interviews whose recordings survive anything."""


def _settings() -> Settings:
    try:
        return Settings.from_env()
    except SettingsError as problem:
        raise click.ClickException(str(problem)) from problem


@main.command()
def run() -> None:
    """Start the web server, a worker, the sweep and what they need."""
    from qualz import processes

    sys.exit(processes.run(_settings()))


@main.command()
def doctor() -> None:
    """Say what was found and what is wrong."""
    from qualz.doctor import examine, print_report

    sys.exit(print_report(examine(_settings())))


@main.command()
def migrate() -> None:
    """Bring the database up to date."""
    from qualz.application import create_core
    from qualz.database import upgrade

    upgrade(create_core(_settings()))


@main.command("setup-link")
def setup_link() -> None:
    """Print a fresh one-time link to create the owner's account, if there is none yet."""
    from qualz.application import create_core
    from qualz.database import db
    from qualz.researcher import SetUpLink

    settings = _settings()
    with create_core(settings).app_context():
        token = SetUpLink.renew()
        db.session.commit()
    if token:
        click.echo(f"{settings.address}/setup/{token}")


@main.command()
def sweep() -> None:
    """Look every few seconds for what is due, until stopped."""
    from qualz import sweep
    from qualz.application import create_core

    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    sweep.run(create_core(_settings()), stop)


@main.command()
@click.argument(
    "parts", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write it as JSON.")
@click.option("--plan", is_flag=True, help="Only print what is copied, what is re-encoded and why.")
def merge(parts: tuple[Path, ...], out: Path | None, report: Path | None, plan: bool) -> None:
    """Merge PARTS, in order, into one file that plays as one."""
    from qualz.media.ffmpeg import FFmpeg
    from qualz.merging import merge_files, print_plan
    from qualz.tools import find_ffmpeg

    if plan:
        sys.exit(print_plan(parts))
    if out is None:
        raise click.UsageError("Name the file to write with -o, or ask for the --plan alone.")
    binary = find_ffmpeg()
    if binary is None:
        raise click.ClickException("There is no ffmpeg. Install one, or name it in FFMPEG.")
    sys.exit(merge_files(FFmpeg(binary=binary), parts, out, report))


if __name__ == "__main__":
    main()
