"""A network between a browser and the server that can be cut, fall silent and come back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tests.bench.wire import Wire
from tests.e2e.server import free_port


class Pipe(Wire):
    """One direction's reading end; what it reads goes out at the other one."""

    def __init__(self, network: Proxy) -> None:
        self.network = network
        self.other: Pipe | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.network.pipes.add(self)
        if self.other is None:
            self.transport.pause_reading()
            self.network.running.add(asyncio.ensure_future(self.network.carry(self)))

    def data_received(self, data: bytes) -> None:
        if self.other:
            self.other.transport.write(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.network.pipes.discard(self)
        if self.other and not self.network.is_silent:
            self.other.close()


class Proxy:
    """Listens on a port of its own. While it is silent, bytes wait where they are."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.pipes: set[Pipe] = set()
        self.running: set[asyncio.Future[None]] = set()
        self.is_silent = False
        self._is_cut = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._listen).result(5)

    async def _listen(self) -> None:
        self._flows = asyncio.Event()
        self._flows.set()
        await self._loop.create_server(lambda: Pipe(self), "127.0.0.1", self.port)

    async def carry(self, inner: Pipe) -> None:
        if self._is_cut:
            inner.cut()
            return
        await self._flows.wait()
        _, outer = await self._loop.create_connection(
            lambda: self._partner(inner), "127.0.0.1", self.target
        )
        inner.other = outer
        inner.transport.resume_reading()

    def _partner(self, inner: Pipe) -> Pipe:
        pipe = Pipe(self)
        pipe.other = inner
        return pipe

    def cut(self) -> None:
        """Everything is reset, and whoever comes is turned away."""

        async def change() -> None:
            self._is_cut = True
            for pipe in list(self.pipes):
                pipe.cut()

        self._call(change).result(5)

    def fall_silent(self) -> None:
        """Packets are lost without a word, in both directions."""

        async def change() -> None:
            self.is_silent = True
            self._flows.clear()
            for pipe in self.pipes:
                pipe.transport.pause_reading()

        self._call(change).result(5)

    def restore(self) -> None:
        async def change() -> None:
            self._is_cut = self.is_silent = False
            self._flows.set()
            for pipe in self.pipes:
                if pipe.other:
                    pipe.transport.resume_reading()

        self._call(change).result(5)

    def close(self) -> None:
        async def end() -> None:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            self._loop.call_soon(self._loop.stop)

        self._call(end)
        self._thread.join(5)

    def _call(self, change: Callable[[], Any]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(change(), self._loop)
