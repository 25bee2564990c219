"""Tokens: what opens something is 192 random bits, and nothing that is like it opens anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qualz.answers_link import AnswersLink
from qualz.api_token import ApiToken
from qualz.database import db
from qualz.errors import QualzError
from qualz.interview import Interview
from qualz.invitation import Invitation
from qualz.password_reset import PasswordReset
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.researcher import SetUpLink
from qualz.resume_link import ResumeLink
from qualz.sign_in import Lengths, SignIn
from qualz.team_invitation import TeamInvitation

WEEK = timedelta(weeks=1)


def inside(token: str) -> object:
    return SignIn.opened_by(token, Lengths(WEEK, WEEK))


DOORS: tuple[Callable[[str], object], ...] = (
    inside,
    ResumeLink.opened_by,
    AnswersLink.opened_by,
    PersonalLink.opened_by,
    Invitation.opened_by,
    SetUpLink.opened_by,
    ApiToken.opened_by,
    TeamInvitation.opened_by,
    PasswordReset.opened_by,
)


def opens(door: Callable[[str], object], token: str) -> bool:
    try:
        return door(token) is not None
    except QualzError:
        return False


@pytest.fixture
def held(interview: Interview) -> dict[str, Callable[[str], object]]:
    """Tokens, and the one door that each is for."""
    study = interview.study
    _, signed_in = SignIn.begin(study.researcher)
    _, resume = ResumeLink.create(interview, validity=WEEK)
    _, theirs = AnswersLink.create(interview, validity=WEEK)
    ((_, personal),) = PersonalLink.create(study, [Person("Lena")])
    db.session.commit()
    return {
        signed_in: inside,
        resume: ResumeLink.opened_by,
        theirs: AnswersLink.opened_by,
        personal: PersonalLink.opened_by,
        study.invitation.token: Invitation.opened_by,
    }


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(max_size=80), at=st.integers(0, 40), letter=st.characters(codec="utf-8"))
@example(text="", at=0, letter="\0")
def test_a_token_opens_its_own_door_and_nothing_like_it_opens_any(
    held: dict[str, Callable[[str], object]], text: str, at: int, letter: str
):
    for token, door in held.items():
        assert [one for one in DOORS if opens(one, token)] == [door]
        changed = token[:at] + letter + token[at + 1 :]
        for wrong in {text, changed, token + letter, token[:-1], token.swapcase()} - {*held}:
            assert not [one for one in DOORS if opens(one, wrong)], wrong
