"""A stand-in: the server's own listener, where the service that was chosen fails or rests."""

from __future__ import annotations

import logging

from qualz.ai.hearing import CannotHear, Heard, Listener

log = logging.getLogger(__name__)


class StoodInFor(Listener):
    """Has the service hear, and the server's own listener what it could not: a draft is more to
    follow up than a length. Which of them it was stands in what was heard."""

    def __init__(self, service: Listener, own: Listener) -> None:
        self._service = service
        self._own = own

    @property
    def name(self) -> str:
        return self._service.name

    def knows(self, language: str) -> bool:
        return self._service.knows(language)

    def hear(self, sound: bytes, *, language: str) -> Heard:
        try:
            return self._service.hear(sound, language=language)
        except CannotHear as cause:
            if not self._own.knows(language):
                raise
            log.warning("%s hears in place of the service: it %s", self._own.name, cause.reason)
            return self._own.hear(sound, language=language)
