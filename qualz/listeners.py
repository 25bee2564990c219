"""Which listener there is now: the service that the researchers have set up, else the one that the
deployment names, else nobody."""

from __future__ import annotations

from qualz.ai.endpoint import Endpoint
from qualz.ai.hearing import Listener
from qualz.ai.pocketsphinx_listener import PocketsphinxListener
from qualz.ai.stand_in import StoodInFor
from qualz.ai.transcription import Transcription
from qualz.ai.whisper_listener import WhisperListener
from qualz.consent import Consent
from qualz.database import db
from qualz.service import Kind, Service
from qualz.settings import Settings
from qualz.vault import Vault


class Listeners:
    """One for a process: an engine that is loaded stays loaded."""

    def __init__(self, settings: Settings, vault: Vault, *, always: Listener | None = None) -> None:
        self._always = always
        self._vault = vault
        self._own = _own(settings)
        self._made: tuple[int, Transcription] | None = None

    def current(
        self, language: str, consent: Consent | None = None, *, alone: bool = False
    ) -> Listener | None:
        """Who hears that language, or None where nobody can. A service elsewhere hears only those
        whose consent names its host; without `consent`, anybody. Where it fails this server's own
        listener hears, if there is one and the service is not to hear `alone`."""
        is_agreed = consent is None or consent.names(Kind.HEARING)
        listener = self._always or (self._service(alone) if is_agreed else None) or self._own
        return listener if listener and listener.knows(language) else None

    def _service(self, alone: bool) -> Listener | None:
        elsewhere = self._elsewhere()
        if elsewhere is None or self._own is None or alone:
            return elsewhere
        return StoodInFor(elsewhere, self._own)

    def _elsewhere(self) -> Listener | None:
        service = Service.of(Kind.HEARING)
        if service is None or not service.is_on:
            return None
        if self._made is None or self._made[0] != service.revision:
            key = service.key_for(service.url, self._vault)
            endpoint = Endpoint(url=service.url, model=service.model, key=key)
            self._made = service.revision, Transcription(endpoint, service.manners.get("form", 0))
        return self._made[1]

    @property
    def own_name(self) -> str | None:
        """What hears on this server, if anything does."""
        return self._own.name if self._own else None

    def remember(self) -> None:
        """Keep what a service was found to understand, for other processes. Commits."""
        service = Service.of(Kind.HEARING)
        if service and self._made and self._made[0] == service.revision:
            manners = {"form": self._made[1].form}
            if service.manners != manners:
                service.manners = manners
        db.session.commit()

    def warm_up(self) -> None:
        """Load what takes its time. Raises `CannotHear`."""
        if self._own:
            self._own.warm_up()


def _own(settings: Settings) -> PocketsphinxListener | WhisperListener | None:
    if settings.hearing == "faster-whisper" and WhisperListener.is_installed():
        return WhisperListener(settings.whisper_model)
    if settings.hearing == "pocketsphinx" and PocketsphinxListener.is_installed():
        return PocketsphinxListener()
    return None
