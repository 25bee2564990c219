"""File names, of whatever people type; and tokens, of nothing that anybody can know."""

from __future__ import annotations

import re
import string
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from qualz import file_names
from qualz.tokens import digest, new_token
from tests.test_strict_pages import BIDI, HOSTILE

RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{it}{n}" for it in ("COM", "LPT") for n in range(10))}


@given(st.text())
@example(HOSTILE)
@example("../../etc/passwd")
@example("..")
@example("con.txt")
@example("a\0b\r\nContent-Type: text/html")
@example("é" * 500)
@example("")
def test_a_file_name_is_one_that_every_system_takes_and_leads_nowhere(typed: str):
    name = file_names.safe(typed)
    assert name == file_names.safe(name)
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|')
    assert not BIDI.search(name)
    assert name.strip(" .") == name != ""
    assert name.split(".")[0].upper() not in RESERVED
    assert 0 < len(name.encode()) <= file_names.LONGEST + 1
    assert Path("/folder", name).resolve().parent == Path("/folder")


@given(st.lists(st.text(string.ascii_letters, min_size=1), min_size=1))
def test_a_plain_file_name_stays_as_it_is(words: list[str]):
    typed = " ".join(words)
    if typed.upper() not in RESERVED and len(typed) <= file_names.LONGEST:
        assert file_names.safe(typed) == typed


def test_tokens_have_more_bits_than_anybody_can_try_and_none_comes_twice():
    tokens = [new_token() for _ in range(2000)]
    assert len(set(tokens)) == 2000
    for token in tokens:
        # 32 characters of 6 bits each.
        assert re.fullmatch(r"[\w-]{32}", token, re.ASCII)
    seen = {(at, token[at]) for token in tokens for at in range(32)}
    assert len(seen) == 32 * 64


@given(st.text(), st.text())
def test_a_digest_tells_texts_apart_and_nothing_of_them(one: str, other: str):
    # Lone surrogates come from no address that a browser sends.
    one, other = (text.encode(errors="ignore").decode() for text in (one, other))
    assert re.fullmatch(r"[0-9a-f]{64}", digest(one))
    assert (digest(one) == digest(other)) is (one == other)
    assert not one or one not in digest(one) or len(one) < 10
