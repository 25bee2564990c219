"""Who may write to an upload: one request at a time, and the newest takes over.

A sender that lost its connection notices before the server does. When it asks again, the request
that still waits for bytes on the dead connection is ended first: it keeps what had come, and the
offset that the new one is told does not move any more.

This holds for one process. Between several (`WEB` of them, or an old one that is leaving and its
successor) `storage.append` decides: it takes bytes only at the end of what is there. What a stalled
request still brings may move the offset that the new one was told, which is then told anew (409);
after that the late writer is refused and harms nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from flask import current_app, request

from qualz.database import db
from qualz.room.tus import Locked

# Seconds. One that was told to let go only has to write what it had read.
PATIENCE = 10.0


class Claim:
    """One request's hold on an upload."""

    def __init__(self, let_go: Callable[[], None]) -> None:
        self.is_lost = False
        self._let_go = let_go

    def lose(self) -> None:
        self.is_lost = True
        self._let_go()

    def demand(self) -> None:
        """Raises `Locked` when a newer request has taken over."""
        if self.is_lost:
            raise Locked("A newer request has taken over this upload; this one was ended.")


@dataclass
class _Upload:
    writing: Lock = field(default_factory=Lock)
    claims: list[Claim] = field(default_factory=list)


class Claims:
    """Whoever holds or waits for an upload, in this process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._guard = Lock()
        self._uploads: dict[str, _Upload] = {}

    @contextmanager
    def newest(
        self, name: str, *, let_go: Callable[[], None], before_waiting: Callable[[], None]
    ) -> Iterator[Claim]:
        """Hold the upload of that name once all who held it before have let go.

        `let_go` is called, from another thread or greenlet, when a newer request takes over: it
        should end whatever this one waits for. Raises `Locked`.
        """
        claim = Claim(let_go)
        upload = self._enter(name, claim)
        try:
            if not upload.writing.acquire(blocking=False):
                before_waiting()
                self._wait(upload)
            try:
                claim.demand()
                yield claim
            finally:
                upload.writing.release()
        finally:
            self._leave(name, upload, claim)

    def _enter(self, name: str, claim: Claim) -> _Upload:
        with self._guard:
            upload = self._uploads.setdefault(name, _Upload())
            for older in upload.claims:
                older.lose()
            upload.claims.append(claim)
            return upload

    def _leave(self, name: str, upload: _Upload, claim: Claim) -> None:
        with self._guard:
            upload.claims.remove(claim)
            if not upload.claims:
                del self._uploads[name]

    def _wait(self, upload: _Upload) -> None:
        if not upload.writing.acquire(timeout=self._patience):
            raise Locked("This upload is still being written to. Try again in a moment.")


@contextmanager
def of_request(public_id: str, upload: str) -> Iterator[Claim]:
    """The present request's hold on an upload of an interview. Raises `Locked`."""
    held: Claims = current_app.extensions["claims"]
    let_go = request.environ.get("qualz.end_body", lambda: None)
    name = f"{public_id}/{upload}"
    with held.newest(name, let_go=let_go, before_waiting=db.session.commit) as claim:
        yield claim
