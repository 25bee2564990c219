"""Views of the API: each says what it is asked and what it answers, and is held to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Flask, Response, current_app, request
from pydantic import BaseModel, ValidationError

from qualz.errors import NotUnderstood


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """`query` is None where nothing can be asked for, `answer` where it is a file of `media`."""

    summary: str
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    media: str = "application/json"
    is_open: bool = False


def answers(described: Described) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """The view is called with what is asked for, as `asked`, and answers with its model."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def answer(**of: Any) -> Response:
            if described.query:
                of["asked"] = _asked(described.query)
            found = view(**of)
            if isinstance(found, BaseModel):
                return current_app.response_class(
                    found.model_dump_json(), mimetype="application/json"
                )
            made: Response = current_app.make_response(found)
            return made

        answer.described = described  # type: ignore[attr-defined]
        return answer

    return decorate


def view_of(app: Flask, endpoint: str) -> Described | None:
    return getattr(app.view_functions.get(endpoint), "described", None)


def _asked(query: type[BaseModel]) -> BaseModel:
    try:
        return query.model_validate(request.args.to_dict())
    except ValidationError as cause:
        wrong = cause.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong]
        raise NotUnderstood("; ".join(told)) from None
