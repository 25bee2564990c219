"""Manifests: of which parts, and how much of each, a Full Session is made, without what.

An entry names a part by its public id, counts the bytes that were there, and lists what is redacted
of it as `Redaction.as_planned` writes it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Manifest: TypeAlias = list[dict[str, Any]]

# Bytes on the disk for each byte of the parts: these brought into one layout and the joined file,
# each half as large again if all were re-encoded, and some air; see `media/full_session.py`.
ROOM_NEEDED = 3.5


def room_to_merge(manifest: Manifest) -> float:
    """Bytes that merging so much takes meanwhile."""
    return ROOM_NEEDED * sum(int(entry["bytes"]) for entry in manifest)


def bare(manifest: Manifest) -> list[tuple[Any, Any]]:
    """The parts alone, without what is to be redacted of them."""
    return [(entry["part"], entry["bytes"]) for entry in manifest]


def hidden(manifest: Manifest) -> set[tuple[Any, ...]]:
    return {
        (entry["part"], *planned) for entry in manifest for planned in entry.get("redacted", ())
    }
