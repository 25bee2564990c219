"""What is tried first is told apart from what is merely simple."""

from __future__ import annotations

import pytest

from qualz.passwords import ABOUT_YOU, COMMON, what_is_wrong

ADA = ("Ada Lovelace", "ada.lovelace@example.org")


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("1qaz2wsx3edc", COMMON),
        ("Qwerty123456", COMMON),
        ("password1234", COMMON),
        ("passwordpassword", COMMON),
        ("letmein12345678", COMMON),
        ("aaaaaaaaaaaa", COMMON),
        ("abcdabcdabcd", COMMON),
        ("poiuytrewq0987", COMMON),
        ("qualz-2026-qualz", COMMON),
        ("ada.lovelace@example.org", ABOUT_YOU),
        ("LovelaceAda1815", ABOUT_YOU),
        ("correct horse battery", ""),
        ("vier nasse Katzen", ""),
        ("Lovelace wrote notes", ""),
        ("tr0ub4dor&3xyz", ""),
    ],
)
def test_a_password_that_is_tried_first_is_named_as_such(password: str, said: str):
    assert what_is_wrong(password, about=ADA) == said
