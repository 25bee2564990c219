"""Who may see what. Every view finds its study or interview here, through who is signed in."""

from __future__ import annotations

from typing import cast

from flask_login import current_user

from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import Study


def researcher() -> Researcher:
    """Who is signed in. The blueprint lets nobody else this far."""
    return cast(Researcher, current_user._get_current_object())


def find_study(study_id: str) -> Study:
    return Study.of(researcher(), study_id)


def find_interview(study_id: str, interview_id: str) -> Interview:
    return Interview.of(find_study(study_id), interview_id)
