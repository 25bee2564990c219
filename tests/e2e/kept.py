"""What is left of an interview when all is over, found in the server's files and database."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from av.container import InputContainer
from playwright.sync_api import Page

from tests.e2e.proxy import Network
from tests.e2e.recorded import seconds_of
from tests.e2e.server import Server, eventually
from tests.e2e.witness import Witness

MERGED = 60


class Kept:
    """One interview's parts and Full Session."""

    def __init__(self, server: Server, page: Page) -> None:
        self.server = server
        found = re.search(r"/room/([^/?#]+)", page.url)
        assert found, f"{page.url} is no room"
        self.interview = found[1]

    @property
    def folder(self) -> Path:
        return self.server.data / "media" / "interviews" / self.interview

    @property
    def parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*"))

    @property
    def end_reasons(self) -> list[str]:
        return [row[0] for row in self._of_parts("end_reason")]

    @property
    def recorded_seconds(self) -> list[float]:
        """How long each part was, by its recorder's clock."""
        return [row[0] / 1000 for row in self._of_parts("stored_ms")]

    @property
    def is_whole(self) -> bool:
        """Whether each part's browser has said how long it is, and all of it is here."""
        return all(held == length for held, length in self._of_parts("bytes_durable, length"))

    def _of_parts(self, columns: str) -> list[tuple[Any, ...]]:
        return self.server.ask(
            f"""SELECT {columns} FROM parts
                JOIN recordings ON recordings.id = parts.recording_id
                JOIN interviews ON interviews.id = recordings.interview_id
                WHERE interviews.public_id = ? ORDER BY parts.number""",
            self.interview,
        )

    def _of_interview(self, columns: str) -> tuple[Any, ...]:
        [row] = self.server.ask(
            f"""SELECT {columns} FROM interviews
                JOIN recordings ON recordings.interview_id = interviews.id
                WHERE interviews.public_id = ?""",
            self.interview,
        )
        return row

    @property
    def typed_answers(self) -> list[str]:
        """Without what was said aloud before: that belongs to the answer, and has no words."""
        rows = self.server.ask(
            """SELECT text FROM turns JOIN interviews ON interviews.id = turns.interview_id
               WHERE interviews.public_id = ? AND manner = 'typed' AND text <> ''
               ORDER BY turns.position""",
            self.interview,
        )
        return [row[0] for row in rows]

    @property
    def state(self) -> str:
        return str(self._of_interview("interviews.state")[0])

    @property
    def is_away(self) -> bool:
        """Whether the server knows that the participant is gone."""
        return self._of_interview("interviews.away_since")[0] is not None

    @property
    def drop_causes(self) -> list[str]:
        return [row[0] for row in self._of_drops("cause")]

    def was_noticed_to_drop(self, *, since: float, within: float) -> None:
        [(text,)] = eventually(lambda: self._of_drops("noticed_at"), what="the server notices")
        noticed = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        assert noticed - since <= within, f"noticed only after {noticed - since:.1f} s"

    def _of_drops(self, columns: str) -> list[tuple[Any, ...]]:
        return self.server.ask(
            f"""SELECT {columns} FROM drops JOIN interviews ON interviews.id = drops.interview_id
                WHERE interviews.public_id = ? ORDER BY drops.id""",
            self.interview,
        )

    # ---- nothing is lost

    def has_lost_nothing(self, network: Network, witness: Witness) -> Path:
        """What one browser recorded behind one network is all there, and plays as one."""
        full_session = self.becomes_a_full_session()
        self.holds_all_that_was_acknowledged(network)
        self.is_all_that_was_recorded(witness)
        return full_session

    def has_lost_at_most_the_timeslice_in_flight(
        self, network: Network, *witnesses: Witness, of_part: int
    ) -> Path:
        """The same, but that part's page was gone before its last chunk was kept."""
        full_session = self.becomes_a_full_session()
        self.holds_all_that_was_acknowledged(network)
        self.is_all_but_the_timeslice_in_flight(*witnesses, of_part=of_part)
        return full_session

    def holds_all_that_was_acknowledged(self, *networks: Network) -> None:
        """Every byte that the server answered for lies in its files, where it belongs."""
        files = {path.stem.split("-", 2)[2]: path.read_bytes() for path in self.parts}
        seen = 0
        for network in networks:
            for upload, held in network.promised.items():
                assert len(files.get(upload, b"")) >= held, f"{upload} was promised to hold {held}"
            for upload, pieces in network.acknowledged.items():
                for offset, body in pieces:
                    stored = files[upload][offset : offset + len(body)]
                    assert sha256(stored).digest() == sha256(body).digest()
                    seen += len(body)
        assert seen > 0, "nothing passed by the witness"

    def is_all_that_was_recorded(self, *witnesses: Witness) -> None:
        """Each run of a recorder is a part, byte for byte: nothing was lost. And where one browser
        recorded it all, the parts are in the order of the runs."""
        recorded = [_named(b"".join(run)) for witness in witnesses for run in witness.runs]
        stored = [_named(path.read_bytes()) for path in self.parts]
        if len(witnesses) > 1:
            recorded.sort()
            stored.sort()
        assert recorded == stored, f"recorded {recorded}, stored {stored}"

    def is_all_but_the_timeslice_in_flight(self, *witnesses: Witness, of_part: int) -> None:
        """As above, but for the last chunk of one part."""
        runs = [run for witness in witnesses for run in witness.runs]
        stored = [path.read_bytes() for path in self.parts]
        left = stored.pop(of_part - 1)
        chunks = runs.pop(of_part - 1)
        assert left.startswith(b"".join(chunks[:-1])), f"{len(left)} of {list(map(len, chunks))}"
        assert [_named(b"".join(run)) for run in runs] == [_named(part) for part in stored]

    # ---- it plays as one

    def becomes_a_full_session(
        self, *, newer_than: Path | None = None, of_what_is_there: bool = False
    ) -> Path:
        """Waits until all has arrived and it is made, and is sure that it plays as one."""

        def is_ready() -> Path | None:
            state, name = self._of_interview("recordings.state, recordings.full_session")
            if state == "failed":
                raise AssertionError("the merge failed")
            if state != "ready" or not (self.is_whole or of_what_is_there):
                return None
            made = self.server.data / "media" / name
            return made if made != newer_than else None

        path = eventually(is_ready, within=MERGED, what="a Full Session is made") or Path()
        recorded = sum(seconds_of(part) for part in self.parts)
        with av.open(str(path)) as container:
            assert container.duration, "it does not know how long it is"
            seconds = container.duration / av.time_base
            assert seconds == pytest.approx(recorded, abs=0.2), f"{seconds} of {recorded} s"
            container.seek(container.duration // 2)
            heard = _moments(container)
        # From where it was sought to the very end, without a hole that no recorder left.
        # WebM's clock ticks in milliseconds, and the seek was rounded to one.
        assert heard[0] <= seconds / 2 + 0.001, f"sought {seconds / 2}, found {heard[0]}"
        assert heard[-1] == pytest.approx(seconds, abs=0.2), f"{heard[-1]} of {seconds} s"
        assert _longest_hole(heard) <= max(map(_longest_hole_in, self.parts)) + 0.1
        return path

    def chapters_of(self, full_session: Path) -> list[str]:
        with av.open(str(full_session)) as container:
            return [chapter["metadata"]["title"] for chapter in container.chapters()]


def _moments(container: InputContainer) -> list[float]:
    return [frame.time for frame in container.decode(audio=0) if frame.time is not None]


def _longest_hole(moments: list[float]) -> float:
    return max((after - at for at, after in pairwise(moments)), default=0.0)


def _longest_hole_in(part: Path) -> float:
    with av.open(str(part)) as container:
        return _longest_hole(_moments(container))


def _named(data: bytes) -> tuple[int, str]:
    """Short enough to be read where a test fails."""
    return len(data), sha256(data).hexdigest()[:16]
