"""Backups are taken while interviews go on, and come back to the byte or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from qualz import removal
from qualz.backups import manifest
from qualz.backups.problem import CannotRestore, CannotSave
from qualz.backups.restoring import check, restore
from qualz.backups.saving import save
from qualz.backups.telling import restored
from qualz.database import db, known_revisions
from qualz.interview import Interview
from qualz.media.storage import Storage
from qualz.settings import Settings
from qualz.study import Study
from tests.backups.conftest import records
from tests.room.conftest import Participant

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def rows(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every table, row by row."""
    with sqlite3.connect(database) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for (name,) in names
        }


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("tar", [False, True], ids=["folder", "tar"])
def test_what_was_there_comes_back_on_an_empty_machine(
    tar: bool, settings: Settings, empty: Settings, storage: Storage, interview: Interview, into
):
    records(interview, storage, "one")
    growing = records(interview, storage, "two", whole=False)
    interview.recording.original = f"{interview.recording.folder}/original-1.webm"
    storage.append(interview.recording.original, b"with a name in it", at=0)
    db.session.commit()
    before = digests(settings.media)
    saved = save(settings, into, tar=tar)
    growing.append(b"later", at=growing.bytes_durable, storage=storage)
    db.session.commit()
    said = list(restored(empty, saved.path))
    assert "Every row has its files, and every file its row." in said
    assert digests(empty.media) == before
    assert {e.name: e.sha256 for e in saved.manifest.entries if e.name.startswith("media/")} == {
        f"media/{name}": digest for name, digest in before.items()
    }
    if not tar:
        # Before anything was done with it.
        assert rows(saved.path / "database.sqlite3") == rows(empty.data / "qualz.db")


def test_what_is_acknowledged_before_it_begins_is_in_it_whatever_comes_meanwhile(
    app: Flask, settings: Settings, empty: Settings, study: Study, participant: Participant, into
):
    participant.consents(study)
    participant.arrives()
    upload = participant.starts_part().location
    chunk = b"\x1a\x45\xdf\xa3" + bytes(range(252)) * 64
    acknowledged, is_over = [0], threading.Event()
    some = threading.Event()

    def send() -> None:
        with app.app_context():
            while not is_over.is_set():
                answer = participant.sends(upload, chunk, acknowledged[0])
                acknowledged[0] = int(answer.headers["Upload-Offset"])
                some.set()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        assert some.wait(10)
        spans = []
        for number in range(3):
            first = acknowledged[0]
            saved = save(settings, into / str(number))
            spans.append((first, saved, acknowledged[0]))
    finally:
        is_over.set()
        sender.join()
    [name] = [n for n in digests(settings.media) if "part-" in n]
    whole = (settings.media / name).read_bytes()
    for first, saved, last in spans:
        kept = (saved.path / "media" / name).read_bytes()
        assert first <= len(kept) <= last + len(chunk)
        assert whole.startswith(kept)
        [row] = rows(saved.path / "database.sqlite3")["parts"]
        assert len(kept) in row
    restore(empty, spans[-1][1].path, known_revisions())
    assert (empty.media / name).read_bytes() == kept


@pytest.mark.parametrize("tar", [False, True], ids=["folder", "tar"])
def test_a_flipped_byte_is_refused_by_name_and_nothing_is_put_in_place(
    tar: bool, settings: Settings, empty: Settings, storage: Storage, interview: Interview, into
):
    part = records(interview, storage, "one")
    saved = save(settings, into, tar=tar)
    path = saved.path if tar else saved.path / "media" / part.file
    data = bytearray(path.read_bytes())
    at = data.index((settings.media / part.file).read_bytes()[1000:1100])
    data[at] ^= 1
    path.write_bytes(data)
    for refused in (
        lambda: restore(empty, saved.path, known_revisions()),
        lambda: check(saved.path),
    ):
        with pytest.raises(CannotRestore, match=part.file):
            refused()
    assert list(empty.data.iterdir()) == []


def lose_a_file(saved: Path) -> None:
    next(saved.rglob("part-*")).unlink()


def cut_the_manifest(saved: Path) -> None:
    path = saved / manifest.NAME
    path.write_bytes(path.read_bytes()[:-10])


def come_from_the_future(saved: Path) -> None:
    path = saved / manifest.NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), "migration": "9999"}))


def lead_out_of_the_folder(saved: Path) -> None:
    path = saved / manifest.NAME
    path.write_text(path.read_text().replace("media/interviews", "../interviews"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lose_a_file, "Not as it was saved: media/interviews/"),
        (cut_the_manifest, "cannot be read"),
        (come_from_the_future, "newer Qualz"),
        (lead_out_of_the_folder, "cannot be read"),
    ],
)
def test_what_is_not_a_whole_backup_is_refused(
    spoil: Callable[[Path], None], words: str, settings: Settings, empty: Settings,
    storage: Storage, interview: Interview, into,
):  # fmt: skip
    records(interview, storage, "one")
    saved = save(settings, into)
    spoil(saved.path)
    with pytest.raises(CannotRestore, match=words):
        restore(empty, saved.path, known_revisions())
    assert not (empty.data / "qualz.db").exists()
    assert not (empty.data.parent / "interviews").exists()


def test_nothing_is_restored_over_what_is_there(settings: Settings, interview: Interview, into):
    saved = save(settings, into)
    before = digests(settings.data)
    with pytest.raises(CannotRestore, match="is not empty"):
        restore(settings, saved.path, known_revisions())
    assert digests(settings.data) == before


def test_the_next_one_shares_what_is_unchanged_and_nothing_with_the_server(
    settings: Settings, storage: Storage, interview: Interview, into
):
    done = records(interview, storage, "one")
    growing = records(interview, storage, "two", whole=False)
    first = save(settings, into)
    (into / first.path.name).rename(into / "qualz-20200101-000000")
    first_copies = digests(into / "qualz-20200101-000000")
    growing.append(b"more of it", at=growing.bytes_durable, storage=storage)
    db.session.commit()
    second = save(settings, into)
    assert second.linked == 1
    kept = second.path / "media" / done.file
    assert kept.stat().st_nlink == 2
    assert not os.path.samestat(kept.stat(), storage.path(done.file).stat())
    assert digests(into / "qualz-20200101-000000") == first_copies
    assert check(second.path) == second.manifest


def test_what_somebody_deletes_meanwhile_is_listed_and_no_error(
    settings: Settings, storage: Storage, interview: Interview, into
):
    part = records(interview, storage, "one")
    file = part.file
    storage.path(file).unlink()
    saved = save(settings, into)
    assert saved.manifest.gone == [file]
    assert check(saved.path).gone == [file]


def test_keys_are_saved_only_when_asked_for(
    settings: Settings, empty: Settings, interview: Interview, into
):
    (settings.data / "secrets").mkdir(mode=0o700)
    (settings.data / "secrets" / "moderator").write_text("sk-secret")
    (settings.data / "secret-key").write_text("signs cookies")
    assert "secret" not in str(save(settings, into / "without").manifest.entries)
    saved = save(settings, into / "with", with_secrets=True)
    restore(empty, saved.path, known_revisions())
    assert (empty.data / "secret-key").read_text() == "signs cookies"
    kept = empty.data / "secrets" / "moderator"
    assert kept.read_text() == "sk-secret"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_backup_that_is_killed_leaves_none_under_its_name_and_the_next_clears_up(
    settings: Settings, study: Study, interview: Interview, into
):
    folder = settings.media / removal.folder_of(study)
    folder.mkdir(parents=True)
    os.mkfifo(folder / "picture")
    environment = {**os.environ, "QUALZ_DATA": str(settings.data), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "qualz.cli", "backup", str(into)]
    process = subprocess.Popen(words, env=environment, cwd=ROOT)
    # Opens when the other side does: it has come to this file.
    with (folder / "picture").open("wb"):
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [path.name[:7] for path in into.iterdir()] == [".qualz-"]
    (folder / "picture").unlink()
    saved = save(settings, into)
    assert list(into.iterdir()) == [saved.path]


def test_nothing_is_saved_among_the_recordings_nor_where_there_is_nothing(
    settings: Settings, interview: Interview, tmp_path: Path, into
):
    with pytest.raises(CannotSave, match="among the recordings"):
        save(settings, settings.media / "backups")
    nowhere = replace(settings, database_url=f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(CannotSave, match="nothing to back up"):
        save(nowhere, into)
    assert list(into.iterdir()) == []


def test_a_damaged_database_is_not_taken_for_a_backup(settings: Settings, tmp_path: Path, into):
    torn = tmp_path / "torn.db"
    torn.write_bytes(b"SQLite format 3\0" + bytes(5000))
    with pytest.raises(CannotSave, match=r"torn\.db cannot be used"):
        save(replace(settings, database_url=f"sqlite:///{torn}"), into)
    assert list(into.iterdir()) == []


def test_others_cannot_read_it(settings: Settings, storage, interview: Interview, into):
    records(interview, storage, "one")
    folder = save(settings, into / "a").path
    tar = save(settings, into / "b", tar=True).path
    assert folder.stat().st_mode & 0o077 == tar.stat().st_mode & 0o077 == 0
    with tarfile.open(tar) as opened:
        assert {member.mode for member in opened} == {0o600}
