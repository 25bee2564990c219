"""Any order of right, wrong, repeated and broken-off requests, and servers that die in between:
the file is always the beginning of what was recorded, and nobody is told otherwise."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from werkzeug.test import TestResponse

from qualz.database import db
from qualz.part import HEADER, Part
from qualz.study import Study
from tests.room.conftest import Participant, checksum
from tests.room.test_uploads_protocol import breaks_off

# What a recorder produced: any sender sends slices of this and nothing else.
RECORDED = bytes(number * number % 251 for number in range(HEADER + 2000))
SIZES = st.integers(0, 300)
OFFSETS = st.integers(0, 2000) | st.integers(HEADER, HEADER + 2000)
CHECKSUMS = st.sampled_from([None, "sha1", "sha256"])


class Uploading(RuleBasedStateMachine):
    def __init__(self, app: Flask, study_id: int) -> None:
        super().__init__()
        self.participant = Participant(app.test_client())
        study = db.session.get(Study, study_id)
        assert study
        self.participant.consents(study)
        media: Path = app.extensions["settings"].media
        self.media = media
        self.length: int | None = None
        # As the sender knows them: what it was told is safe, and what the server may hold more.
        self.acknowledged = 0
        self.is_gone = False

    def teardown(self) -> None:
        db.session.rollback()

    # ---- what the server really has

    @property
    def part(self) -> Part | None:
        db.session.expire_all()
        name = self.upload.rpartition("/")[2]
        return db.session.query(Part).filter_by(public_id=name).one_or_none()

    @property
    def path(self) -> Path:
        return self.media / self.file

    @property
    def held(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""

    # ---- what happens

    @initialize(length=st.none() | st.integers(1, 2000), is_under_way=st.booleans())
    def create(self, length: int | None, is_under_way: bool) -> None:
        """Of one that is under way the header is there already."""
        if is_under_way:
            assert self.participant.arrives().status_code == 200
            length = None if length is None else HEADER + length
        known = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        answer = self.participant.client.post(
            f"{self.participant.room}/parts", headers={"Tus-Resumable": "1.0.0", **known}
        )
        assert answer.status_code == 201
        self.upload, self.length = answer.location, length
        assert self.part
        self.file = self.part.file
        if is_under_way:
            self._send(0, RECORDED[:HEADER], None)

    @rule(size=SIZES, algorithm=CHECKSUMS)
    def send_what_follows(self, size: int, algorithm: str | None) -> None:
        at = len(self.held)
        self._send(at, RECORDED[at : at + size], algorithm)

    @rule(
        at=st.integers(0, 2000) | st.integers(HEADER, HEADER + 2000),
        size=SIZES,
        algorithm=CHECKSUMS,
    )
    def send_from_anywhere(self, at: int, size: int, algorithm: str | None) -> None:
        """Repeats, overlaps and gaps."""
        self._send(at, RECORDED[at : at + size], algorithm)

    @rule(size=SIZES, back=st.integers(0, 50))
    def repeat_the_last(self, size: int, back: int) -> None:
        at = max(0, self.acknowledged - back)
        self._send(at, RECORDED[at : at + size], None)

    def _send(self, at: int, data: bytes, algorithm: str | None) -> None:
        before = self.held
        headers = {"Upload-Checksum": checksum(data, algorithm)} if algorithm else {}
        answer = self.participant.sends(self.upload, data, at, **headers)
        if self.is_gone:
            assert answer.status_code == 404
        elif at != len(before):
            self._is_told_the_offset(answer, before)
        elif self.length is not None and at + len(data) > self.length:
            assert answer.status_code == (410 if at == self.length else 413)
            assert self.held == before
        else:
            assert answer.status_code == 204
            assert answer.headers["Upload-Offset"] == str(at + len(data))
            self.acknowledged = at + len(data)

    @rule(size=st.integers(1, 300), algorithm=st.sampled_from(["sha1", "sha256"]))
    def send_what_was_changed_on_the_way(self, size: int, algorithm: str) -> None:
        before = self.held
        right = RECORDED[len(before) : len(before) + size]
        wrong = bytes(byte ^ 1 for byte in right) or b"x"
        headers = {"Upload-Checksum": checksum(right, algorithm)}
        answer = self.participant.sends(self.upload, wrong, len(before), **headers)
        assert answer.status_code in ((404,) if self.is_gone else (460, 410, 413))
        assert self.held == before

    @rule(size=SIZES, algorithm=CHECKSUMS)
    def send_and_break_off(self, size: int, algorithm: str | None) -> None:
        before, at = self.held, len(self.held)
        came = RECORDED[at : at + size]
        headers = {"Upload-Checksum": checksum(came, algorithm)} if algorithm else {}
        answer = breaks_off(self.participant, self.upload, came, at, **headers)
        if answer.status_code == 409:
            kept = b"" if algorithm else came
            assert self.held == before + kept
            self._is_told_the_offset(answer, self.held)
        else:
            assert answer.status_code in ((404,) if self.is_gone else (410, 413))
            assert self.held == before

    @precondition(lambda self: not self.is_gone)
    @rule(size=st.integers(1, 300))
    def die_between_writing_and_committing(self, size: int) -> None:
        """The file is longer than the database knows, and nobody was answered."""
        at = len(self.held)
        end = min(at + size, self.length or len(RECORDED))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(RECORDED[at:end])

    @rule()
    def ask(self) -> None:
        answer = self.participant.asks(self.upload)
        if self.is_gone:
            assert answer.status_code == 404
            return
        self._is_told_the_offset(answer, self.held, status=200)
        part = self.part
        assert part
        # Whatever a process that died left behind is found now.
        assert part.bytes_durable == len(self.held)
        if self.length is None:
            assert answer.headers["Upload-Defer-Length"] == "1"
        else:
            assert answer.headers["Upload-Length"] == str(self.length)
            assert part.is_open == (len(self.held) < self.length)

    @rule(more=st.integers(-100, 300))
    def say_the_length(self, more: int) -> None:
        """With an empty append, as a client may once its source has ended."""
        length = len(self.held) + more
        if length < 0:
            return
        said = {"Upload-Length": str(length)}
        answer = self.participant.sends(self.upload, b"", len(self.held), **said)
        if self.is_gone:
            assert answer.status_code == 404
        elif more < 0 or self.length not in (None, length):
            assert answer.status_code == 400
        else:
            assert answer.status_code == 204
            self.length, self.acknowledged = length, len(self.held)

    @rule(more=st.integers(0, 300))
    def close(self, more: int) -> None:
        length = len(self.held) + more
        answer = self.participant.closes(self.upload, length)
        assert answer.status_code == (404 if self.is_gone else 204)
        if not self.is_gone and self.length is None:
            self.length = length

    @rule()
    def take_it_back(self) -> None:
        part = self.part
        answer = self.participant.client.delete(self.upload, headers={"Tus-Resumable": "1.0.0"})
        if part is None:
            assert answer.status_code == 404
        elif part.is_open:
            assert answer.status_code == 204
            self.is_gone, self.acknowledged = True, 0
        else:
            assert answer.status_code == 403

    def _is_told_the_offset(self, answer: TestResponse, held: bytes, status: int = 409) -> None:
        assert answer.status_code == status
        assert answer.headers["Upload-Offset"] == str(len(held))
        assert self.held == held
        self.acknowledged = len(held)

    # ---- what is always true

    @invariant()
    def the_file_is_the_beginning_of_what_was_recorded(self) -> None:
        if hasattr(self, "file"):
            held = self.held
            assert held == RECORDED[: len(held)]
            assert len(held) >= self.acknowledged
            assert self.length is None or len(held) <= self.length
            assert not (self.is_gone and self.path.exists())

    @invariant()
    def the_database_never_promises_more_than_the_file_holds(self) -> None:
        if hasattr(self, "file") and not self.is_gone:
            part = self.part
            assert part
            assert self.acknowledged <= part.bytes_durable <= len(self.held)
            assert part.length == self.length


def test_uploads(app: Flask, study: Study) -> None:
    run_state_machine_as_test(
        partial(Uploading, app, study.id),
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            # Twenty steps can be read as they are; to find fewer takes minutes of syncing.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
