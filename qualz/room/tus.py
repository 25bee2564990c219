"""The words of tus 1.0: what its headers may say and what a server refuses.

https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import base64
import hashlib

from qualz.errors import QualzError

VERSION = "1.0.0"
EXTENSIONS = (
    "creation",
    "creation-defer-length",
    "checksum",
    "expiration",
    "termination",
)
CHECKSUMS = ("sha1", "sha256")


class Unacceptable(QualzError):
    """A request that breaks the protocol; the message says which rule."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class ChecksumMismatch(QualzError):
    """The bytes are not those whose checksum was sent. Nothing of them was kept."""

    status = 460


def whole_number(text: object, name: str) -> int:
    number = str(text) if text is not None else ""
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise Unacceptable(f"{name} must be a whole number.")
    return int(number)


def metadata_from(header: str) -> dict[str, str]:
    """`Upload-Metadata`: pairs of a key and its value in base64, parted by commas."""
    found = {}
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except ValueError:
            raise Unacceptable(f"The value of {key} in Upload-Metadata is not base64.") from None
    return found


def verify(body: bytes, header: str) -> None:
    """`Upload-Checksum`: the algorithm's name and the digest in base64."""
    name, _, expected = header.partition(" ")
    if name not in CHECKSUMS:
        raise Unacceptable(f"Checksums may be {' or '.join(CHECKSUMS)}, not {name}.")
    found = base64.b64encode(hashlib.new(name, body).digest()).decode()
    if found != expected.strip():
        raise ChecksumMismatch("The checksum does not fit the bytes that arrived. Send them again.")
