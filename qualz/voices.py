"""Which voices there are now: of the service that the researchers have set up, of the programs on
this server, of the participant's browser, in the order in which they are tried."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from qualz.ai.endpoint import Endpoint
from qualz.ai.programs_that_speak import EspeakNG, Flite
from qualz.ai.speaking import Voice
from qualz.ai.spoken_elsewhere import PiperService, SpeechService
from qualz.consent import Consent
from qualz.service import Kind, Service
from qualz.settings import Settings
from qualz.tools import find_espeak, find_flite
from qualz.vault import Vault


class Choice(StrEnum):
    """What researchers may choose."""

    # The service, then a program, then the browser; whatever there is.
    AUTOMATIC = "automatic"
    SERVICE = "service"
    PROGRAM = "program"
    BROWSER = "browser"
    NONE = "none"


class Protocol(StrEnum):
    """How a service wants to be spoken to."""

    OPENAI = "openai"
    PIPER = "piper"


class Voices:
    """One for a process: a service's voice remembers what failed."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._vault = vault
        self._programs = _installed(settings)
        self._made: tuple[int, Voice] | None = None

    def of_server(self, language: str, consent: Consent | None = None) -> list[Voice]:
        """Those that speak that language here or through here, the best first. A service elsewhere
        speaks only to those whose consent names its host; without `consent`, to anybody."""
        service = Service.of(Kind.VOICE)
        if consent is not None and not consent.names(Kind.VOICE):
            return self.chosen(chosen(service), None, language)
        return self.chosen(chosen(service), self._elsewhere(service), language)

    def chosen(self, choice: Choice, elsewhere: Voice | None, language: str) -> list[Voice]:
        """The same for a choice that need not be saved."""
        found: list[Voice] = []
        if choice in (Choice.AUTOMATIC, Choice.SERVICE) and elsewhere:
            found.append(elsewhere)
        if choice in (Choice.AUTOMATIC, Choice.PROGRAM):
            found += self._programs
        return [voice for voice in found if voice.knows(language)]

    @property
    def is_silent(self) -> bool:
        """Whether questions are to be read and not heard."""
        return chosen(Service.of(Kind.VOICE)) is Choice.NONE

    @property
    def programs(self) -> list[str]:
        """What speaks on this server."""
        return [voice.name for voice in self._programs]

    def _elsewhere(self, service: Service | None) -> Voice | None:
        if service is None or not service.url:
            return None
        if self._made is None or self._made[0] != service.revision:
            key = service.key_for(service.url, self._vault)
            self._made = (
                service.revision,
                elsewhere(service.url, service.model, key, service.wishes),
            )
        return self._made[1]


def chosen(service: Service | None) -> Choice:
    wish = service.wishes.get("choice") if service else None
    return Choice(wish) if wish in list(Choice) else Choice.AUTOMATIC


def elsewhere(url: str, model: str, key: str, wishes: dict[str, str]) -> Voice:
    """The voice of a service; `wishes` has its `protocol` and the name of its `voice`."""
    name = wishes.get("voice", "")
    if wishes.get("protocol") == Protocol.PIPER:
        return PiperService(url, name)
    return SpeechService(Endpoint(url=url, model=model, key=key), name)


def _installed(settings: Settings) -> list[Voice]:
    """Those of the deployment's choice that are there; flite first, for it is quick and clear."""
    found: list[Voice] = []
    if _may(settings, "flite") and (binary := find_flite()):
        found.append(Flite(Path(binary)))
    if _may(settings, "espeak-ng") and (binary := find_espeak()):
        found.append(EspeakNG(Path(binary)))
    return found


def _may(settings: Settings, name: str) -> bool:
    return settings.speaking in ("automatic", name)
