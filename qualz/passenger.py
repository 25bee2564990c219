"""What a link carries along: its parameters, kept with the interview, and the way on afterwards.

Prolific sends people with three parameters and wants them back at an address that names one.
https://researcher-help.prolific.com/en/articles/445141
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

PROLIFIC = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]{0,63})\s*\}\}")
MOST = 20
LONGEST_VALUE = 200
LONGEST_ADDRESS = 1000
# Those that the door itself reads are nobody else's.
OURS = {"preview"}


def is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None and text not in OURS


def kept(names: Iterable[str], sent: Mapping[str, str]) -> dict[str, str]:
    """Of what came with a link, what the study asked for: in one line, and cut to size."""
    return {name: _tidy(sent[name]) for name in names if sent.get(name, "").strip()}


def _tidy(value: str) -> str:
    printed = "".join(char if char.isprintable() else " " for char in value)
    return " ".join(printed.split())[:LONGEST_VALUE]


def is_safe_address(text: str) -> bool:
    """Whether it leads by https to a host that is written out: no parameter can change it."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_plain = "{" not in parts.netloc and "@" not in parts.netloc and "\\" not in text
    return (
        parts.scheme == "https" and bool(host) and is_plain and not re.search(r"\s", parts.netloc)
    )


def filled(address: str, parameters: Mapping[str, str]) -> str:
    """The address with `{{NAME}}` replaced by what that parameter was, or by nothing."""
    return PLACE.sub(lambda found: quote(str(parameters.get(found[1], "")), safe=""), address)
