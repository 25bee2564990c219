"""What the commands say of a backup, in plain words, and what they stand on."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from flask import Flask

from qualz.backups.finding import Finding
from qualz.backups.moving import move
from qualz.backups.problem import Problem, few
from qualz.backups.reconciling import reconcile
from qualz.backups.restoring import check, restore
from qualz.backups.saving import save
from qualz.backups.shelves import Shifted, bring_back, put_away
from qualz.core import create_core
from qualz.database import known_revisions, revisions, upgrade
from qualz.pages import size
from qualz.settings import Settings

Telling = Generator[str, None, bool | None]


def saved(settings: Settings, into: Path, *, tar: bool, with_secrets: bool) -> Telling:
    """Makes a backup and says so. Raises `CannotSave`."""
    made = save(settings, into, tar=tar, with_secrets=with_secrets)
    told = made.manifest
    yield f"Saved: {len(told.entries)} files, {size(told.size)}, in {made.path}"
    if made.linked:
        yield f"{made.linked} of them are shared with the backup before and take no room again."
    if told.gone:
        yield f"Deleted by somebody meanwhile, so not in it: {few(told.gone)}"
    if told.short:
        yield f"Shorter than the database says, and saved as they are: {few(told.short)}"
    if settings.s3_bucket:
        yield (
            f"Recordings in the bucket {settings.s3_bucket} are not in it: have the store keep "
            "versions of them."
        )
    if not with_secrets:
        yield (
            "Without the keys of services and the one that signs cookies (--with-secrets saves "
            "them too): after restoring, everybody signs in again and services are set up anew."
        )
    yield f"To restore: QUALZ_DATA=/an/empty/folder qualz restore {made.path}"
    return None


def checked(backup: Path) -> Telling:
    """Raises `CannotRestore` where it is not as it was saved."""
    told = check(backup)
    yield f"Whole: {len(told.entries)} files, {size(told.size)}, saved at {told.made_at}."
    return None


def restored(settings: Settings, backup: Path) -> Telling:
    """Restores and says so. Raises `CannotRestore`."""
    told = restore(settings, backup, known_revisions())
    yield f"Restored: {len(told.entries)} files, {size(told.size)}, as of {told.made_at}."
    app = _core(settings)
    upgrade(app)
    yield from _reconciled(app, mend=False)
    yield "What was deleted or withdrawn since then is there again: delete it once more."
    return None


def moved(settings: Settings, source: Path) -> Telling:
    """Moves SQLite's rows to PostgreSQL and says so. Raises `CannotCopy`."""
    told = move(settings, source)
    yield f"Moved: {told.rows:,} rows in {told.tables} tables; each table has as many as before."
    yield (
        f"Start Qualz with this DATABASE_URL from now on. {source} is as it was, and not used any "
        "more: keep it until a backup of the new one was made."
    )
    return None


def shelved(settings: Settings) -> Telling:
    """Moves recordings to the bucket and says so. Raises `CannotCopy`."""
    told = put_away(settings)
    yield f"Put into the bucket {settings.s3_bucket}: {told.files:,} files."
    yield from _missing(told)
    yield "What is being recorded, and what other servers received, follows by itself."
    return None


def brought_back(settings: Settings) -> Telling:
    """Moves them to the data folder again and says so. Raises `CannotCopy`."""
    told = bring_back(settings)
    yield f"Brought back from the bucket {settings.s3_bucket}: {told.files:,} files."
    yield from _missing(told)
    yield (
        "Start Qualz without QUALZ_S3_BUCKET from now on. The bucket is as it was, and not used "
        "any more: keep it until a backup was made."
    )
    return None


def _missing(told: Shifted) -> Generator[str, None, None]:
    if told.missing:
        yield f"In neither place: {few(told.missing)}. `qualz reconcile` says what can be done."


def reconciled(settings: Settings, *, mend: bool) -> Telling:
    """Answers whether something is still amiss. Raises `Problem`."""
    app = _core(settings)
    present, newest = revisions(app)
    if present != newest:
        raise Problem("The database is not up to date. `qualz migrate` updates it.")
    return (yield from _reconciled(app, mend=mend))


def _reconciled(app: Flask, *, mend: bool) -> Generator[str, None, bool]:
    settings, storage = app.extensions["settings"], app.extensions["storage"]
    found = left = 0
    with app.app_context():
        for finding, is_mended in reconcile(settings, storage, mend=mend):
            found, left = found + 1, left + (not is_mended)
            yield f"{finding.what} {_done(finding, mend, is_mended)}".strip()
    if not found:
        yield "Every row has its files, and every file its row."
    return left > 0


def _done(finding: Finding, mend: bool, is_mended: bool) -> str:
    if finding.remedy is None:
        return ""
    if not mend:
        return f"With --mend: {finding.remedy}"
    return finding.remedy if is_mended else "It changed meanwhile; look again."


def _core(settings: Settings) -> Flask:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return create_core(replace(settings, redis_url=None))
