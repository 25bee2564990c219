"""Embedding: which sites may show a study's interviews inside their own pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

MOST = 20
HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
# Browsers trust these without TLS, and lend a microphone to no other page that has none.
OWN_MACHINE = {"localhost", "127.0.0.1"}


def origin_of(text: str) -> str | None:
    """The origin of an address as browsers write it, “https://www.example.org”; None where it is
    none from which a browser would lend a frame its microphone."""
    try:
        parts = urlsplit(text.strip())
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except (ValueError, UnicodeError):
        return None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in OWN_MACHINE)
    is_plain = HOST.fullmatch(host) and "@" not in parts.netloc and "\\" not in text
    if not is_safe or not is_plain:
        return None
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")


def ancestors(origins: Iterable[str]) -> str:
    """What a Content-Security-Policy says of them; see
    https://www.w3.org/TR/CSP3/#directive-frame-ancestors."""
    return " ".join(origins) or "'none'"
