"""The API, asked for whatever its own description allows and for what it does not."""

from __future__ import annotations

import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from qualz.api_token import ApiToken
from qualz.database import db
from qualz.interview import Interview
from qualz.researcher import Researcher
from tests.dashboard.conftest import Browser

# Few, for each test of every run costs; a longer look is one number away.
EXAMPLES = 12
A_LOOK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_every_answer_is_as_described_whatever_is_asked(
    app: Flask, ada: Researcher, interview: Interview
):
    """No error of ours, no status, type or shape that the description does not name."""
    app.test_client_class = Browser
    _, token = ApiToken.create(ada, "Fuzz", validity=None)
    db.session.commit()
    bearer = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    seen: dict[str, set[int]] = {}

    @A_LOOK
    @given(st.data())
    def look(data: st.DataObject) -> None:
        for operation in schema.get_all_operations():
            case = data.draw(operation.ok().as_strategy())
            if "interview_id" in case.path_parameters and data.draw(st.booleans()):
                case.path_parameters["interview_id"] = interview.public_id
            answer = case.call(headers=bearer)
            # A schema cannot say that moments begin with 1970.
            case.validate_response(
                answer, headers=bearer, excluded_checks=[positive_data_acceptance]
            )
            seen.setdefault(case.path, set()).add(answer.status_code)

    look()
    assert len(seen) >= 6
    assert {status for statuses in seen.values() for status in statuses} >= {200, 404}


@A_LOOK
@given(word=st.text(st.characters(exclude_categories=["C", "Z"], max_codepoint=255), max_size=80))
def test_no_word_is_a_token_by_chance(app: Flask, ada: Researcher, word: str):
    client: FlaskClient = app.test_client()
    for scheme in ("Bearer", "bearer", "Basic", ""):
        header = f"{scheme} {word}".strip().encode("latin-1").decode("latin-1")
        answer = client.get("/api/v1/studies", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
