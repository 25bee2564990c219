"""All recordings move to a bucket, and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from qualz import stimuli
from qualz.backups.problem import CannotCopy
from qualz.backups.reconciling import reconcile
from qualz.backups.shelves import bring_back, put_away
from qualz.backups.telling import saved
from qualz.core import create_core
from qualz.database import db
from qualz.interview import Interview
from qualz.media.storage import Storage
from qualz.processes import instance
from qualz.settings import Settings
from tests.backups.conftest import records
from tests.jobs.test_merging import sweeps_and_works
from tests.store import Bucket


@pytest.fixture
def in_bucket(settings: Settings, bucket: Bucket) -> Settings:
    return bucket.of(settings)


@pytest.fixture
def held(
    app: Flask, settings: Settings, storage: Storage, interview: Interview
) -> dict[str, bytes]:
    """Two parts, their Full Session, what was made of it, and a picture for a question."""
    records(interview, storage, "one")
    records(interview, storage, "two")
    interview.complete()
    db.session.commit()
    sweeps_and_works(app, settings)
    folder = settings.media / stimuli.folder_of(interview.study)
    folder.mkdir(parents=True)
    (folder / "shown.png").write_bytes(b"a picture")
    return contents(settings)


def contents(settings: Settings) -> dict[str, bytes]:
    tops = [settings.media / top for top in ("interviews", "stimuli")]
    return {
        path.relative_to(settings.media).as_posix(): path.read_bytes()
        for top in tops
        for path in top.rglob("*")
        if path.is_file() and "prepared" not in path.parts
    }


def test_they_go_there_and_come_back_as_they_were(
    settings: Settings, in_bucket: Settings, bucket: Bucket, held: dict[str, bytes]
) -> None:
    told = put_away(in_bucket)
    assert (told.files, told.missing) == (len(held), [])
    assert sorted(bucket.read(name) for name in bucket.names) == sorted(held.values())
    assert contents(settings) == {}
    # Once more has nothing to do.
    assert put_away(in_bucket).files == 0
    told = bring_back(in_bucket)
    assert (told.files, told.missing) == (len(held), [])
    assert contents(settings) == held
    assert bring_back(in_bucket).files == 0
    with create_core(settings).app_context():
        assert list(reconcile(settings, Storage(settings.media), mend=False)) == []


def test_rows_have_their_files_in_the_bucket(
    in_bucket: Settings, bucket: Bucket, held: dict[str, bytes]
) -> None:
    put_away(in_bucket)
    app = create_core(in_bucket)
    with app.app_context():
        storage = app.extensions["storage"]
        assert list(reconcile(in_bucket, storage, mend=False)) == []
        storage.forget_copies()
        lost = next(name for name in bucket.names if "part-001" in name)
        storage.delete(lost)
        told = [finding.what for finding, _ in reconcile(in_bucket, storage, mend=False)]
        assert len(told) == 1
        assert "Part 1" in told[0]


def test_a_backup_says_what_it_leaves_to_the_store(
    in_bucket: Settings, held: dict[str, bytes], interview: Interview, tmp_path: Path
) -> None:
    put_away(in_bucket)
    backup = tmp_path / "backups"
    told = "\n".join(saved(in_bucket, backup, tar=False, with_secrets=False))
    assert f"Recordings in the bucket {in_bucket.s3_bucket} are not in it" in told
    assert "Deleted by somebody" not in told


def test_nobody_may_use_them_while_they_come_back(
    in_bucket: Settings, held: dict[str, bytes]
) -> None:
    with instance.sole_instance(in_bucket), pytest.raises(CannotCopy, match="already running"):
        bring_back(in_bucket)


def test_what_is_in_neither_place_is_named(
    settings: Settings, in_bucket: Settings, held: dict[str, bytes]
) -> None:
    lost = next(name for name in held if "full-session" in name and name.endswith("webm"))
    (settings.media / lost).unlink()
    assert put_away(in_bucket).missing == [lost]
    assert bring_back(in_bucket).missing == [lost]


def test_no_bucket_and_no_store_are_told_of(
    settings: Settings, in_bucket: Settings, held: dict[str, bytes]
) -> None:
    with pytest.raises(CannotCopy, match="QUALZ_S3_BUCKET"):
        put_away(settings)
    with pytest.raises(CannotCopy, match="Start again to go on"):
        put_away(replace(in_bucket, s3_bucket="nobodys"))
    assert contents(settings) == held
