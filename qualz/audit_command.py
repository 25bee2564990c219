"""The `qualz audit` command."""

from __future__ import annotations

import re
import sys

import click

from qualz.settings import Settings, SettingsError


@click.group()
def audit() -> None:
    """Look after the audit log."""


@audit.command()
@click.option(
    "--expect",
    metavar="NUMBER:HASH",
    help="An entry as an earlier run named it; say also if it is not there or is another one.",
)
def verify(expect: str | None) -> None:
    """Say where the audit log was changed, if it was. Exits with 1 then."""
    from qualz.audit_entry import Head, breaks
    from qualz.core import create_core
    from qualz.database import db

    expected = _noted(expect) if expect else None
    try:
        app = create_core(Settings.from_env())
    except SettingsError as problem:
        raise click.ClickException(str(problem)) from problem
    with app.app_context():
        found = list(breaks(expected))
        for one in found:
            click.echo(one, err=True)
        if found:
            sys.exit(1)
        head = db.session.get_one(Head, 1)
        click.echo(f"{head.entries} entries, each following on the one before it.")
        if head.entries:
            click.echo(
                f"Keep this elsewhere, and check it next time with "
                f"--expect {head.entries}:{head.hash}"
            )


def _noted(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"(\d{1,9}):([0-9a-f]{64})", text.strip())
    if not found:
        raise click.BadParameter("It is the number and the hash that an earlier run named.")
    return int(found[1]), found[2]
