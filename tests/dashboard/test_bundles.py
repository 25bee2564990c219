"""Exports of many interviews: made in the background, whole, safe to unpack, and Ada's alone."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
import webvtt
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz import file_names, jobs, parcel, redacting, removal, sweep
from qualz.bundle import KEPT_FOR, Bundle
from qualz.clock import now
from qualz.database import db
from qualz.interview import Interview
from qualz.leased import LeaseLost
from qualz.packing import Wanted
from qualz.part import Part
from qualz.recording import Recording
from qualz.rendition import Rendition
from qualz.researcher import Researcher
from qualz.settings import Settings
from qualz.study import Study
from qualz.turn import Manner, Speaker, Turn
from tests.dashboard.conftest import HTMX

ALL = {"recording": "1", "form": ["docx", "vtt", "csv"], "rendition": ["mp4", "sound"]}


@pytest.fixture
def two(
    study: Study, record: Callable[..., Part], finish: Callable[..., Recording]
) -> list[Interview]:
    """Two people of one name: one with a Full Session, one with two clips."""
    people = [Interview.begin(study.invitation), Interview.begin(study.invitation)]
    db.session.commit()
    for person in people:
        person.rename("CON/../Zoë")
        part = record(person)
        person._append(
            Turn(
                speaker=Speaker.PARTICIPANT,
                manner=Manner.SPOKEN,
                text="Überall, immer.",
                part=part,
                begins_ms=1000,
                ends_ms=2000,
            )
        )
    finish(people[0])
    record(people[1])
    return people


def asks(browser: FlaskClient, study: Study, **form: Any) -> Bundle:
    answer = browser.post(f"/studies/{study.public_id}/exports", data=form or ALL)
    assert answer.status_code == 303
    return Bundle.all_of(study)[0]


def opened(browser: FlaskClient, bundle: Bundle) -> zipfile.ZipFile:
    answer = browser.get(f"/media/exports/{bundle.public_id}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    found = zipfile.ZipFile(io.BytesIO(answer.data))
    answer.close()
    assert found.testzip() is None
    return found


def on_disk(settings: Settings) -> list[Path]:
    return [*settings.media.glob("exports/*/*"), *settings.media.glob(".workspaces/*")]


def test_a_study_comes_as_one_zip_whose_hashes_agree(
    adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle = asks(adas, study)
    jobs.bundle(bundle.id)
    found = opened(adas, bundle)
    base = "0001 CON .. Zoë/0001 CON .. Zoë"
    other = "0002 CON .. Zoë/0002 CON .. Zoë"
    assert found.namelist() == [
        *(f"{base}.{ending}" for ending in ("docx", "vtt", "csv", "webm")),
        f"{base} (sound).m4a",
        *(f"{other}.{ending}" for ending in ("docx", "vtt", "csv")),
        *(f"{other}, clip {number}.webm" for number in (1, 2)),
        "README.txt",
        "manifest.json",
    ]
    listed = json.loads(found.read("manifest.json"))
    assert listed["interviews"] == bundle.held == 2
    assert [one["name"] for one in listed["files"]] == found.namelist()[:-1]
    for one in listed["files"]:
        data = found.read(one["name"])
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one["bytes"], one["sha256"])
    assert {one["what"] for one in listed["files"]} >= {"transcript", "Full Session", "clip"}
    stored = found.getinfo(f"{base}.webm")
    assert stored.compress_type == zipfile.ZIP_STORED
    cues = webvtt.from_string(found.read(f"{base}.vtt").decode()).captions
    assert cues[0].text == "Überall, immer."
    rows = csv.DictReader(io.StringIO(found.read(f"{other}.csv").decode("utf-8-sig")))
    assert next(rows)["text"] == "Überall, immer."
    with adas.get(f"/media/exports/{bundle.public_id}") as answer:
        assert bundle.bytes == len(answer.data)


def test_it_is_fetched_by_pieces_and_by_ada_alone(
    adas: FlaskClient, strangers: FlaskClient, study: Study, two: list[Interview]
):
    bundle = asks(adas, study, form="txt")
    address = f"/media/exports/{bundle.public_id}"
    assert adas.get(address).status_code == 404
    jobs.bundle(bundle.id)
    with adas.get(address, headers={"Range": "bytes=0-3"}) as piece:
        assert (piece.status_code, piece.data) == (206, b"PK\x03\x04")
    assert strangers.get(address).status_code == 404
    mine = f"/studies/{study.public_id}/exports"
    for method in (strangers.get, strangers.post):
        assert method(mine).status_code == 404
    assert strangers.delete(f"{mine}/{bundle.public_id}").status_code == 404
    assert strangers.get(f"{mine}/list").status_code == 404


def test_the_page_tells_how_far_it_is_and_removes_it(
    adas: FlaskClient, settings: Settings, study: Study, two: list[Interview]
):
    mine = f"/studies/{study.public_id}/exports"
    assert "every" not in adas.get(f"{mine}/list").text
    bundle = asks(adas, study, form="txt", chosen="1", interview=two[0].public_id)
    assert "Waiting to make the ZIP of 1 interview" in adas.get(mine).text
    jobs.bundle(bundle.id)
    page = adas.get(mine).text
    assert f"/media/exports/{bundle.public_id}" in page
    assert len(on_disk(settings)) == 1
    adas.delete(f"{mine}/{bundle.public_id}", headers=HTMX)
    assert on_disk(settings) == []
    assert adas.delete(f"{mine}/{bundle.public_id}", headers=HTMX).status_code == 200


def test_nothing_chosen_is_refused_in_words(adas: FlaskClient, study: Study, two: list[Interview]):
    mine = f"/studies/{study.public_id}/exports"
    assert "Choose at least one" in adas.post(mine, data={"kind": "files"}).text
    gone = adas.post(mine, data={"form": "txt", "chosen": "1", "interview": "nobody"})
    assert gone.status_code == 422
    assert "Choose others" in gone.text
    none = adas.post(mine, data={"form": "txt", "state": "live"})
    assert none.status_code == 422
    assert Bundle.all_of(study) == []


def test_who_is_deleted_before_is_left_out(
    app: Flask, adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle = asks(adas, study, form="txt")
    removal.remove_interview(two[0], app.extensions["storage"])
    jobs.bundle(bundle.id)
    names = opened(adas, bundle).namelist()
    assert [name for name in names if name.startswith("0001")] == []
    assert bundle.held == 1
    assert (
        "1 deleted meanwhile and left out" in adas.get(f"/studies/{study.public_id}/exports").text
    )


def test_who_is_deleted_while_it_is_written_is_not_in_it(
    app: Flask, adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle, storage = asks(adas, study, form="txt"), app.extensions["storage"]
    claimed = Bundle.claim(bundle.id, lease_for=timedelta(seconds=15))
    assert claimed
    heard: list[float] = []

    def listen() -> None:
        heard.append(claimed.progress)
        if len(heard) == 4:
            removal.remove_interview(db.session.get_one(Interview, two[0].id), storage)

    claimed.run(storage=storage, lease_for=timedelta(seconds=15), announce=listen)
    assert bundle.state is Bundle.State.DONE
    assert not any(name.startswith("0001") for name in opened(adas, bundle).namelist())


def test_who_is_deleted_afterwards_takes_it_along(
    app: Flask, settings: Settings, adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle = asks(adas, study, form="txt")
    jobs.bundle(bundle.id)
    removal.remove_interview(two[0], app.extensions["storage"])
    assert adas.get(f"/media/exports/{bundle.public_id}").status_code == 404
    sweep.once(settings)
    assert on_disk(settings) == []
    assert "was deleted or redacted since" in (bundle.reason or "")


def test_who_is_redacted_before_it_is_done_is_in_it_without_those_words(
    ada: Researcher, adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle = asks(adas, study, form="txt")
    redacting.redact(two[0].turns[0], 0, "Überall", by=ada)
    claimed = Bundle.claim(bundle.id, lease_for=timedelta(seconds=15))
    assert claimed
    # All of it is written, and would be there in a moment.
    redacting.redact(two[1].turns[0], 9, "immer", by=ada)
    assert not claimed._end(Bundle.State.DONE, file="x", bytes=1, held=2)
    jobs.bundle(bundle.id)
    found = opened(adas, bundle)
    told = [found.read(name).decode() for name in found.namelist() if name[-4:] == ".txt"]
    assert not any("Überall, immer" in one for one in told)
    assert [sum(word in one for one in told) for word in ("Überall", "immer")] == [1, 1]
    # One that is there goes, as ever.
    redacting.redact(two[0].turns[0], 9, "immer", by=ada)
    assert not bundle.is_ready


def test_it_goes_after_a_week_and_with_its_study(
    app: Flask, settings: Settings, adas: FlaskClient, study: Study, two: list[Interview]
):
    jobs.bundle(asks(adas, study, form="txt").id)
    sweep.once(settings)
    assert len(on_disk(settings)) == 1
    with time_machine.travel(now() + KEPT_FOR + timedelta(minutes=1)):
        sweep.once(settings)
    assert on_disk(settings) == []
    assert Bundle.all_of(study) == []
    jobs.bundle(asks(adas, study, form="txt").id)
    removal.remove_study(study, app.extensions["storage"])
    assert on_disk(settings) == []
    assert db.session.scalars(select(Bundle)).all() == []


def test_a_cancelled_one_leaves_nothing_behind(
    app: Flask, settings: Settings, adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle, storage = asks(adas, study), app.extensions["storage"]
    claimed = Bundle.claim(bundle.id, lease_for=timedelta(seconds=15))
    assert claimed

    def cancel() -> None:
        adas.delete(f"/studies/{study.public_id}/exports/{claimed.public_id}")

    with pytest.raises(LeaseLost):
        claimed.run(storage=storage, lease_for=timedelta(seconds=15), announce=cancel)
    assert on_disk(settings) == []


def test_the_sound_that_nobody_had_made_yet_is_made_for_it(
    adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle = asks(adas, study, rendition=["sound", "mp4"])
    jobs.bundle(bundle.id)
    assert bundle.state is Bundle.State.DONE
    assert [name for name in opened(adas, bundle).namelist() if name.endswith(".m4a")]
    [made] = two[0].recording.renditions
    assert made.is_ready
    again = asks(adas, study, rendition="sound")
    jobs.bundle(again.id)
    assert two[0].recording.renditions == [made]


def test_what_is_made_for_one_that_is_cancelled_ends_with_it(
    app: Flask, settings: Settings, adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle, storage = asks(adas, study, rendition="sound"), app.extensions["storage"]
    claimed = Bundle.claim(bundle.id, lease_for=timedelta(seconds=15))
    assert claimed
    folder = two[0].recording.folder

    def cancel_once_it_is_being_made() -> None:
        if db.session.scalar(select(Rendition.progress)):
            adas.delete(f"/studies/{study.public_id}/exports/{claimed.public_id}")

    with pytest.raises(LeaseLost):
        claimed.run(
            storage=storage,
            ffmpeg=app.extensions["ffmpeg"],
            lease_for=timedelta(seconds=15),
            announce=cancel_once_it_is_being_made,
        )
    assert db.session.scalars(select(Rendition)).all() == []
    assert not list(settings.media.glob(f"{folder}/rendition*"))
    assert on_disk(settings) == []


def test_one_that_cannot_be_made_is_named_and_the_rest_is_packed(
    app: Flask, adas: FlaskClient, study: Study, two: list[Interview]
):
    app.extensions["storage"].path(two[0].recording.full_session or "").write_bytes(b"no recording")
    bundle = asks(adas, study, form="txt", rendition="sound")
    jobs.bundle(bundle.id)
    files = json.loads(opened(adas, bundle).read("manifest.json"))["files"]
    [left] = [one for one in files if one.get("left_out")]
    assert left["reason"] == "it could not be made; the interview says why"
    assert len(files) > 2


def test_a_full_disk_is_told_before_it_is_full(
    app: Flask, settings: Settings, adas: FlaskClient, study: Study, two: list[Interview]
):
    bundle = asks(adas, study)
    app.extensions["storage"]._kept_free = 1 << 60
    jobs.bundle(bundle.id)
    assert bundle.state is Bundle.State.FAILED
    assert "too full" in adas.get(f"/studies/{study.public_id}/exports").text
    assert on_disk(settings) == []


def test_what_is_not_in_the_storage_any_more_is_named(
    app: Flask, adas: FlaskClient, study: Study, two: list[Interview]
):
    app.extensions["storage"].delete(two[0].recording.full_session or "")
    bundle = asks(adas, study, recording="1")
    jobs.bundle(bundle.id)
    files = json.loads(opened(adas, bundle).read("manifest.json"))["files"]
    assert files[0]["left_out"]
    assert files[0]["reason"] == "not in the server's storage"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("con", "_con"),
        ("LPT1.txt", "_LPT1.txt"),
        ("../../etc/passwd", "etc passwd"),
        ("a\u202egpj.exe", "a gpj.exe"),
        ("Zoe\u0308", "Zoë"),
        ("ends. . ", "ends"),
        ("", "_"),
        ("…" * 99, "…" * 33),
    ],
)
def test_names_of_files_suit_every_system(typed: str, name: str):
    assert file_names.safe(typed) == name


def test_a_parcel_that_is_given_up_needs_no_more_room(tmp_path: Path):
    def gives_up() -> None:
        with parcel.Parcel(tmp_path / "one") as made:
            made.add("a.txt", b"a", at=now(), what="a")
            raise LeaseLost

    with pytest.raises(LeaseLost):
        gives_up()
    assert not zipfile.is_zipfile(tmp_path / "one")


def test_what_is_wanted_is_kept_as_it_was_chosen():
    wanted = Wanted(forms=("vtt",), recording=True, renditions=("mp4",))
    assert Wanted.from_json(json.loads(json.dumps(wanted.as_json()))) == wanted
