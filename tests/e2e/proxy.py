"""The network between a browser and Qualz: a proxy on loopback that breaks when it is told to.

It is a witness too: it keeps every byte that the server has acknowledged, so that a test can look
for each of them in the server's files when all is over.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from tests.e2e.http_by_hand import Answer, Request, read_answer, read_request

T = TypeVar("T")
Weather = Literal["fair", "cut", "silent"]
# A socket that lingers for no time ends with a reset.
AT_ONCE = struct.pack("ii", 1, 0)
PIECE = 64 * 1024


class Broken(ConnectionError):
    """The connection to the browser is to be reset."""


class Line:
    """A browser's connection, and ours to the server on its behalf."""

    def __init__(self, network: Network, reader: StreamReader, writer: StreamWriter) -> None:
        self.network = network
        self.reader = reader
        self.writer = writer
        self.is_dead = False
        self._server: tuple[StreamReader, StreamWriter] | None = None

    async def serve(self) -> None:
        try:
            while request := await read_request(self.reader):
                await self._passes()
                if request.is_upgrade and not self.network.mishap_for(request):
                    await self._tunnel(request)
                    return
                answer = await self._answer(request)
                await self._passes()
                self.writer.write(answer.whole)
                await self.writer.drain()
                if answer.ends_the_connection:
                    return
        except (OSError, IncompleteReadError):
            self.reset()
        finally:
            self.writer.close()
            self.hang_up()

    async def _answer(self, request: Request) -> Answer:
        mishap = self.network.takes_mishap_for(request)
        return await (mishap(self, request) if mishap else self.forward(request))

    async def forward(self, request: Request) -> Answer:
        await self.sends(request.whole)
        return await self.hears(request)

    async def sends(self, data: bytes) -> None:
        """Towards the server."""
        await asyncio.sleep(self.network.delay_up)
        _, writer = await self._connected()
        writer.write(data)
        await writer.drain()

    async def hears(self, request: Request) -> Answer:
        reader, _ = await self._connected()
        answer = await read_answer(reader, request)
        self.network.notes(request, answer)
        await asyncio.sleep(self.network.delay_down)
        return answer

    async def _connected(self) -> tuple[StreamReader, StreamWriter]:
        if self._server is None:
            self._server = await asyncio.open_connection("127.0.0.1", self.network.server_port)
        return self._server

    async def _tunnel(self, request: Request) -> None:
        await self.sends(request.whole)
        reader, writer = await self._connected()
        up = self._pump(self.reader, writer, lambda: self.network.delay_up)
        down = self._pump(reader, self.writer, lambda: self.network.delay_down)
        pumps = [asyncio.ensure_future(up), asyncio.ensure_future(down)]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await self._passes()
        finally:
            for pump in pumps:
                pump.cancel()

    async def _pump(
        self, reader: StreamReader, writer: StreamWriter, delay: Callable[[], float]
    ) -> None:
        while data := await reader.read(PIECE):
            await asyncio.sleep(delay())
            await self._passes()
            writer.write(data)
            await writer.drain()

    async def _passes(self) -> None:
        """What was open when the network fell silent stays half open for ever: nothing passes, and
        nobody is told. What was begun since then waits, as a connection does that is not taken."""
        if self.is_dead:
            await asyncio.Event().wait()
        await self.network.not_silent.wait()

    def reset(self) -> None:
        raw = self.writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.writer.transport.abort()

    def hang_up(self) -> None:
        """Towards the server, which hears an ordinary end."""
        if self._server:
            self._server[1].close()


Mishap = Callable[[Line, Request], Awaitable[Answer]]


@dataclass
class _Planned:
    """Something that is to happen to the next `times` requests that it concerns."""

    mishap: Mishap
    concerns: Callable[[Request], bool]
    times: float


class Network:
    """What a test does to the network. Each method is what one would say had happened to it."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.weather: Weather = "fair"
        self.delay_up = self.delay_down = 0.0
        # By upload: offset and body of each request that the server answered with its 204.
        self.acknowledged: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        # By upload: the most that the server has said to hold.
        self.promised: dict[str, int] = defaultdict(int)
        self.mishaps = 0
        self.not_silent = asyncio.Event()
        self.not_silent.set()
        self._planned: list[_Planned] = []
        self._lines: dict[Line, asyncio.Task[Any]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    # ---- from the test's thread

    def starts(self) -> None:
        self._thread.start()
        server = self._do(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self._listener = server
        self.url = f"http://localhost:{server.sockets[0].getsockname()[1]}"

    def stops(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def is_cut(self) -> float:
        """Every connection is reset, and so is each new one. Answers when that was."""
        return self._becomes("cut")

    def falls_silent(self) -> float:
        """Connections stay open and nothing passes any more. Answers when that was."""
        return self._becomes("silent")

    def comes_back(self) -> float:
        """Connections pass again, but for those that fell silent. Answers when that was."""
        self._planned.clear()
        return self._becomes("fair")

    def is_slow(self, *, up: float = 0.0, down: float = 0.0) -> None:
        self.delay_up, self.delay_down = up, down

    def loses_answers(self, times: int) -> None:
        """The server takes what was sent, and the browser never hears of it."""

        async def lose(line: Line, request: Request) -> Answer:
            await line.forward(request)
            raise Broken

        self._plan(lose, "PATCH", times)

    def repeats_uploads(self, times: int) -> None:
        """The server gets them twice, and the browser the second answer."""

        async def repeat(line: Line, request: Request) -> Answer:
            await line.forward(request)
            return await line.forward(request)

        self._plan(repeat, "PATCH", times)

    def breaks_off_uploads(self, times: int) -> None:
        """The server gets half a body, and both ends of the connection are gone."""

        async def break_off(line: Line, request: Request) -> Answer:
            await line.sends(request.head + request.body[: len(request.body) // 2])
            raise Broken

        self._plan(break_off, "PATCH", times)

    def holds_an_upload_halfway(self) -> None:
        """Waits for the next upload: half its body reaches the server, and the rest never does."""
        is_halfway = threading.Event()

        async def hold(line: Line, request: Request) -> Answer:
            await line.sends(request.head + request.body[: len(request.body) // 2])
            is_halfway.set()
            return await line.hears(request)

        self._plan(hold, "PATCH", 1)
        assert is_halfway.wait(20), "no upload came"

    def takes_no_bodies_above(self, most: int) -> None:
        """A proxy says 413, in its own words, before it has asked the server."""
        refusal = Answer.page(413, "Request Entity Too Large")
        self._answers(refusal, lambda request: len(request.body) > most)

    def answers_itself(self, status: int, words: str, *, to: str = "") -> None:
        """Whatever is asked, something else answers in the server's place."""
        self._answers(Answer.page(status, words), lambda request: to in ("", request.method))

    def asks_to_sign_in(self) -> float:
        """A captive portal: connections end, and to all that is asked a page answers. Answers
        when that was."""
        self._becomes("cut")
        self.answers_itself(200, "Sign in to this network")
        return self._becomes("fair")

    def waits_until_all_has_happened(self) -> None:
        """Until nothing that was planned is still to come."""
        deadline = time.monotonic() + 30
        while self._planned:
            assert time.monotonic() < deadline, f"{len(self._planned)} mishaps are still to come"
            time.sleep(0.02)

    def _answers(self, answer: Answer, concerns: Callable[[Request], bool]) -> None:
        async def say(_line: Line, _request: Request) -> Answer:
            return answer

        self._planned.append(_Planned(say, concerns, float("inf")))

    def _plan(self, mishap: Mishap, method: str, times: int) -> None:
        self._planned.append(_Planned(mishap, lambda request: request.method == method, times))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _becomes(self, weather: Weather) -> float:
        self._do(self._become(weather))
        return time.time()

    # ---- on the network's own thread

    def mishap_for(self, request: Request) -> _Planned | None:
        return next((planned for planned in self._planned if planned.concerns(request)), None)

    def takes_mishap_for(self, request: Request) -> Mishap | None:
        planned = self.mishap_for(request)
        if planned is None:
            return None
        self.mishaps += 1
        planned.times -= 1
        if planned.times <= 0:
            self._planned.remove(planned)
        return planned.mishap

    def notes(self, request: Request, answer: Answer) -> None:
        offset = answer.number("upload-offset")
        if offset is None or "/parts/" not in request.path:
            return
        upload = request.path.rpartition("/")[2]
        self.promised[upload] = max(self.promised[upload], offset)
        if request.method == "PATCH" and answer.status == 204:
            self.acknowledged[upload].append((offset - len(request.body), request.body))

    async def _become(self, weather: Weather) -> None:
        self.weather = weather
        if weather == "silent":
            self.not_silent.clear()
        else:
            self.not_silent.set()
        for line in list(self._lines):
            if weather == "cut":
                line.reset()
                line.hang_up()
            elif weather == "silent":
                line.is_dead = True

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        line = Line(self, reader, writer)
        if self.weather == "cut":
            line.reset()
            return
        task = asyncio.current_task()
        assert task
        self._lines[line] = task
        try:
            await line.serve()
        except asyncio.CancelledError:
            pass
        finally:
            del self._lines[line]

    async def _end(self) -> None:
        self._listener.close()
        tasks = list(self._lines.values())
        for line in list(self._lines):
            line.reset()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
