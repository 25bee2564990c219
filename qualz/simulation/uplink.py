"""Brings a participant's parts to the server: tus 1.0, an upload each, as the room's page does."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from qualz.part import EndReason
from qualz.simulation.network import Network
from qualz.simulation.take import SLICE, Media, Take
from qualz.simulation.tally import CHANCE, Tally
from qualz.simulation.wire import Answer

MOST = 1024 * 1024  # bytes at once, as the page
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0  # seconds between attempts
PACE = re.compile(rb"(?i)\r\nupload-pace: *([\d.]+)")
NUMBER = re.compile(rb"(?i)\r\npart-number: *(\d+)")
LOCATION = re.compile(rb"(?i)\r\nlocation: *([^\r]+)")


class Unexpected(Exception):
    """An answer that a participant does not get where all is well."""


@dataclass
class Part:
    """One run of the recorder. All that it wrote waits here until the server holds it."""

    key: str
    take: Take
    reported_type: str
    first_at: float | None = None  # when its first slice was handed over
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    recorded: int = 0  # slices
    acknowledged: int = 0  # bytes
    upload: str = ""
    number: int = 0
    reason: EndReason | None = None
    is_closed: bool = False
    is_sure: bool = False
    next_at: float = 0.0  # when the server wants to hear of it again

    @property
    def length(self) -> int:
        return self.take.length(self.recorded)

    def hand_over(self, now: float) -> None:
        """The recorder hands over its next slice; `now` may be when it should have."""
        self.first_at = self.first_at or now
        self.recorded += 1

    def handed_over_at(self, n: int) -> float:
        return (self.first_at or 0.0) + n * SLICE / 1000

    @property
    def name(self) -> str:
        """The upload's, as the server knows it."""
        return self.upload.rpartition("/")[2]


class Uplink:
    def __init__(self, network: Network, room: str, media: Media, tally: Tally) -> None:
        self.parts: list[Part] = []
        self.more = asyncio.Event()
        self._network = network
        self._room = room
        self._media = media
        self._tally = tally

    def begin_part(self, key: str) -> Part:
        take = Take(self._media, CHANCE.getrandbits(64))
        part = Part(key, take, self._media.reported_type)
        self.parts.append(part)
        self.more.set()
        return part

    @property
    def waiting(self) -> int:
        return sum(part.length - part.acknowledged for part in self.parts)

    @property
    def is_drained(self) -> bool:
        return all(part.is_closed for part in self.parts)

    async def run(self) -> None:
        """Send whatever there is, the oldest first, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            self.more.clear()
            part = next((part for part in self.parts if _is_due(part)), None)
            if part is None:
                await self.more.wait()
                continue
            began = time.monotonic()
            try:
                await self._step(part)
                pause = FIRST_PAUSE
            except (OSError, Unexpected) as trouble:
                part.is_sure = False
                if self._network.was_away_since(began):
                    await self._network.up.wait()
                    continue
                self._tally.errors[f"upload: {_told(trouble)}"] += 1
                await asyncio.sleep(pause * CHANCE.uniform(0.5, 1.5))
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _step(self, part: Part) -> None:
        if not part.upload and part.reason and not part.recorded:
            # The server never hears of what has nothing in it.
            part.is_closed = True
        elif not part.upload:
            await self._create(part)
        elif not part.is_sure:
            held = _offset(await self._tus("HEAD", part.upload), 200)
            if held < part.acknowledged:
                raise Unexpected("fewer bytes than were acknowledged")
            part.acknowledged, part.is_sure = held, True
        elif part.acknowledged < part.length:
            if (left := self._left(part)) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.more.wait(), left)
            else:
                await self._append(part)
        else:
            await self._close(part)

    @staticmethod
    def _left(part: Part) -> float:
        """Seconds until the next chunk; what has ended, or piled up, waits for nobody."""
        if part.reason or part.length - part.acknowledged >= MOST:
            return 0.0
        return part.next_at - time.monotonic()

    async def _create(self, part: Part) -> None:
        told = {
            "key": part.key,
            "filetype": part.reported_type,
            "camera": "true" if self._media.has_camera else "false",
            "device": "desktop",
            "startedAt": part.began_at.isoformat(timespec="milliseconds"),
        }
        pairs = (f"{name} {_base64(value.encode())}" for name, value in told.items())
        answer = await self._tus(
            "POST",
            f"{self._room}/parts",
            Upload_Defer_Length="1",
            Upload_Metadata=",".join(pairs),
        )
        number, location = NUMBER.search(answer.head), LOCATION.search(answer.head)
        if answer.status != 201 or not number or not location:
            raise Unexpected(f"{answer.status} to a new part")
        part.number, part.upload = int(number[1]), location[1].decode().strip()
        part.is_sure = True

    async def _append(self, part: Part) -> None:
        at = part.acknowledged
        first = part.take.slices_within(at)
        body, after = part.take.read(at, part.recorded, MOST)
        began, due = time.monotonic(), max(part.handed_over_at(first), part.next_at)
        self._tally.bytes_sent += len(body)
        self._tally.requests += 1
        answer = await self._tus(
            "PATCH",
            part.upload,
            body,
            Content_Type="application/offset+octet-stream",
            Upload_Offset=str(at),
            Upload_Checksum=f"sha256 {_base64(hashlib.sha256(body).digest())}",
            Recorded_Until=str(after * SLICE),
        )
        durable = _offset(answer, 204)
        if durable != at + len(body):
            raise Unexpected("an offset that is not the end of what was sent")
        part.acknowledged = durable
        now, pace = time.monotonic(), PACE.search(answer.head)
        part.next_at = began + float(pace[1]) if pace else 0.0
        # What waited for the network waited for nobody else.
        if not self._network.was_away_since(due):
            self._tally.chunks.note(now - due)
        for n in range(first, after):
            if not self._network.was_away_since(part.handed_over_at(n)):
                self._tally.safe.note(now - part.handed_over_at(n))

    async def _close(self, part: Part) -> None:
        end = {
            "length": part.length,
            "reason": part.reason,
            "endedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "ms": part.recorded * SLICE,
            "until": part.recorded * SLICE,
        }
        body = json.dumps(end).encode()
        address = f"{part.upload}/closure"
        answer = await self._tus("PUT", address, body, Content_Type="application/json")
        if answer.status != 204:
            raise Unexpected(f"{answer.status} to a part's end")
        part.is_closed = True

    async def _tus(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        return await self._network.ask(
            method, path, body, kept=True, Tus_Resumable="1.0.0", **headers
        )


def _is_due(part: Part) -> bool:
    if part.is_closed:
        return False
    return not part.upload or part.acknowledged < part.length or part.reason is not None


def _offset(answer: Answer, wanted: int) -> int:
    if answer.status != wanted or answer.offset is None:
        raise Unexpected(f"{answer.status} to bytes of a part")
    return answer.offset


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _told(trouble: Exception) -> str:
    if isinstance(trouble, TimeoutError):
        return "no answer in time"
    return str(trouble) if isinstance(trouble, Unexpected) else type(trouble).__name__
