"""A participant's network: it may be cut or fall silent, and everything over it with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from qualz.simulation.wire import Answer, Connection, Host, Line, Wire

PATIENCE = 20.0  # seconds: the room's page waits so long for an answer


class Away(OSError):
    """Nothing gets through."""

    def __init__(self) -> None:
        super().__init__("no network")


class Network:
    def __init__(self, host: Host, cookies: Callable[[], str], more: Mapping[str, str]) -> None:
        """`more`: headers of every request."""
        self.host = host
        self.up = asyncio.Event()
        self.up.set()
        # By the steady clock; what was under way before then came to nothing.
        self.back_at = 0.0
        self._cookies = cookies
        # A page of the same site, as browsers say of themselves: so no form's token is asked for.
        told = {"Host": host.name, "Sec-Fetch-Site": "same-origin", **more}
        self._always = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._more = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        self._open: set[Wire] = set()
        self._uplink: Connection | None = None

    async def line(self, namespace: str, auth: dict[str, str]) -> Line:
        self._demand()
        async with asyncio.timeout(PATIENCE):
            line = await Line.open(self.host, namespace, auth, self._cookies(), more=self._more)
        self._hold(line)
        self._demand()
        return line

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, kept: bool = False, **headers: str
    ) -> Answer:
        """`kept`: by the one connection that stays open, for which others have to wait. Raises
        `OSError`, `TimeoutError` among them."""
        self._demand()
        told = {"Content-Length": str(len(body)), **_named(headers)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        head = f"{method} {path} HTTP/1.1\r\n{self._always}{lines}"
        if cookies := self._cookies():
            head += f"Cookie: {cookies}\r\n"
        async with asyncio.timeout(PATIENCE):
            connection = await self._connection(kept)
            try:
                return await connection.ask(f"{head}\r\n".encode(), body)
            except BaseException:
                # Its answer may still come, and would be taken for the next one's.
                connection.close()
                raise
            finally:
                if not kept:
                    connection.close()

    async def _connection(self, kept: bool) -> Connection:
        held = self._uplink
        if kept and held and not held.transport.is_closing():
            return held
        connection = await Connection.open(self.host)
        if kept:
            self._uplink = connection
        self._hold(connection)
        self._demand()
        return connection

    def _hold(self, wire: Wire) -> None:
        self._open = {held for held in self._open if not held.transport.is_closing()} | {wire}
        if not self.up.is_set():
            wire.cut()

    def _demand(self) -> None:
        if not self.up.is_set():
            raise Away

    def fall_silent(self) -> None:
        self.up.clear()
        for wire in self._open:
            if not wire.transport.is_closing():
                wire.fall_silent()

    def cut(self) -> None:
        self.up.clear()
        self.leave()

    def leave(self) -> None:
        """Nothing is open any more, nor waited for."""
        for wire in self._open:
            if not wire.transport.is_closing():
                wire.cut()
        self._open, self._uplink = set(), None

    def come_back(self) -> None:
        """What was open is of no use: browsers notice the silence and ask anew."""
        self.leave()
        self.back_at = time.monotonic()
        self.up.set()

    def was_away_since(self, moment: float) -> bool:
        return not self.up.is_set() or self.back_at > moment


def _named(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.replace("_", "-"): str(value) for name, value in headers.items()}
