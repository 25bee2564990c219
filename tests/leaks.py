"""What of the secrets that a deployment has handed out is in a text, such as its logs.

Of most of them it keeps only the digest. So every word of the text is tried: one whose digest is
in the database is a token.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

# As `new_token` makes them.
TOKEN = 32
RUN = re.compile(r"[\w-]{32,}", re.ASCII)
# What is signed (cookies, form tokens, ways back), tokens for the API, secrets of webhooks, and
# the addresses of secret links.
SHAPES = re.compile(
    r"\b(?:eyJ|Ij[A-Z0-9])[\w-]{8,}\.[\w-]+|\.eJ[\w-]{20,}|qualz_[\w-]{20,}|whsec_[\w+/]+"
    r"|/(?:setup|a|i|r|p)/[\w-]{20,}"
)


def leaks_in(text: str, data: Path) -> list[str]:
    """`data` is the deployment's folder. What is found is told by its beginning alone."""
    found = {shape[0] for shape in SHAPES.finditer(text)}
    found |= {secret for secret in _kept(data) if secret in text}
    digests = set(_column(data, "token_digest"))
    for run in {run[0] for run in RUN.finditer(text)}:
        for start in range(len(run) - TOKEN + 1):
            word = run[start : start + TOKEN]
            if hashlib.sha256(word.encode()).hexdigest() in digests:
                found.add(word)
    return sorted(f"{one[:10]}…" for one in found)


def _kept(data: Path) -> Iterator[str]:
    yield from _column(data, "token")
    for name in ("secret-key", "master-key"):
        if (data / name).exists():
            yield from (line.split()[0] for line in (data / name).read_text().splitlines())


def _column(data: Path, column: str) -> Iterator[str]:
    """Of all tables that have it."""
    file = data / "qualz.db"
    if not file.exists():
        return
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            columns = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            if (column,) in columns.fetchall():
                yield from (
                    value for (value,) in connection.execute(f'SELECT "{column}" FROM "{table}"')
                )
