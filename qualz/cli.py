"""The `qualz` command."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qualz.audit_command import audit
from qualz.rotation_command import rotate_secrets
from qualz.settings import Settings, SettingsError
from qualz.simulate_command import simulate

if TYPE_CHECKING:
    from qualz.researcher import Researcher


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
    from qualz.processes import supervisor

    sys.exit(supervisor.run(_settings()))


@main.command()
@click.option("--url", help="Ask a live deployment too, as browsers do: https://…")
def doctor(url: str | None) -> None:
    """Say what was found and what is wrong."""
    from qualz.doctor import examine, print_report
    from qualz.live_doctor import examine_live, examine_running

    settings = _settings()
    found = examine(settings) + examine_running(settings)
    if url:
        found += examine_live(url, settings.largest_chunk)
    sys.exit(print_report(found))


@main.command()
def migrate() -> None:
    """Bring the database up to date."""
    from qualz.core import create_core
    from qualz.database import upgrade

    upgrade(create_core(_settings()))


@main.command("setup-link")
def setup_link() -> None:
    """Print a fresh one-time link to create the owner's account, if there is none yet."""
    from qualz.core import create_core
    from qualz.processes import duties

    settings = _settings()
    duties.print_set_up_link(create_core(settings), settings)


@main.command("reset-password")
@click.argument("email")
def reset_password(email: str) -> None:
    """Print a link by which the researcher with that EMAIL sets a new password, within the hour."""
    from qualz.core import create_core
    from qualz.database import db
    from qualz.password_reset import PasswordReset

    settings = _settings()
    with create_core(settings).app_context():
        token = PasswordReset.begin(_researcher(email))
        db.session.commit()
    click.echo(f"{settings.address}/password-resets/{token}")


@main.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Turn the second step off for the researcher with that EMAIL, who cannot give its code."""
    from qualz.core import create_core
    from qualz.database import db
    from qualz.second_factor import SecondFactor

    app = create_core(_settings())
    with app.app_context():
        factor = SecondFactor.of(_researcher(email))
        if factor is None:
            raise click.ClickException(f"{email} has no second step.")
        factor.remove(app.extensions["vault"])
        db.session.commit()
    click.echo(f"The second step of {email} is off. They sign in by their password alone.")


def _researcher(email: str) -> Researcher:
    from qualz.researcher import Researcher

    found = Researcher.known_as(email)
    if found is None:
        raise click.ClickException(f"Nobody has an account with the address {email}.")
    return found


@main.command()
def sweep() -> None:
    """Look every few seconds for what is due, until stopped."""
    from qualz.processes import duties

    duties.sweep(_settings())


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


@main.command()
@click.option("--interviews", type=click.IntRange(1, 100_000), default=25, show_default=True)
@click.option("--turns", type=click.IntRange(2, 200), default=24, show_default=True)
@click.option("--into", metavar="STUDY", help="Add to this sample, by the id in its address.")
@click.option("--delete", is_flag=True, help="Delete all samples instead.")
def sample(interviews: int, turns: int, into: str | None, delete: bool) -> None:
    """Fill a study of its own with made-up interviews, to look around in."""
    from qualz import sampling
    from qualz.core import create_core
    from qualz.database import upgrade

    app = create_core(_settings())
    upgrade(app)
    with app.app_context():
        if delete:
            sampling.delete()
        else:
            sampling.make(interviews=interviews, turns=turns, into=into)


@main.command()
@click.argument("into", type=click.Path(file_okay=False, path_type=Path))
@click.option("--tar", is_flag=True, help="One file instead of a folder.")
@click.option("--with-secrets", is_flag=True, help="The keys of services and cookies as well.")
def backup(into: Path, tar: bool, with_secrets: bool) -> None:
    """Save the database and all recordings as a new backup in the folder INTO; Qualz may run."""
    from qualz.backups import telling

    _tell(telling.saved(_settings(), into, tar=tar, with_secrets=with_secrets))


@main.command()
@click.argument("backup", type=click.Path(exists=True, path_type=Path))
@click.option("--check", is_flag=True, help="Only read it and say if it is whole.")
def restore(backup: Path, check: bool) -> None:
    """Fill an empty QUALZ_DATA from BACKUP, once every byte was found to be as it was saved."""
    from qualz.backups import telling

    _tell(telling.checked(backup) if check else telling.restored(_settings(), backup))


@main.command()
@click.option("--mend", is_flag=True, help="Do what can be done about it. Nothing is deleted.")
def reconcile(mend: bool) -> None:
    """Find rows without files and files without rows. Exits with 1 where something is amiss."""
    from qualz.backups import telling

    is_amiss = _tell(telling.reconciled(_settings(), mend=mend))
    sys.exit(1 if is_amiss else 0)


@main.command("move-database")
@click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The SQLite file, unless it is qualz.db in QUALZ_DATA.",
)
def move_database(source: Path | None) -> None:
    """Copy everything from SQLite into the empty PostgreSQL that DATABASE_URL names."""
    from qualz.backups import telling

    settings = _settings()
    _tell(telling.moved(settings, source or settings.data / "qualz.db"))


@main.command("move-storage")
@click.option("--back", is_flag=True, help="From the bucket to the data folder; stop Qualz before.")
def move_storage(back: bool) -> None:
    """Move all recordings from the data folder to the bucket that QUALZ_S3_BUCKET names."""
    from qualz.backups import telling

    _tell((telling.brought_back if back else telling.shelved)(_settings()))


def _tell(told: Generator[str, None, bool | None]) -> bool | None:
    from qualz.backups.problem import Problem

    try:
        while True:
            click.echo(next(told))
    except StopIteration as end:
        return bool(end.value)
    except Problem as cause:
        raise click.ClickException(str(cause)) from cause


main.add_command(audit)
main.add_command(rotate_secrets)
main.add_command(simulate)

if __name__ == "__main__":
    main()
