"""An OpenAI-compatible endpoint: `complete`, `transcribe` and `speak`, and what it takes.

Servers differ in how they can be held to a schema, and say so in many ways: with 400, 422 or 500,
or not at all. The best form that one has answered to is remembered. The `openai` client is
imported when it is first needed: most installations never do.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from openai import OpenAI

T = TypeVar("T")
Messages = list[dict[str, str]]

# From the strictest to none; "strict" is a word that some servers do not know.
FORMS = ("json_schema strict", "json_schema", "json_object with schema", "json_object", "plain")
MOST_TOKENS = 600
LARGEST_ANSWER = 1_000_000
CONNECT_WITHIN = 3.0
# What a server may say to a form that it does not know.
NOT_THIS_WAY = {400, 405, 415, 422, 500, 501}


class EndpointError(Exception):
    """The endpoint gave no answer. `reason` is short and holds nothing of what was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLong(EndpointError):
    """More was sent than the model takes."""


@dataclass
class Endpoint:
    """`url` is the address before `/chat/completions`; `form` one of `FORMS`, by its place."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    form: int = 0
    # Which name for the limit of tokens it knows, and whether it lets itself be made calm.
    limit: str = "max_tokens"
    takes_temperature: bool = True
    _client: OpenAI | None = field(default=None, repr=False)

    @property
    def form_name(self) -> str:
        return FORMS[self.form]

    @property
    def manners(self) -> dict[str, Any]:
        """How it wants to be spoken to, as far as it is known, to be kept."""
        return {
            "form": self.form,
            "limit": self.limit,
            "takes_temperature": self.takes_temperature,
        }

    def mind(self, manners: dict[str, Any]) -> None:
        form = manners.get("form", 0)
        self.form = form if form in range(len(FORMS)) else 0
        self.limit = manners.get("limit", self.limit)
        self.takes_temperature = bool(manners.get("takes_temperature", True))

    def complete(self, messages: Messages, schema: dict[str, Any], *, within: float) -> str:
        """What the model answers, within so many seconds. Raises `EndpointError`."""
        return hold_to(within, lambda until: self._negotiate(messages, schema, until))

    def transcribe(
        self, wav: bytes, language: str, forms: Sequence[dict[str, Any]], *, within: float
    ) -> tuple[int, bytes]:
        """What is said in a WAV file, in the first of the forms that the server takes, and which
        one that was. Raises `EndpointError`."""
        return hold_to(within, lambda until: self._listen(wav, language, forms, until))

    def _listen(
        self, wav: bytes, language: str, forms: Sequence[dict[str, Any]], until: float
    ) -> tuple[int, bytes]:
        refusal = "knows no such form"
        for number, form in enumerate(forms):
            asked = {"language": language, **form}
            try:
                return number, _in_our_words(partial(self._send_sound, wav, asked, until))
            except _Refused as refused:
                refusal = refused.reason
        raise EndpointError(refusal)

    def _send_sound(self, wav: bytes, asked: dict[str, Any], until: float) -> bytes:
        create: Any = self._reach(until).audio.transcriptions.with_streaming_response.create
        with create(model=self.model, file=("answer.wav", wav, "audio/wav"), **asked) as response:
            return _body_of(response, until)

    def speak(self, text: str, voice: str, largest: int, *, within: float) -> bytes:
        """A WAV file, or whatever sound the server likes better, of at most `largest` bytes.
        Raises `EndpointError`."""

        def ask(until: float) -> bytes:
            create: Any = self._reach(until).audio.speech.with_streaming_response.create
            asked = {"model": self.model, "voice": voice, "response_format": "wav"}
            with create(input=text, **asked) as response:
                return _body_of(response, until, largest)

        # The client takes seconds to import, which are not the server's.
        import openai  # noqa: F401

        try:
            return hold_to(within, lambda until: _in_our_words(partial(ask, until)))
        except _Refused as refused:
            raise EndpointError(refused.reason) from None

    def models(self, *, within: float) -> list[str]:
        """The names of the models that it offers. Raises `EndpointError`."""
        return hold_to(within, self._list_models)

    def _list_models(self, until: float) -> list[str]:
        def ask() -> list[str]:
            listed = self._reach(until).models.list()
            return [one.id for one in listed.data if isinstance(one.id, str)]

        return _in_our_words(ask)

    def _negotiate(self, messages: Messages, schema: dict[str, Any], until: float) -> str:
        """Ask, and where the form is not understood ask in a plainer one. Only what was answered
        is remembered: a server that is ill would else be spoken to plainly for ever."""
        form, limit, takes_temperature = self.form, self.limit, self.takes_temperature
        while True:
            asked: dict[str, Any] = {limit: MOST_TOKENS, **_response_format(form, schema)}
            asked |= {"temperature": 0.3} if takes_temperature else {}
            try:
                text = _in_our_words(partial(self._ask, messages, asked, until))
            except _Refused as refused:
                if "temperature" in refused.words and takes_temperature:
                    takes_temperature = False
                elif "max_completion_tokens" in refused.words and limit == "max_tokens":
                    limit = "max_completion_tokens"
                elif form + 1 < len(FORMS):
                    form += 1
                else:
                    raise EndpointError(refused.reason) from None
            else:
                self.form, self.limit, self.takes_temperature = form, limit, takes_temperature
                return text

    def _ask(self, messages: Messages, asked: dict[str, Any], until: float) -> str:
        create: Any = self._reach(until).chat.completions.with_streaming_response.create
        with create(model=self.model, messages=messages, extra_body=asked) as response:
            body = _body_of(response, until)
            kind = response.headers.get("content-type", "")
        return _text_in(body, streamed="event-stream" in kind)

    def _reach(self, until: float) -> OpenAI:
        from openai import OpenAI, Timeout

        if self._client is None:
            # Without a key of its own the client would look for one in the environment.
            self._client = OpenAI(base_url=self.url, api_key=self.key or "none", max_retries=0)
        left = until - time.monotonic()
        if left <= 0:
            raise EndpointError("timed out")
        return self._client.with_options(timeout=Timeout(left, connect=min(left, CONNECT_WITHIN)))


class _Refused(Exception):
    """The server does not take what was asked the way it was asked."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(reason)
        self.reason, self.words = reason, words


def _response_format(form: int, schema: dict[str, Any]) -> dict[str, Any]:
    name = FORMS[form]
    if name.startswith("json_schema"):
        held: dict[str, Any] = {"name": "turn", "schema": schema}
        held |= {"strict": True} if name.endswith("strict") else {}
        return {"response_format": {"type": "json_schema", "json_schema": held}}
    if name == "json_object with schema":
        return {"response_format": {"type": "json_object", "schema": schema}}
    return {} if name == "plain" else {"response_format": {"type": "json_object"}}


def _in_our_words(ask: Callable[[], T]) -> T:
    """The client's errors as ours. What a server says may quote what was sent, so it is read for
    a few words and not passed on."""
    from httpx2 import HTTPError, InvalidURL
    from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

    try:
        return ask()
    except APITimeoutError:
        raise EndpointError("timed out") from None
    except APIConnectionError:
        raise EndpointError("cannot be reached") from None
    except APIStatusError as error:
        raise _named(error.status_code, _words_of(error)) from None
    except InvalidURL:
        raise EndpointError("is not at an address that can be asked") from None
    except HTTPError:
        # A body that breaks off is the transport's own error, not the client's.
        raise EndpointError("broke off in the middle of its answer") from None
    except (OpenAIError, ValueError, AttributeError, TypeError):
        raise EndpointError("answers in a form that is not known") from None


def _words_of(error: Any) -> str:
    try:
        return str(error.response.read()[:2000]).casefold()
    except Exception:
        # A stream that was closed before it was read.
        return str(error).casefold()


def _named(status: int, words: str) -> Exception:
    if "context_length" in words or "context length" in words or "context size" in words:
        return TooLong("more was sent than it takes")
    if status in (401, 403):
        return EndpointError("refuses the key")
    if status == 404:
        return EndpointError("knows no such address or model")
    if status == 429:
        return EndpointError("is busy or over its quota")
    if status in NOT_THIS_WAY:
        return _Refused(f"answers with {status}", words)
    return EndpointError(f"answers with {status}")


def _body_of(response: Any, until: float, largest: int = LARGEST_ANSWER) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > largest or time.monotonic() > until:
            raise EndpointError("answers without end")
    return bytes(body)


def _text_in(body: bytes, *, streamed: bool) -> str:
    """What the model wrote, in one body or in the pieces of a stream that was not asked for."""
    text = body.decode("utf-8", errors="replace")
    if not streamed:
        return _content(json.loads(text), "message")
    lines = (line[5:].strip() for line in text.splitlines() if line.startswith("data:"))
    return "".join(_content(json.loads(line), "delta") for line in lines if line != "[DONE]")


def _content(answer: Any, name: str) -> str:
    choices = answer.get("choices") or []
    content = (choices[0].get(name) or {}).get("content") if choices else None
    return content if isinstance(content, str) else ""


def hold_to(within: float, work: Callable[[float], T]) -> T:
    """Do work on a thread of its own and wait no longer: a server that sends a byte now and then
    keeps every time-out of a socket from coming."""
    done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
    until = time.monotonic() + within

    def run() -> None:
        try:
            done.put((work(until), None))
        except BaseException as cause:
            done.put((None, cause))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, cause = done.get(timeout=within)
    except Empty:
        raise EndpointError("timed out") from None
    if cause is not None:
        raise cause
    return answer  # type: ignore[return-value]
