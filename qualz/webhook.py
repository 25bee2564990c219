"""Webhooks: an address that is told of happenings, signed as Standard Webhooks has it.

https://www.standardwebhooks.com: `webhook-signature` holds `v1,` and the HMAC-SHA256 of
`id.timestamp.body` in base64. The secret is in the vault.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

from sqlalchemy import JSON, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import Model, db
from qualz.errors import NotFound
from qualz.happening import Kind
from qualz.researcher import Researcher
from qualz.vault import Vault

LONGEST_URL = 1000
PREFIX = "whsec_"


def _new_name() -> str:
    """Fit for an address and for the name of a secret."""
    return secrets.token_hex(12)


class Webhook(Model):
    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True, default=_new_name)
    # Who added it. It is the workspace's: those who manage that see all of them.
    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str] = mapped_column(String(LONGEST_URL))
    kinds: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    # Set when its receiver answered that it is gone for good.
    ended_at: Mapped[datetime | None]

    @classmethod
    def add(
        cls, researcher: Researcher, url: str, kinds: Iterable[Kind], vault: Vault
    ) -> tuple[Self, str]:
        """A new one and its secret, which can be read this once and never again."""
        webhook = cls(
            public_id=_new_name(), researcher_id=researcher.id, url=url, kinds=list(kinds)
        )
        db.session.add(webhook)
        secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        vault.keep(webhook.secret_name, secret)
        return webhook, secret

    @classmethod
    def of(cls, public_id: str) -> Self:
        found = db.session.scalar(select(cls).where(cls.public_id == public_id))
        if found is None:
            raise NotFound("There is no such webhook.")
        return found

    @classmethod
    def all(cls) -> Sequence[Self]:
        return db.session.scalars(select(cls).order_by(cls.id)).all()

    @property
    def secret_name(self) -> str:
        return f"webhook-{self.public_id}"

    def wants(self, kind: Kind) -> bool:
        return self.ended_at is None and kind in self.kinds

    def change(self, url: str, kinds: Iterable[Kind]) -> None:
        """Whoever changes it wants it to be: one that had ended begins anew."""
        self.url, self.kinds, self.ended_at = url, list(kinds), None

    def remove(self, vault: Vault) -> None:
        """With what was to be delivered to it."""
        vault.forget(self.secret_name)
        db.session.delete(self)


def headers(name: str, body: str, secret: str) -> dict[str, str]:
    """What is sent along with a body. `name` stays the same each time that it is sent."""
    at = int(clock.now().timestamp())
    return {
        "Content-Type": "application/json",
        "User-Agent": "Qualz",
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature(name, at, body, secret)}",
    }


def signature(name: str, at: int, body: str, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{name}.{at}.{body}".encode()
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
