"""The API: what it tells, to whom, and that it tells nothing but what its description says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from qualz import clock, moderation
from qualz.ai.scripted import ScriptedModerator
from qualz.api_token import ApiToken
from qualz.conversation import Manner
from qualz.database import db
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.researcher import Researcher
from qualz.study import Study
from tests.conftest import add_researcher
from tests.dashboard.conftest import SAMPLES
from tests.queries import asked


class Program:
    """Another program with a token. Every answer is held to the API's own description."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.headers = {"Authorization": f"Bearer {token}"}
        self.description = self.client.get("/api/v1/openapi.json").json
        self.seen: set[str] = set()

    def gets(self, path: str, status: int = 200, **headers: str) -> Any:
        answer = self.client.get(path, headers=self.headers | headers)
        assert answer.status_code == status, answer.text
        self._hold(path.partition("?")[0], answer)
        told = answer.json if answer.is_json else answer.data
        answer.close()
        return told

    def _hold(self, path: str, answer: Any) -> None:
        (template,) = [
            known
            for known in self.description["paths"]
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path)
        ]
        self.seen.add(template)
        told = self.description["paths"][template]["get"]["responses"][str(answer.status_code)]
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        if "*/*" not in told["content"]:
            schema = told["content"][answer.mimetype]["schema"]
            whole = {"components": self.description["components"], **schema}
            checker = Draft202012Validator.FORMAT_CHECKER
            Draft202012Validator(whole, format_checker=checker).validate(answer.json)


def token_of(researcher: Researcher, validity: timedelta | None = None) -> str:
    _, text = ApiToken.create(researcher, "Panel sync", validity=validity)
    db.session.commit()
    return text


@pytest.fixture
def program(app: Flask, ada: Researcher) -> Program:
    return Program(app, token_of(ada))


@pytest.fixture
def full(
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
) -> Interview:
    """A completed interview in two parts, with what was said."""
    said = moderation.hear(interview, ScriptedModerator())
    interview.answer(key="k", to=said.position, manner=Manner.TYPED, text="By hand, mostly")
    record(interview, ago=600)
    record(interview, ago=300)
    finish(interview)
    return interview


def test_the_description_is_openapi_3_1_and_has_every_route(app: Flask, program: Program):
    OpenAPIV31SpecValidator(program.description).validate()
    ours = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    described = {re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule) for rule in ours}
    assert described == set(program.description["paths"])
    assert len(ours) >= 7


def test_every_answer_is_as_described(program: Program, study: Study, full: Interview):
    one = f"/api/v1/interviews/{full.public_id}"
    (told,) = program.gets("/api/v1/studies")["items"]
    assert told["title"] == "Search habits"
    assert program.gets(f"/api/v1/studies/{study.public_id}") == told
    (listed,) = program.gets("/api/v1/interviews")["items"]
    whole = program.gets(one)
    assert {name: whole[name] for name in listed} == listed
    assert [part["number"] for part in whole["parts"]] == [1, 2]
    assert [turn["speaker"] for turn in whole["transcript"]] == ["moderator", "participant"]
    assert whole["transcript"][1]["text"] == "By hand, mostly"
    sound = (SAMPLES / "chromium-opus.webm").read_bytes()
    assert program.gets(f"{one}/recording") == sound
    assert program.gets(f"{one}/parts/2/clip") == sound
    assert program.gets(f"{one}/recording", 206, Range="bytes=10-19") == sound[10:20]
    program.gets(f"{one}/recording", 416, Range=f"bytes={len(sound)}-")
    program.gets(f"{one}/parts/9/clip", 404)
    program.gets("/api/v1/openapi.json")
    assert program.seen == set(program.description["paths"])


def test_interviews_are_narrowed_by_study_state_and_time(
    program: Program, study: Study, full: Interview
):
    with time_machine.travel(clock.now() + timedelta(days=2)):
        later = Interview.begin(study.invitation)
        Interview.begin(study.invitation, is_preview=True)
        db.session.commit()

    def found(query: str) -> list[str]:
        return [one["id"] for one in program.gets(f"/api/v1/interviews?{query}")["items"]]

    tomorrow = (clock.now() + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert found("") == [full.public_id, later.public_id]
    assert found("state=completed") == [full.public_id]
    assert found("state=joined") == [later.public_id]
    assert found(f"since={tomorrow}") == [later.public_id]
    assert found(f"study={study.public_id}&state=live") == []
    assert found("study=none") == []


def test_pages_follow_one_another_without_a_gap_or_a_repeat_in_few_queries(
    program: Program, study: Study
):
    with time_machine.travel(clock.now(), tick=False):
        begun = [Interview.begin(study.invitation) for _ in range(7)]
    db.session.commit()
    pages, cursor, queries = [], "", 0
    while cursor is not None:
        with asked() as statements:
            page = program.gets(f"/api/v1/interviews?limit=3&cursor={cursor}")
        queries += len(statements)
        pages.append([one["id"] for one in page["items"]])
        cursor = page["next_cursor"]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert {one for page in pages for one in page} == {one.public_id for one in begun}
    # Four more, once: it is written into the audit log that they were read.
    assert queries <= 3 * 6 + 4


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=x", "state=happy", "page=2"),
        *("since=2026-01-01", "since=yesterday", "cursor=!", "cursor=AAAA"),
        *("since=0001-01-01T00:00:00%2B14:00", "study=%00", "cursor=MC4A"),
    ],
)
def test_what_is_not_understood_is_named(program: Program, query: str):
    problem = program.gets(f"/api/v1/interviews?{query}", 400)
    assert problem["detail"].startswith(query.partition("=")[0])
    assert problem["title"] == "Bad Request"


def test_only_a_valid_token_opens_it(app: Flask, ada: Researcher, adas: FlaskClient):
    expired = token_of(ada, validity=timedelta(days=-1))
    token, revoked = ApiToken.create(ada, "Old", validity=None)
    token.revoke()
    db.session.commit()
    for browser, headers in (
        (app.test_client(), {}),
        (adas, {}),
        (app.test_client(), {"Authorization": "Basic YTpi"}),
        (app.test_client(), {"Authorization": "Bearer nonsense"}),
        (app.test_client(), {"Authorization": f"Bearer {expired}"}),
        (app.test_client(), {"Authorization": f"Bearer {revoked}"}),
    ):
        answer = browser.get("/api/v1/studies", headers=headers)
        assert answer.status_code == 401
        assert answer.mimetype == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_opens_nothing_but_the_api(app: Flask, program: Program, full: Interview):
    for path in ("/studies", f"/media/full-sessions/{full.public_id}", "/settings/api-tokens"):
        answer = app.test_client().get(path, headers=program.headers)
        assert "/sign-in" in answer.location


def test_others_see_nothing_of_adas(app: Flask, study: Study, full: Interview):
    mallory = add_researcher("Mallory", "mallory@example.org", is_guest=True)
    other = Program(app, token_of(mallory))
    assert other.gets("/api/v1/interviews")["items"] == []
    assert other.gets("/api/v1/studies")["items"] == []
    one = f"/api/v1/interviews/{full.public_id}"
    for path in (one, f"{one}/recording", f"{one}/parts/1/clip"):
        assert other.gets(path, 404)["status"] == 404
    other.gets(f"/api/v1/studies/{study.public_id}", 404)


def test_what_there_is_not_and_what_cannot_be_done_is_a_problem_too(program: Program):
    for answer, status in (
        (program.client.get("/api/v1/nothing", headers=program.headers), 404),
        (program.client.get("/api/"), 404),
        (program.client.post("/api/v1/studies", headers=program.headers), 405),
        (program.client.delete("/api/v1/studies", headers=program.headers), 405),
    ):
        assert answer.status_code == answer.json["status"] == status
        assert answer.mimetype == "application/problem+json"


@pytest.fixture
def page(adas: FlaskClient) -> str:
    """Ada has made a token in the workplace."""
    answer = adas.post("/settings/api-tokens", data={"name": "Panel sync", "days": "30"})
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


def test_a_token_is_shown_once_and_revoked_for_good(
    app: Flask,
    adas: FlaskClient,
    strangers: FlaskClient,
    page: str,
):
    (text,) = re.findall(r'value="(qualz_[^"]+)"', page)
    program = Program(app, text)
    assert program.gets("/api/v1/studies")["items"] == []
    listed = adas.get("/settings/api-tokens").text
    assert text not in listed
    assert "Panel sync" in listed
    assert "never used" not in listed
    (revoke,) = re.findall(r'action="(/settings/api-tokens/[^"]+)"', listed)
    assert strangers.post(revoke).status_code == 404
    program.gets("/api/v1/studies")
    adas.post(revoke)
    program.gets("/api/v1/studies", 401)
    assert adas.post("/settings/api-tokens", data={"name": " "}).status_code == 422
