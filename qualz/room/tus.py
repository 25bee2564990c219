"""The words of tus 1.0: what its headers may say and what a server refuses.

https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from qualz.errors import QualzError
from qualz.settings import MEBIBYTE

VERSION = "1.0.0"
LONGEST_METADATA = 4096
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


class BrokenOff(QualzError):
    """A body that ended before its time, or came too slowly. `durable` is where to go on.

    409 rather than 408, for that is what tus clients ask for the offset after.
    """

    status = 409

    def __init__(self, durable: int) -> None:
        super().__init__(
            "The bytes stopped coming, or came too slowly to wait for. Ask for the offset that "
            "is held here and go on there."
        )
        self.durable = durable


class Locked(QualzError):
    """Another request is at this upload. tus clients try again after a while."""

    status = 423


class UploadExpired(QualzError):
    status = 410


@dataclass(frozen=True)
class Checksum:
    """What `Upload-Checksum` says: an algorithm and the digest that the body should have."""

    algorithm: str
    digest: bytes

    @classmethod
    def from_header(cls, header: str) -> Checksum:
        algorithm, _, digest = header.partition(" ")
        if algorithm not in CHECKSUMS:
            known = " or ".join(CHECKSUMS)
            raise Unacceptable(f"Upload-Checksum may be {known}, not “{algorithm}”.")
        return cls(algorithm, _from_base64(digest.strip(), "Upload-Checksum"))

    def verify(self, body: bytes) -> None:
        """Raises `ChecksumMismatch`."""
        if hashlib.new(self.algorithm, body).digest() != self.digest:
            raise ChecksumMismatch(
                "The checksum does not fit the bytes that arrived. Send them again."
            )


def whole_number(text: object, name: str) -> int:
    number = str(text) if text is not None else ""
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise Unacceptable(f"{name} must be a whole number.")
    return int(number)


def metadata_from(header: str) -> dict[str, str]:
    """`Upload-Metadata`: pairs of a key and its value in base64, parted by commas.

    A value may be any bytes; what is not text matters to nobody here, so it need not be right.
    """
    if not (header.isprintable() and len(header) <= LONGEST_METADATA):
        raise Unacceptable(f"Upload-Metadata is one line of at most {LONGEST_METADATA} characters.")
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        key, _, value = pair.partition(" ")
        if key in found:
            raise Unacceptable(f"Upload-Metadata has {key} twice.")
        found[key] = _from_base64(value, f"{key} in Upload-Metadata").decode(errors="replace")
    return {key: value.replace("\0", "") for key, value in found.items()}


def in_words(size: int) -> str:
    exact = f"{size} bytes"
    return f"{size // MEBIBYTE} MiB ({exact})" if size >= MEBIBYTE else exact


def _from_base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Unacceptable(f"The value of {name} is not base64.") from None
