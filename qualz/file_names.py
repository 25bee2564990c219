"""Names of files as every system takes them, made of what people typed."""

from __future__ import annotations

import re
import unicodedata

# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
FOREIGN = set('/\\:*?"<>|')
RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM[\d¹²³]|LPT[\d¹²³])(?:\.|$)", re.IGNORECASE)
LONGEST = 100  # bytes, for a name may be at most 255 with all that is put before and behind


def safe(text: str) -> str:
    """Close to the text, one line, composed, never empty, and no name that Windows keeps."""
    composed = unicodedata.normalize("NFC", text)
    kept = (char if char.isprintable() and char not in FOREIGN else " " for char in composed)
    line = " ".join("".join(kept).split())
    cut = line.encode()[:LONGEST].decode(errors="ignore").strip(" .")
    return f"_{cut}" if not cut or RESERVED.match(cut) else cut
