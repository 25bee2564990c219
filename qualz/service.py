"""Services: engines that run elsewhere, such as a language model, and how they are reached.

There is at most one of each kind. Without one, or while it is off, the embedded default does the
work. Its key is in the vault; here is only whether there is one.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import urlsplit

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import Model, db, during_transaction, forget, word
from qualz.vault import Vault

SERVICES = "services"


class Kind(StrEnum):
    LANGUAGE_MODEL = "language-model"
    HEARING = "hearing"
    VOICE = "voice"


class Service(Model):
    __tablename__ = "services"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(word(Kind), unique=True)
    url: Mapped[str] = mapped_column(String(500), default="")
    model: Mapped[str] = mapped_column(String(200), default="")
    is_on: Mapped[bool] = mapped_column(default=False)
    has_key: Mapped[bool] = mapped_column(default=False)
    # What was found out about how it wants to be spoken to; see `ai/endpoint.py`.
    manners: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # What else was chosen about it; each kind has words of its own for that.
    wishes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # Changes with every change, so that each process knows when to reach it anew.
    revision: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def of(cls, kind: Kind) -> Self | None:
        """They are asked for many times in a request: the database once in a transaction."""
        known = during_transaction(SERVICES, lambda: db.session.scalars(select(cls)).all())
        return next((service for service in known if service.kind is kind), None)

    @classmethod
    def host_of(cls, kind: Kind) -> str:
        """Who else gets to hear or read what participants say; empty while that stays here."""
        service = cls.of(kind)
        return service.host if service and service.is_on else ""

    @property
    def host(self) -> str:
        """The host's name; empty where it is this machine itself."""
        host = urlsplit(self.url).hostname or ""
        return "" if _is_here(host) else host

    @classmethod
    def set(
        cls,
        kind: Kind,
        vault: Vault,
        *,
        url: str,
        model: str,
        key: str,
        is_on: bool,
        wishes: dict[str, Any] | None = None,
    ) -> Self:
        """Set how it is reached. Without a new key the one that there is stays, for the same
        address only: what was entrusted to one server is not handed to another."""
        service = cls.of(kind)
        if service is None:
            service = cls(kind=kind, revision=0)
            db.session.add(service)
            forget(SERVICES)
        stays = service.has_key and is_same_place(service.url or "", url)
        if (service.url, service.model) != (url, model):
            service.manners = {}
        if key:
            vault.keep(kind.value, key)
        elif not stays:
            vault.forget(kind.value)
        service.url, service.model, service.is_on = url, model, is_on
        service.has_key = bool(key) or stays
        service.wishes = wishes or {}
        service.revision += 1
        service.changed_at = clock.now()
        return service

    def key_for(self, url: str, vault: Vault) -> str:
        """The key, if it was given for that server."""
        if not self.has_key or not is_same_place(self.url, url):
            return ""
        return vault.read(self.kind.value)


def is_same_place(one: str, other: str) -> bool:
    """Whether both are on one server. What is no address is on none."""
    try:
        return _place(one) == _place(other)
    except ValueError:
        return False


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or standard
