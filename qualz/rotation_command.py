"""The `qualz rotate-secrets` command."""

from __future__ import annotations

import sys

import click

from qualz.keys import KeyUnusable
from qualz.rotation import STILL_READ, Rotated, rotate
from qualz.settings import Settings, SettingsError


@click.command("rotate-secrets")
@click.option(
    "--at-once",
    is_flag=True,
    help="After a leak: what the old signing key has signed is worth nothing from now on.",
)
def rotate_secrets(at_once: bool) -> None:
    """Make new keys and encrypt all kept secrets anew."""
    try:
        rotated = rotate(Settings.from_env(), at_once=at_once)
    except (SettingsError, KeyUnusable) as problem:
        raise click.ClickException(str(problem)) from problem
    for line in _report(rotated, at_once=at_once):
        click.echo(line)
    if rotated.lost:
        sys.exit(1)


def _report(rotated: Rotated, *, at_once: bool) -> list[str]:
    said = [f"Secrets encrypted with the master key in use: {rotated.sealed}."]
    said += [
        f"“{name}” can be read with no key that there is: type it in again."
        for name in rotated.lost
    ]
    if not rotated.has_new_master_key:
        said.append("The master key is set by QUALZ_MASTER_KEY: its other keys can go from there.")
    if not rotated.has_new_signing_key:
        said.append(
            "The signing key is set by QUALZ_SECRET_KEY: put a new one in front of it there, "
            "with a space between."
        )
    elif at_once:
        said.append(
            "Once Qualz is restarted, all researchers have to sign in again, and participants need "
            "their link, or a new resume link, to come back."
        )
    else:
        said.append(
            "Nobody has to sign in again: what the old key has signed is taken for another "
            f"{STILL_READ.days} days. Pages with a form that are open now have to be reloaded."
        )
    return [*said, "Restart Qualz for it to sign with the new key."]
