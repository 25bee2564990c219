"""The vault: secrets of outside services, one small file each, encrypted.

They are beside the database and not in it: a dump or a backup of the database holds none, and a
copy of their folder is nothing without the master key. AES-256-GCM with a key that is derived from
the master key by HKDF-SHA256 (RFC 5869); the name of a secret is bound to it, so that one file
cannot stand in for another.
"""

from __future__ import annotations

import base64
import fcntl
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qualz.keys import KeyUnusable, write_privately

log = logging.getLogger(__name__)

# What is encrypted begins so; what does not was written before there was a master key.
MARK = "qualz-vault-1:"
NAME = re.compile(r"[a-z0-9-]+")
NONCE = 12  # bytes


class Vault:
    """`keys` answers the master keys as they are now, the one in use first."""

    def __init__(self, folder: Path, keys: Callable[[], Sequence[str]]) -> None:
        self._folder = folder
        self._keys = keys

    def keep(self, name: str, secret: str) -> None:
        """Whole or not at all, and never readable by others, not even for a moment."""
        path = self._path(name)
        with self._locked():
            write_privately(path, _sealed(name, secret, self._keys()[0]))

    def read(self, name: str) -> str:
        """The secret of that name; an empty text where there is none, or none that can be read.

        The service then refuses what is asked of it, and others do its work meanwhile.
        """
        try:
            text = self._path(name).read_text()
            if not text.startswith(MARK):
                self._seal(name)
                return text
            return _opened(name, text, self._keys())
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, InvalidTag, KeyUnusable) as cause:
            log.error("The key in %s cannot be read: %s", self._path(name), type(cause).__name__)
            return ""

    def forget(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def seal_anew(self) -> tuple[int, list[str]]:
        """Encrypt all with the key in use: how many are, and the names of those that cannot be
        read. A process that dies in between leaves each file as it was or as it should be."""
        names = self.names
        lost = [name for name in names if not self._seal(name)]
        return len(names) - len(lost), lost

    @property
    def names(self) -> list[str]:
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted(path.name for path in found if NAME.fullmatch(path.name))

    def _seal(self, name: str) -> bool:
        """What is there is read under the lock: it may have been replaced just now."""
        with self._locked():
            path, keys = self._path(name), self._keys()
            try:
                text = path.read_text()
                secret = _opened(name, text, keys) if text.startswith(MARK) else text
            except FileNotFoundError:
                return True
            except (ValueError, InvalidTag):
                return False
            write_privately(path, _sealed(name, secret, keys[0]))
            return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Who writes with a key that is on its way out waits until the way is clear."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ValueError("a secret's name has small letters, digits and hyphens")
        return self._folder / name


def _sealed(name: str, secret: str, key: str) -> str:
    nonce = os.urandom(NONCE)
    sealed = _cipher(key).encrypt(nonce, secret.encode(), name.encode())
    return MARK + base64.urlsafe_b64encode(nonce + sealed).decode()


def _opened(name: str, text: str, keys: Sequence[str]) -> str:
    """Raises `InvalidTag` where none of the keys fits, and `ValueError`."""
    data = base64.urlsafe_b64decode(text.removeprefix(MARK))
    for key in keys:
        try:
            return _cipher(key).decrypt(data[:NONCE], data[NONCE:], name.encode()).decode()
        except InvalidTag:
            continue
    raise InvalidTag


def _cipher(key: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"qualz vault 1")
    return AESGCM(derived.derive(key.encode()))
