"""Partials that refresh themselves, and are left alone while they would say the same."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from htmx_flask import make_response

# Stands in the partial's own address until its digest is known.
SEEN = "seen-placeholder"


def is_partial() -> bool:
    """Whether HTMX asks, for a piece of the page that it has."""
    return bool(request.htmx)  # type: ignore[attr-defined]


def page_shows(public_id: str) -> bool:
    """Whether the page that asks has it in its address: HTMX complains of a piece that is swapped
    out of band and has no place."""
    return public_id in request.headers.get("HX-Current-URL", "")


def htmx_answer(text: str = "", status: int = 200, **headers: Any) -> Response:
    """An answer that tells HTMX what to do besides: `refresh`, `replace_url` and the like."""
    answer: Response = make_response(text, status, **headers)
    return answer


def refreshed(template: str, **context: Any) -> ResponseReturnValue:
    """The partial; 204 when the page that asks shows exactly this already.

    A swap costs a person their selected text, so none is made for nothing. The partial writes
    `?seen={{ seen }}` into the address that it asks again.
    """
    text = render_template(template, seen=SEEN, **context)
    # The token of its forms is another one with each second, and any of the session's will do.
    shown = text.replace(generate_csrf(), "")
    digest = hashlib.sha256(shown.encode()).hexdigest()[:16]
    if request.args.get("seen") == digest:
        return "", 204
    return text.replace(SEEN, digest)
