"""A shelf: a bucket of any S3-compatible store, where whole files lie under their names in storage.

Each is put there in checksummed pieces and with its SHA-256, which is held against what comes back.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from qualz.media import disk

MEBIBYTE = 1024 * 1024
# Beyond it a file goes in pieces of that size, each with a checksum of its own.
PIECE = 16 * MEBIBYTE
# As many are deleted by one request at most: a limit of the protocol.
AT_ONCE = 1000
DIGEST = "sha256"
MISSING = {"404", "NoSuchKey", "NotFound"}
BEAT = 1.0  # seconds

_beat: ContextVar[Callable[[], None]] = ContextVar("beat", default=lambda: None)


class OutOfReach(OSError):
    """The store did not answer, or refused. Nothing is lost: try again."""


class Spoilt(OSError):
    """What the store gave back is not what was put there."""


@contextmanager
def beating(beat: Callable[[], None]) -> Iterator[None]:
    """Have `beat` called about once a second while a file is on its way: large ones take longer
    than a lease. What it raises ends the way."""
    token = _beat.set(beat)
    try:
        yield
    finally:
        _beat.reset(token)


def whole_digest(path: Path) -> str:
    return disk.digest(path, path.stat().st_size)


class Shelf:
    """`prefix` stands before every name. Who may use the bucket, and where it is, boto3 finds as
    always: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html

    `digest` is the SHA-256 of a file: it may keep an event loop waiting, what is sent does not.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None = None,
        prefix: str = "",
        digest: Callable[[Path], str] = whole_digest,
    ) -> None:
        import boto3
        from boto3.s3.transfer import TransferConfig
        from botocore.config import Config

        # It tells each process's log where it found them.
        logging.getLogger("botocore.credentials").setLevel(logging.WARNING)
        # Addresses by path: not every store answers to a host name for each bucket.
        style = {"addressing_style": "path"} if endpoint else {}
        config = Config(
            connect_timeout=5, read_timeout=30, retries={"max_attempts": 3}, s3=style or None
        )
        self._client: Any = boto3.client("s3", endpoint_url=endpoint, config=config)
        # In the caller's own thread, so that it can be stopped, and no greenlet waits for another.
        self._transfer = TransferConfig(
            multipart_threshold=PIECE, multipart_chunksize=PIECE, use_threads=False
        )
        self._bucket, self._prefix, self._digest = bucket, prefix, digest

    def put(self, source: Path, name: str) -> None:
        """Whole or not at all. Raises `OutOfReach`."""
        digest = self._digest(source)
        with _reaching(), _telling() as on_bytes:
            self._client.upload_file(
                str(source),
                self._bucket,
                self._key(name),
                ExtraArgs={"Metadata": {DIGEST: digest}},
                Config=self._transfer,
                Callback=on_bytes,
            )
            kept = self._head(name)
        if kept["Metadata"].get(DIGEST) != digest:
            raise OutOfReach(f"the store kept {name} otherwise than it was put there")

    def fetch(self, name: str, target: Path) -> None:
        """Raises `FileNotFoundError`, `OutOfReach`, `DiskFull`, and `Spoilt` with `target` gone."""
        with _reaching(), disk.disk_full(), _telling() as on_bytes:
            kept = self._head(name)
            self._client.download_file(
                self._bucket, self._key(name), str(target), Config=self._transfer, Callback=on_bytes
            )
        wanted = kept["Metadata"].get(DIGEST)
        if wanted and self._digest(target) != wanted:
            target.unlink()
            raise Spoilt(f"{name} came back from the store with other bytes than it was put there")

    def size(self, name: str) -> int:
        """Raises `FileNotFoundError` and `OutOfReach`."""
        with _reaching():
            return int(self._head(name)["ContentLength"])

    def exists(self, name: str) -> bool:
        """Raises `OutOfReach`."""
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def names(self, start: str = "") -> Iterator[str]:
        """Of all that begin so. Raises `OutOfReach`."""
        pages = self._client.get_paginator("list_objects_v2")
        with _reaching():
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._key(start)):
                for entry in page.get("Contents", ()):
                    yield entry["Key"].removeprefix(self._prefix)

    def delete(self, *names: str) -> None:
        """No complaint about those that are gone already. Raises `OutOfReach`."""
        for start in range(0, len(names), AT_ONCE):
            keys = [{"Key": self._key(name)} for name in names[start : start + AT_ONCE]]
            with _reaching():
                told = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True}
                )
            if errors := told.get("Errors"):
                raise OutOfReach(f"the store did not delete {errors[0].get('Key')}")

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _head(self, name: str) -> Any:
        return self._client.head_object(Bucket=self._bucket, Key=self._key(name))


@contextmanager
def _telling() -> Iterator[Callable[[int], None]]:
    """What the library tells of bytes that went; what the beat raised comes out at the end, for on
    its way through the library it would become an error of the network."""
    beat, last = _beat.get(), time.monotonic()
    raised: list[Exception] = []

    def on_bytes(_count: int) -> None:
        nonlocal last
        if raised:
            raise raised[0]
        if time.monotonic() - last >= BEAT:
            last = time.monotonic()
            try:
                beat()
            except Exception as cause:
                raised.append(cause)
                raise

    try:
        yield on_bytes
    except Exception:
        if raised:
            raise raised[0] from None
        raise


@contextmanager
def _reaching() -> Iterator[None]:
    """The library's errors in our words."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in MISSING:
            raise FileNotFoundError(str(error)) from error
        raise OutOfReach(str(error)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise OutOfReach(str(error)) from error
