"""Which moderator there is now: the one that the researchers have set up, else the script."""

from __future__ import annotations

from typing import Any

from qualz.ai.endpoint import Endpoint
from qualz.ai.language_model import LanguageModelModerator
from qualz.ai.scripted import ScriptedModerator
from qualz.consent import Consent
from qualz.moderator import Moderator
from qualz.service import Kind, Service
from qualz.vault import Vault


class Moderators:
    """One for a process. A model's moderator is kept between requests: its breaker remembers what
    failed, its endpoint what the server understood."""

    def __init__(self, vault: Vault, *, always: Moderator | None = None) -> None:
        self._vault = vault
        self._always = always
        self._script = ScriptedModerator()
        self._made: tuple[int, Moderator] | None = None

    def current(self, consent: Consent | None = None) -> Moderator:
        """Who asks now. A model elsewhere is asked only for those whose consent names its host;
        without `consent`, for anybody."""
        if self._always is not None:
            return self._always
        service = Service.of(Kind.LANGUAGE_MODEL)
        is_agreed = consent is None or consent.names(Kind.LANGUAGE_MODEL)
        if service is None or not service.is_on or not is_agreed:
            return self._script
        if self._made is None or self._made[0] != service.revision:
            self._made = (service.revision, self._make(service))
        return self._made[1]

    def _make(self, service: Service) -> Moderator:
        key = service.key_for(service.url, self._vault)
        return LanguageModelModerator(endpoint(service.url, service.model, key, service.manners))


def endpoint(url: str, model: str, key: str, manners: dict[str, Any]) -> Endpoint:
    """`manners` as `Endpoint.manners` gave them; unknown ones are found out anew."""
    made = Endpoint(url=url, model=model, key=key)
    made.mind(manners)
    return made
