"""The API's description in OpenAPI 3.1, made from its routes and its models.

Pydantic writes the schemas, in the dialect that OpenAPI 3.1 shares; what is left is a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app, jsonify
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from qualz.api import answers as models
from qualz.api import api
from qualz.api.studies import address
from qualz.api.views import Described, answers, view_of

VERSION = "1.0.0"
REFERENCE = "#/components/schemas/{model}"
PROBLEM = {
    "application/problem+json": {"schema": {"$ref": REFERENCE.format(model="Problem")}},
}
NO_STORE = {"Cache-Control": {"schema": {"type": "string", "const": "no-store"}}}
BINARY: dict[str, Any] = {}


@api.get("/openapi.json")
@answers(Described(summary="Read this description", is_open=True))
def openapi() -> Response:
    return jsonify(describe(current_app))


def describe(app: Flask) -> dict[str, Any]:
    """Raises where a route of the API does not say what it does."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Qualz",
            "version": VERSION,
            "description": "Studies, interviews and recordings, to read. Moments are in UTC.",
        },
        "servers": [{"url": address()}],
        "security": [{"token": []}],
        "paths": {_path(rule): {"get": _operation(app, rule)} for rule in _rules(app)},
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of Settings → API tokens.",
                }
            },
            "schemas": _schemas(app),
        },
    }


def _rules(app: Flask) -> Iterator[Rule]:
    ours = (rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/"))
    return iter(sorted(ours, key=lambda rule: rule.rule))


def _described(app: Flask, rule: Rule) -> Described:
    described = view_of(app, rule.endpoint)
    if described is None:
        raise LookupError(f"{rule.rule} does not say what it does")
    return described


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _operation(app: Flask, rule: Rule) -> dict[str, Any]:
    described = _described(app, rule)
    told: dict[str, Any] = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "summary": described.summary,
        "parameters": [*_in_path(rule), *_in_query(described.query)],
        "responses": {"200": _answered(described), **_refusals(described, rule)},
    }
    if described.media == "*/*":
        told["responses"]["206"] = _answered(described, "The range that was asked for.")
    return told | ({"security": []} if described.is_open else {})


def _answered(described: Described, text: str = "What was asked for.") -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    if described.answer:
        schema = {"$ref": REFERENCE.format(model=described.answer.__name__)}
    content = {"schema": schema} if described.media == "application/json" else BINARY
    return {"description": text, "headers": NO_STORE, "content": {described.media: content}}


def _refusals(described: Described, rule: Rule) -> dict[str, Any]:
    may = {
        "400": (described.query is not None, "It was not understood."),
        "401": (not described.is_open, "There is no token, or none that is valid."),
        "404": (bool(rule.arguments), "There is no such thing among yours."),
        "416": (described.media == "*/*", "The file has no such range."),
        "429": (not described.is_open, "Too many requests came without a valid token."),
    }
    return {
        status: {"description": text, "headers": NO_STORE, "content": PROBLEM}
        for status, (can_happen, text) in may.items()
        if can_happen
    }


def _in_path(rule: Rule) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        kind = "integer" if f"<int:{name}>" in rule.rule else "string"
        yield {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


def _in_query(query: type[BaseModel] | None) -> Iterator[dict[str, Any]]:
    if query is None:
        return
    schema = query.model_json_schema(ref_template=REFERENCE)
    for name, known in schema["properties"].items():
        text = known.pop("description", "")
        yield {"name": name, "in": "query", "required": False, "description": text, "schema": known}


def _schemas(app: Flask) -> dict[str, Any]:
    answered = {_described(app, rule).answer for rule in _rules(app)} - {None}
    asked = {_described(app, rule).query for rule in _rules(app)} - {None}
    wanted: list[Any] = [(model, "serialization") for model in {*answered, models.Problem}]
    wanted.sort(key=lambda each: each[0].__name__)
    _, told = models_json_schema(wanted, ref_template=REFERENCE)
    schemas: dict[str, Any] = dict(told["$defs"])
    for query in asked:
        # What a parameter refers to, such as the words of a state.
        assert query is not None  # nosec B101 # tells the type checker what is so
        schemas |= query.model_json_schema(ref_template=REFERENCE).get("$defs", {})
    return schemas
