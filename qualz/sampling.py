"""`qualz sample`: fills the workspace with something to look around in."""

from __future__ import annotations

import sys
from functools import partial

import click
from flask import current_app

from qualz import removal, sample, team
from qualz.errors import NotFound
from qualz.media.ffmpeg import Failed, Stopped
from qualz.media.full_session import CannotMerge
from qualz.media.storage import DiskFull
from qualz.researcher import Researcher
from qualz.sample import takes
from qualz.study import Study

# Bytes of an interview at most, of rows and files that share theirs, and of the recordings.
AN_INTERVIEW, THE_TAKES = 100_000, 50_000_000
HOW_TO_DELETE = "To delete it: qualz sample --delete, or the study's settings in the workplace."


def make(*, interviews: int, turns: int, into: str | None) -> None:
    """Say how far it is on stderr. Raises `click.ClickException`, and then nothing was added."""
    owner = _owner()
    try:
        study = Study.of(owner, into) if into else None
        if study:
            sample.demand_sample(study)
        study = _filled(owner, study, interviews, turns)
    except DiskFull as cause:
        raise click.ClickException("The disk is too full for this sample. Make room.") from cause
    except (sample.NotASample, NotFound, CannotMerge, Failed, Stopped) as cause:
        raise click.ClickException(str(cause)) from cause
    address = current_app.extensions["settings"].address
    click.echo(f"{interviews:,} interviews: {address}/studies/{study.public_id}/transcripts")
    click.echo(HOW_TO_DELETE)


def _filled(owner: Researcher, study: Study | None, interviews: int, turns: int) -> Study:
    storage, ffmpeg = current_app.extensions["storage"], current_app.extensions.get("ffmpeg")
    if ffmpeg is None:
        raise click.ClickException("There is no ffmpeg. Install one, or name it in FFMPEG.")
    storage.demand_room(THE_TAKES + interviews * AN_INTERVIEW)
    with storage.workspace("sample") as folder:
        click.echo("Making some recordings…", err=True)
        made = takes.make(folder, ffmpeg)
        study = study or sample.start(owner)
        with click.progressbar(length=interviews, label="Interviews", file=sys.stderr) as bar:
            fill = partial(sample.fill, study, made, interviews=interviews, turns=turns)
            fill(storage=storage, on_step=lambda done: bar.update(done - bar.pos))
    return study


def delete() -> None:
    """All samples, with what was added to them by hand."""
    storage = current_app.extensions["storage"]
    found = sample.samples_of(_owner())
    for study in found:
        name = study.name
        removal.remove_study(study, storage)
        click.echo(f"Deleted: {name}")
    if not found:
        click.echo("There is no sample here.")


def _owner() -> Researcher:
    found = team.first_owner()
    if found is None:
        raise click.ClickException(
            "There is no account yet that the sample could belong to. Run qualz setup-link first."
        )
    return found
