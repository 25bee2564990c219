"""The `qualz simulate` command."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

import click

from qualz.settings import Settings, SettingsError

if TYPE_CHECKING:
    from qualz.simulation.report import Report

Option = Callable[[Callable[..., None]], Callable[..., None]]


def _number(name: str, least: float, usual: float, told: str) -> Option:
    kind = click.FloatRange(least)
    return click.option(name, type=kind, default=usual, show_default=True, help=told)


FILE = click.Path(dir_okay=False, path_type=Path)
MEDIA = "A WebM recording that they send, again and again; else speech of 64 kbit/s."
HERE = "The server is on this machine, with these settings: look into its storage, if it has one."
BY_API = "A file with a token of the API, to check by."
ADDRESSES = "Come from addresses of their own, where QUALZ_PROXIES=1 believes it."


@click.command()
@click.argument("link")
@click.option("--participants", type=click.IntRange(1, 20_000), default=20, show_default=True)
@_number("--seconds", 1, 60, "How long they stay once all are there.")
@_number("--arrivals", 0.1, 25, "How many come in a second, and in the end go.")
@_number("--drops", 0, 0.5, "How often each loses the network in a minute.")
@_number("--longest-drop", 0.5, 15, "Seconds.")
@_number("--answer-every", 0, 30, "Seconds; with 0 they only record.")
@click.option("--media", type=FILE, help=MEDIA)
@click.option("--access-code", default="", help="Where the study asks for one.")
@click.option("--here", is_flag=True, help=HERE)
@click.option("--token-file", type=click.File(), help=BY_API)
@click.option("--many-addresses", is_flag=True, help=ADDRESSES)
@click.option("--report", type=FILE, help="Write it as JSON.")
def simulate(
    link: str,
    participants: int,
    seconds: float,
    arrivals: float,
    drops: float,
    longest_drop: float,
    answer_every: float,
    media: Path | None,
    access_code: str,
    here: bool,
    token_file: IO[str] | None,
    many_addresses: bool,
    report: Path | None,
) -> None:
    """Send simulated participants into the study of the share LINK, and say what became of what
    they recorded.

    They are real interviews: use a study that you delete afterwards. Ctrl-C ends it well. Exits
    with 1 where acknowledged bytes were lost, a drop went unnoticed, or somebody could not get in.
    """
    from qualz.processes.child import allow_many_open_files
    from qualz.simulation.participant import Script
    from qualz.simulation.report import Report
    from qualz.simulation.running import perform
    from qualz.simulation.take import SAMPLE, Media, NoMedia
    from qualz.simulation.tally import Tally
    from qualz.simulation.wire import Host

    allow_many_open_files()
    try:
        script = Script(
            host=Host.at(link),
            door=urlsplit(link).path,
            media=Media.read(media or SAMPLE),
            drops_a_minute=drops,
            longest_drop=longest_drop,
            answer_every=answer_every,
            access_code=access_code,
            from_many_addresses=many_addresses,
        )
    except (ValueError, NoMedia, OSError) as cause:
        raise click.ClickException(str(cause)) from cause
    settings = _settings() if here else None
    token = token_file.read().strip() if token_file else ""
    tally = Tally()
    began, busy = time.monotonic(), time.process_time()
    people = asyncio.run(
        perform(
            script,
            count=participants,
            seconds=seconds,
            a_second=arrivals,
            tally=tally,
            tell=lambda line: click.echo(line, err=True),
        )
    )
    took, used = time.monotonic() - began, time.process_time() - busy
    told = Report(participants, took, used / took, tally, people, [], None)
    _check(told, link, settings, token)
    for line in told.lines():
        click.echo(line)
    if report:
        report.write_text(json.dumps(told.as_json(), indent=2) + "\n")
    sys.exit(0 if told.is_well else 1)


def _settings() -> Settings:
    try:
        return Settings.from_env()
    except SettingsError as problem:
        raise click.ClickException(str(problem)) from problem


def _check(told: Report, link: str, settings: Settings | None, token: str) -> None:
    from qualz.core import create_core
    from qualz.simulation.checking import Api, Folder, check
    from qualz.simulation.noticing import noticed

    try:
        if settings and not settings.s3_bucket:
            told.kept.append(check(told.people, Folder(settings.media)))
        if settings:
            with create_core(replace(settings, redis_url=None)).app_context():
                told.noticed = noticed(told.tally.outages)
        if token:
            told.kept.append(check(told.people, Api(link, token)))
    except (OSError, http.client.HTTPException) as cause:
        raise click.ClickException(f"What was kept cannot be read: {cause}") from cause
