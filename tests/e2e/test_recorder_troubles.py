"""Microphones, cameras and recorders fail, and the interview goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from qualz.database import db
from qualz.guide import FollowUp, Question
from qualz.study import Camera, Study
from tests.e2e.actors import Participant
from tests.e2e.broken_devices import BrokenDevices
from tests.e2e.conftest import adas_account, inside
from tests.e2e.recorded import has_picture, seconds_of
from tests.e2e.server import Server, eventually

QUESTIONS = ["How do you search?", "What annoys you?"]
WEBM, MP4 = "video/webm", "video/mp4"


@pytest.fixture(scope="module")
def links(server: Server) -> dict[Camera, str]:
    """Two studies: one records sound, the other one the camera too."""
    addresses = {}
    with inside(server):
        for camera in (Camera.DISABLED, Camera.ON_BY_DEFAULT):
            study = Study.start(adas_account(), title=f"Camera {camera}", camera=camera)
            study.revise_guide(
                [
                    Question(id=f"q{number}", text=text, follow_up=FollowUp.NEVER)
                    for number, text in enumerate(QUESTIONS)
                ]
            )
            study.open()
            db.session.commit()
            addresses[camera] = f"{server.url}/i/{study.invitation.token}"
    return addresses


@pytest.fixture
def devices(participant: Participant) -> BrokenDevices:
    return BrokenDevices(participant)


@pytest.fixture
def comes(participant: Participant, links: dict[Camera, str]) -> Callable[..., None]:
    def come(*, camera: bool = False) -> None:
        participant.opens(links[Camera.ON_BY_DEFAULT if camera else Camera.DISABLED])
        participant.consents()
        participant.presses("Start the interview")
        # Some browsers take a few attempts before they record.
        expect(participant.room).to_have_attribute("data-state", "live", timeout=30_000)

    return come


class Recorded:
    """What has arrived of the newest interview."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def _rows(self, columns: str) -> list[tuple[Any, ...]]:
        return self.server.ask(
            f"""SELECT {columns} FROM parts
                JOIN recordings ON recordings.id = recording_id
                WHERE interview_id = (SELECT max(id) FROM interviews) ORDER BY parts.number"""
        )

    @property
    def reasons(self) -> list[str | None]:
        return [reason for (reason,) in self._rows("end_reason")]

    @property
    def types(self) -> list[str]:
        return [kind for (kind,) in self._rows("reported_type")]

    @property
    def files(self) -> list[Path]:
        [(public_id,)] = self.server.ask(
            "SELECT public_id FROM interviews ORDER BY id DESC LIMIT 1"
        )
        folder = self.server.data / "media" / "interviews" / public_id
        return sorted(folder.glob("part-*"))

    def is_whole(self) -> bool:
        """Every part that was begun was ended, and all of it is here."""
        rows = self._rows("length, bytes_durable")
        return bool(rows) and all(length and length == durable for length, durable in rows)


@pytest.fixture
def recorded(server: Server) -> Recorded:
    return Recorded(server)


def line(participant: Participant) -> Any:
    return participant.page.locator("[data-piece=hint]")


def test_a_type_without_bytes_gives_way_to_the_next(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    """The participant is let in once bytes come, so nothing is said into the void."""
    devices.has_a_recorder_without_bytes(WEBM)
    comes(camera=True)
    participant.is_recorded(seconds=3)
    tried = devices.tried
    assert [attempt["type"].split(";")[0] for attempt in tried] == [WEBM, WEBM, MP4]
    assert tried[1]["at"] - tried[0]["at"] < 5_000
    expect(line(participant)).to_have_text("")

    participant.page.reload()
    participant.is_in_the_room()
    participant.is_recorded(seconds=3)
    assert [attempt["type"].split(";")[0] for attempt in devices.tried] == [MP4]
    participant.page.close()
    assert all(kind.startswith(MP4) for kind in recorded.types)
    assert len(recorded.types) == 2


@pytest.mark.long
def test_a_browser_that_records_no_picture_records_the_voice(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    devices.has_a_recorder_without_bytes("video")
    comes(camera=True)
    expect(line(participant)).to_contain_text("could not record the picture")
    expect(participant.camera_switch).to_have_attribute("aria-checked", "false")
    participant.is_recorded(seconds=1)
    assert recorded.types == ["audio/webm;codecs=opus"]


def test_a_browser_that_records_nothing_lets_type(
    participant: Participant, devices: BrokenDevices, comes: Callable[..., None], recorded: Recorded
):
    devices.has_a_recorder_without_bytes("audio", "video")
    comes()
    expect(line(participant)).to_contain_text("This browser could not record. You can type")
    participant.page.get_by_label("Your answer").fill("By typing")
    participant.presses("Send")
    participant.hears(QUESTIONS[1])
    assert recorded.types == []


def test_another_microphone_takes_over_from_one_that_was_unplugged(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    comes()
    participant.is_recorded(seconds=1)
    began = time.monotonic()
    devices.unplugs("audio")
    devices.waits_for_recorder(2)
    assert time.monotonic() - began < 2
    expect(line(participant)).to_have_text(
        re.compile(r"microphone was disconnected. We go on with Fake .*said is safe")
    )
    participant.is_recorded(seconds=1)
    participant.answers_aloud(seconds=1)
    participant.hears(QUESTIONS[1])
    participant.answers_aloud(seconds=1)
    participant.finishes()
    eventually(recorded.is_whole)
    assert recorded.reasons == ["device_change", "finished"]
    assert all(seconds_of(file) > 0.5 for file in recorded.files)


def test_where_there_is_no_other_one_the_device_check_waits_for_it(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    comes()
    participant.is_recorded(seconds=1)
    devices.refuses("NotFoundError")
    devices.unplugs("audio")
    participant.sees("We cannot find a microphone")
    participant.sees("Everything you said so far is safe")
    devices.refuses(None)
    devices.plugs_in()
    participant.passes_the_device_check()
    participant.hears(QUESTIONS[0])
    participant.is_recorded(seconds=1)
    assert recorded.reasons[0] == "device_change"


@pytest.mark.long
def test_a_microphone_that_the_system_mutes_is_said_and_waited_for(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    comes(camera=True)
    participant.is_recorded(seconds=1)
    devices.mutes("audio")
    expect(line(participant)).to_contain_text("muted by the system", timeout=6_000)
    # Chrome's recorder stands still then, with a picture or without, and is ended for it.
    eventually(lambda: recorded.reasons[0], within=10)
    devices.mutes("audio", False)
    expect(line(participant)).not_to_contain_text("muted by the system")
    expect(participant.room).to_have_attribute("data-recording", "true", timeout=10_000)
    participant.is_recorded(seconds=1)
    assert all(has_picture(file) for file in recorded.files)


@pytest.mark.long
def test_a_microphone_that_dries_up_is_opened_anew(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    comes()
    participant.is_recorded(seconds=1)
    began = time.monotonic()
    devices.dries_up("audio")
    devices.waits_for_recorder(2)
    assert time.monotonic() - began < 9
    expect(line(participant)).to_contain_text("say your last sentence again")
    participant.is_recorded(seconds=1)
    assert recorded.reasons == ["recorder_error", None]


@pytest.mark.long
def test_a_camera_without_a_picture_never_costs_the_voice(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    comes(camera=True)
    participant.is_recorded(seconds=1)
    devices.mutes("video")
    devices.waits_for_recorder(2)
    expect(line(participant)).to_contain_text("your voice is recorded")
    participant.is_recorded(seconds=1)
    devices.mutes("video", False)
    eventually(lambda: len(recorded.types) == 3)
    participant.is_recorded(seconds=1)
    participant.page.close()
    files = recorded.files
    assert [has_picture(file) for file in files] == [True, False, True]
    # What Chrome held back while it waited for a picture was got when it was stopped.
    assert seconds_of(files[0]) > 4


def test_an_unplugged_camera_leaves_the_voice(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    comes(camera=True)
    participant.is_recorded(seconds=1)
    devices.unplugs("video")
    devices.waits_for_recorder(2)
    expect(line(participant)).to_contain_text("Your camera stopped. We go on with your voice")
    expect(participant.camera_switch).to_have_attribute("aria-checked", "false")
    participant.is_recorded(seconds=1)
    assert recorded.reasons == ["camera_switch", None]


def test_a_recorder_that_reports_an_error_is_replaced(
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    comes()
    participant.is_recorded(seconds=1)
    devices.breaks_the_recorder()
    devices.waits_for_recorder(2)
    expect(line(participant)).to_contain_text("paused for a moment")
    participant.is_recorded(seconds=1)
    assert recorded.reasons == ["recorder_error", None]


@pytest.mark.long
def test_a_microphone_that_hears_nothing_is_said(
    participant: Participant, devices: BrokenDevices, comes: Callable[..., None]
):
    """It may be muted by its own switch, of which a browser knows nothing."""
    devices.hears_only_silence()
    comes()
    expect(line(participant)).to_contain_text("We hear nothing", timeout=30_000)
    assert len(devices.tried) == 1


@pytest.mark.long
def test_a_hidden_page_goes_on_recording(
    server: Server,
    participant: Participant,
    devices: BrokenDevices,
    comes: Callable[..., None],
    recorded: Recorded,
):
    """Its timers come once a minute, and neither it nor the server takes that for a drop."""
    comes()
    participant.is_recorded(seconds=1)
    devices.hides_the_page()
    # Longer than a drop is taken for a short one.
    for _ in range(3):
        participant.is_recorded(seconds=12)
    [(state,)] = server.ask("SELECT state FROM interviews ORDER BY id DESC LIMIT 1")
    assert state == "live"
    assert recorded.reasons == [None]
    assert len(devices.tried) == 1
    devices.dries_up("audio")
    began = time.monotonic()
    devices.waits_for_recorder(2)
    assert time.monotonic() - began < 9
