"""One participant: agrees, is in the room, records, answers, loses the network and comes back."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from qualz.part import EndReason
from qualz.settings import GRACE
from qualz.simulation.network import Network
from qualz.simulation.take import SLICE, Media
from qualz.simulation.tally import CHANCE, Outage, Tally
from qualz.simulation.uplink import Part, Unexpected, Uplink
from qualz.simulation.wire import Answer, Host, Line

BEAT = 2  # seconds
TRIES = 5  # at the door and for an answer, one second apart at first
LAST_WORDS = 30.0  # seconds that the tail of a recording may take at the end
KINDS = ("cut", "silent", "closed")
SHOWN = re.compile(rb'name="shown" value="([^"]*)"')
TO = re.compile(rb'name="to" value="(\d+)"')
COOKIE = re.compile(rb"(?i)\r\nset-cookie: *([^=\s]+)=([^;\r]*)")
LOCATION = re.compile(rb"(?i)\r\nlocation: *(?:https?://[^/\r]+)?(/[^\r]*)")
ANSWERS = (
    "I mostly look at two or three pages and then ask a colleague who has done it before.",
    "It depends on the day. In the morning I have time to compare, later I take the first one.",
    "What annoys me is that I have to type the same thing again after every step.",
    "Last week I gave up half way and went back to the old way, which at least I know.",
)


@dataclass(frozen=True)
class Script:
    """What all participants have in common. Times in seconds."""

    host: Host
    door: str
    media: Media
    drops_a_minute: float = 0.5
    longest_drop: float = 15.0
    answer_every: float = 30.0
    access_code: str = ""
    from_many_addresses: bool = False


class Participant:
    def __init__(self, number: int, script: Script, tally: Tally) -> None:
        self.id = ""
        self._number = number
        self._script = script
        self._tally = tally
        self._cookies: dict[str, str] = {}
        self._place = ""
        self._part: Part | None = None
        self._line: Line | None = None
        self._is_opening = False
        self._outage: Outage | None = None
        more = {"X-Forwarded-For": _address(number)} if script.from_many_addresses else {}
        self._network = Network(script.host, self._told_cookies, more)
        self.uplink: Uplink | None = None

    @property
    def parts(self) -> list[Part]:
        return self.uplink.parts if self.uplink else []

    async def take_part(self, stop: asyncio.Event) -> None:
        """From the door to the end, which comes when `stop` is set."""
        if not await self._tried(self._agree, "door"):
            return
        self._tally.entered += 1
        self.uplink = Uplink(self._network, f"/room/{self.id}", self._script.media, self._tally)
        background = [asyncio.create_task(self.uplink.run()), asyncio.create_task(self._tick())]
        life: list[asyncio.Task[None]] = []
        try:
            await self._arrive("first")
            life += [asyncio.create_task(act()) for act in (self._converse, self._suffer)]
            await stop.wait()
            await _ended(life)
            await self._finish()
        finally:
            await _ended([*life, *background])
            self._network.cut()

    # ---- at the door

    async def _agree(self) -> None:
        script = self._script
        page = await self._network.ask("GET", script.door)
        shown = SHOWN.search(page.body)
        if page.status != 200 or not shown:
            raise Unexpected(f"{page.status} instead of the page to agree on")
        self._keep_cookies(page)
        form = {"shown": shown[1].decode(), "consent": "yes", "code": script.access_code}
        if script.media.has_camera:
            form["camera"] = "yes"
        answer = await self._submit(script.door, form)
        room = LOCATION.search(answer.head)
        if answer.status == 429:
            raise Unexpected("429: too many interviews begun from this address within the hour")
        if answer.status != 303 or not room:
            raise Unexpected(f"{answer.status} to agreeing")
        self._keep_cookies(answer)
        self.id = room[1].decode().rpartition("/")[2]

    def _keep_cookies(self, answer: Answer) -> None:
        self._cookies |= {n.decode(): v.decode() for n, v in COOKIE.findall(answer.head)}

    def _told_cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    # ---- in the room

    async def _arrive(self, came: str) -> None:
        """A new page takes a place of its own; one that is back still has its place."""
        if came != "return":
            self._place = uuid4().hex
        told = {"place": self._place, "page": self._place, "came": came, "takeOver": True}
        if not await self._tried(partial(self._say, "POST", "arrivals", told), "arrival"):
            return
        assert self.uplink  # nosec B101 # tells the type checker what is so
        self._part = self.uplink.begin_part(uuid4().hex)
        self._open_line()

    async def _tick(self) -> None:
        """Each second something was recorded, each other second a heartbeat goes out."""
        due, n = time.monotonic() + CHANCE.random(), 0
        while True:
            await asyncio.sleep(due - time.monotonic())
            self._tally.late.note(max(0.0, time.monotonic() - due))
            if self._part and self.uplink:
                self._part.hand_over(due)
                self.uplink.more.set()
            due, n = due + SLICE / 1000, n + 1
            if n % BEAT == 0:
                self._beat()

    def _beat(self) -> None:
        line = self._line
        if line is None or line.transport.is_closing():
            self._open_line()
            return
        if not self._network.up.is_set():
            return
        part = self._part
        report = {
            "recording": part is not None,
            "paused": False,
            "muted": False,
            "waiting": self.uplink.waiting if self.uplink else 0,
            "part": part.number if part else 0,
            "level": round(CHANCE.random(), 2),
            "ms": part.recorded * SLICE if part else 0,
        }
        line.ask("heartbeat", report).add_done_callback(partial(self._heard, time.monotonic()))

    def _heard(self, asked: float, answer: asyncio.Future[Any]) -> None:
        if answer.cancelled() or answer.exception():
            if not self._network.was_away_since(asked):
                self._tally.errors["heartbeat: not answered"] += 1
        elif answer.result() == {"here": True}:
            self._tally.heartbeats.note(time.monotonic() - asked)
        else:
            self._tally.errors["heartbeat: no longer here"] += 1

    def _open_line(self) -> None:
        if self._part and self._network.up.is_set() and not self._is_opening:
            self._is_opening = True
            self._opening = asyncio.create_task(self._opened())

    async def _opened(self) -> None:
        began = time.monotonic()
        try:
            auth = {"interview": self.id, "place": self._place}
            self._line = await self._network.line("/room", auth)
            self._beat()
        except OSError as trouble:
            if not self._network.was_away_since(began):
                self._tally.errors[f"socket: {type(trouble).__name__}"] += 1
        finally:
            self._is_opening = False

    # ---- what happens to them

    async def _suffer(self) -> None:
        if not self._script.drops_a_minute:
            return
        while True:
            await asyncio.sleep(CHANCE.expovariate(self._script.drops_a_minute / 60))
            kind = CHANCE.choice(KINDS)
            with self._away(kind):
                await self._miss(kind, CHANCE.uniform(0.5, self._script.longest_drop))
            if self._part is None:
                await self._arrive("crashed" if kind == "closed" else "return")

    @contextmanager
    def _away(self, kind: str) -> Iterator[None]:
        outage = Outage(self.id, kind, time.time())
        if kind == "silent":
            self._network.fall_silent()
        else:
            self._network.cut()
        try:
            yield
        finally:
            outage.ended = time.time()
            self._tally.outages.append(outage)
            self._network.come_back()

    async def _miss(self, kind: str, seconds: float) -> None:
        """A page that is gone records nothing more; one without a network does until its grace."""
        grace = GRACE.total_seconds()
        if kind == "closed":
            self._stop_recording(EndReason.CRASHED)
        elif seconds > grace:
            await asyncio.sleep(grace)
            self._stop_recording(EndReason.DROP)
            seconds -= grace
        await asyncio.sleep(seconds)

    def _stop_recording(self, reason: EndReason) -> None:
        if self._part and self.uplink:
            self._part.reason = reason
            self._part = None
            self.uplink.more.set()

    async def _converse(self) -> None:
        if not self._script.answer_every:
            return
        path, standing = f"/room/{self.id}", ""
        while True:
            with suppress(OSError, Unexpected):
                if not standing:
                    page = await self._network.ask("GET", f"{path}/question")
                    standing = _position(page)
                await asyncio.sleep(self._script.answer_every * CHANCE.uniform(0.5, 1.5))
                said = {"key": uuid4().hex, "to": standing, "text": CHANCE.choice(ANSWERS)}
                standing = _position(await self._submit(f"{path}/turns", said))
                self._tally.answers += 1
                continue
            # No network, or the last question was answered.
            standing = ""
            await asyncio.sleep(self._script.answer_every)

    # ---- the end

    async def _finish(self) -> None:
        """The tail of the recording is sent, then the interview is over."""
        assert self.uplink  # nosec B101 # tells the type checker what is so
        self._stop_recording(EndReason.FINISHED)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                while not self.uplink.is_drained:
                    await asyncio.sleep(0.1)
        if await self._tried(partial(self._say, "PUT", "ending", {"early": True}), "ending"):
            self._tally.ended += 1

    # ---- how they speak

    async def _say(self, method: str, what: str, told: dict[str, Any]) -> None:
        path, body = f"/room/{self.id}/{what}", json.dumps(told).encode()
        answer = await self._network.ask(method, path, body, Content_Type="application/json")
        if answer.status not in (200, 204):
            raise Unexpected(str(answer.status))

    async def _submit(self, path: str, form: dict[str, str]) -> Answer:
        body, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
        return await self._network.ask("POST", path, body, Content_Type=kind)

    async def _tried(self, act: Any, name: str) -> bool:
        """Whether it went well, at once or a little later."""
        for n in range(TRIES):
            await self._network.up.wait()
            began = time.monotonic()
            try:
                await act()
                return True
            except (OSError, Unexpected) as trouble:
                if self._network.was_away_since(began):
                    continue
                told = trouble if isinstance(trouble, Unexpected) else type(trouble).__name__
                self._tally.errors[f"{name}: {told}"] += 1
                if str(trouble).startswith("4"):
                    return False
                await asyncio.sleep(2**n * CHANCE.uniform(0.5, 1.0))
        return False


def _position(page: Answer) -> str:
    found = TO.search(page.body)
    if page.status != 200 or not found:
        raise Unexpected(f"{page.status} and no question")
    return found[1].decode()


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    """End them. Raises what one of them died of."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


def _address(number: int) -> str:
    """One of those that RFC 2544 keeps for measuring."""
    return f"198.18.{number // 250 % 250}.{number % 250 + 1}"
