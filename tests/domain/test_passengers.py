"""What a link carries along, and where it leads on."""

from __future__ import annotations

import pytest

from qualz import passenger


def test_of_a_link_only_what_was_asked_for_is_kept_and_cut_to_size():
    sent = {"PROLIFIC_PID": " 5f\n0a ", "evil": "x", "STUDY_ID": "s" * 900, "SESSION_ID": " "}
    kept = passenger.kept(passenger.PROLIFIC, sent)
    assert kept == {"PROLIFIC_PID": "5f 0a", "STUDY_ID": "s" * 200}


@pytest.mark.parametrize("name", ["", "1st", "a b", "a" * 65, "x<y", "preview", "é"])
def test_what_is_no_name_is_none(name: str):
    assert not passenger.is_name(name)


def test_what_came_with_the_link_can_only_fill_its_place():
    address = "https://a.example/{{PID}}?x={{ PID }}&y={{GONE}}#{{PID}}"
    filled = passenger.filled(address, {"PID": "../a?b=c&d#e{{PID}}/é"})
    value = "..%2Fa%3Fb%3Dc%26d%23e%7B%7BPID%7D%7D%2F%C3%A9"
    assert filled == f"https://a.example/{value}?x={value}&y=#{value}"


@pytest.mark.parametrize(
    ("address", "is_safe"),
    [
        ("https://app.prolific.com/submissions/complete?cc=ABC", True),
        ("https://a.example/{{PID}}", True),
        ("http://a.example/", False),
        ("javascript:alert(1)", False),
        ("//a.example/", False),
        ("https://{{PID}}.example/", False),
        ("https://a.example@b.example/", False),
        ("https:///path", False),
        ("https://a.example:99999/", False),
        ("https://a.example\\@b.example/", False),
    ],
)
def test_the_way_on_leads_to_a_host_that_is_written_out(address: str, is_safe: bool):
    assert passenger.is_safe_address(address) is is_safe
