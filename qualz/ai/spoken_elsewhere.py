"""Voices elsewhere: any OpenAI-compatible `/audio/speech`, which Kokoro's servers are as well, and
piper's own server. One that failed again and again is left alone for a while."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from qualz.ai.breaker import Breaker
from qualz.ai.endpoint import Endpoint, EndpointError, hold_to
from qualz.ai.speaking import CannotSpeak, Voice

# In seconds. The page waits no longer either before it reads the text by itself.
WITHIN = 6.0
# Some minutes of plain sound.
LARGEST = 20_000_000


class SpeechService(Voice):
    def __init__(self, endpoint: Endpoint, voice: str) -> None:
        self._endpoint = endpoint
        self._voice = voice
        self._breaker = Breaker()

    @property
    def name(self) -> str:
        return f"{self._endpoint.model} {self._voice} at {self._endpoint.url}"

    def knows(self, language: str) -> bool:
        return True

    def say(self, text: str, *, language: str) -> bytes:
        return _unless_broken(
            self._breaker, lambda: self._endpoint.speak(text, self._voice, LARGEST, within=WITHIN)
        )


class PiperService(Voice):
    """`python -m piper.http_server`: JSON with the text goes in, WAV comes out. `voice` is for
    servers that hold several; one that holds one takes no notice."""

    def __init__(self, url: str, voice: str = "") -> None:
        self._url = url
        self._voice = voice
        self._breaker = Breaker()

    @property
    def name(self) -> str:
        return f"piper {self._voice} at {self._url}"

    def knows(self, language: str) -> bool:
        return True

    def say(self, text: str, *, language: str) -> bytes:
        asked = {"text": text} | ({"voice": self._voice} if self._voice else {})
        return _unless_broken(self._breaker, lambda: hold_to(WITHIN, lambda _: self._ask(asked)))

    def _ask(self, asked: dict[str, str]) -> bytes:
        request = Request(
            f"{self._url}/",
            data=json.dumps(asked).encode(),
            headers={"Content-Type": "application/json"},
        )
        # It is in the same house: no proxy stands between.
        opener = build_opener(ProxyHandler({}))
        try:
            with opener.open(request, timeout=WITHIN) as response:
                sound: bytes = response.read(LARGEST + 1)
        except HTTPError as error:
            error.close()
            raise EndpointError(f"answers with {error.code}") from None
        except TimeoutError:
            raise EndpointError("timed out") from None
        except (URLError, OSError):
            raise EndpointError("cannot be reached") from None
        except (HTTPException, ValueError):
            raise EndpointError("answers in a form that is not known") from None
        if len(sound) > LARGEST:
            raise EndpointError("answers without end")
        return sound


def _unless_broken(breaker: Breaker, ask: Callable[[], bytes]) -> bytes:
    if breaker.is_open:
        raise CannotSpeak("failed several times and is left alone for five minutes")
    try:
        sound = ask()
    except EndpointError as error:
        breaker.failed()
        raise CannotSpeak(error.reason) from None
    breaker.worked()
    return sound
