"""Second factors: a code that changes every 30 seconds (TOTP, RFC 6238), and codes to recover by.

The secret is in the vault, so a copy of the database makes nobody a code.
"""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import datetime
from typing import Self

import pyotp
from sqlalchemy import ForeignKey, String, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock
from qualz.database import Model, after_commit, db, rows_changed
from qualz.errors import WrongState
from qualz.researcher import Researcher
from qualz.tokens import PLAIN, digest
from qualz.vault import Vault

# In seconds.
STEP = 30
# A phone's clock may be a step off in either direction.
LEEWAY = 1
CODES, CODE_LENGTH = 10, 16


class SecondFactor(Model):
    """Asked for when it is confirmed; until then it is only prepared."""

    __tablename__ = "second_factors"

    id: Mapped[int] = mapped_column(primary_key=True)
    researcher_id: Mapped[int] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE"), unique=True
    )
    secret_name: Mapped[str] = mapped_column(String(40))
    salt: Mapped[str] = mapped_column(String(32))
    confirmed_at: Mapped[datetime | None]
    # The step of the last code that was taken: none is taken twice.
    last_step: Mapped[int | None]

    researcher: Mapped[Researcher] = relationship()

    @classmethod
    def of(cls, researcher: Researcher) -> Self | None:
        """Confirmed or only prepared."""
        return db.session.scalar(select(cls).where(cls.researcher_id == researcher.id))

    @classmethod
    def asked_of(cls, researcher: Researcher) -> Self | None:
        found = cls.of(researcher)
        return found if found and found.confirmed_at else None

    @classmethod
    def prepare(cls, researcher: Researcher, vault: Vault) -> Self:
        """With a new secret each time. Raises `WrongState` where one is on already."""
        found = cls.of(researcher)
        if found and found.confirmed_at:
            raise WrongState("The second step is on already. Turn it off to set it up anew.")
        if found is None:
            found = cls(
                researcher_id=researcher.id,
                secret_name=f"second-factor-{secrets.token_hex(8)}",
                salt=secrets.token_hex(16),
            )
            db.session.add(found)
        vault.keep(found.secret_name, pyotp.random_base32())
        return found

    def secret(self, vault: Vault) -> str:
        """In base32, as people type it who cannot scan it; empty where the vault lost it."""
        return vault.read(self.secret_name)

    def uri(self, vault: Vault, email: str) -> str:
        """What the square code holds."""
        return pyotp.TOTP(self.secret(vault)).provisioning_uri(name=email, issuer_name="Qualz")

    def confirm(self, code: str, vault: Vault) -> list[str] | None:
        """Turns it on and answers the recovery codes; None where that is not its code."""
        if not self.takes(code, vault):
            return None
        self.confirmed_at = clock.now()
        return self.renew_codes()

    def takes(self, code: str, vault: Vault) -> bool:
        """Whether it is a code of this moment that has not been taken before. The caller commits:
        from then on it is taken."""
        step = self._step_of(_digits(code), vault)
        if step is None:
            return False
        kind = type(self)
        is_newer = or_(kind.last_step.is_(None), kind.last_step < step)
        return bool(
            rows_changed(update(kind).where(kind.id == self.id, is_newer).values(last_step=step))
        )

    def _step_of(self, code: str, vault: Vault) -> int | None:
        secret, now = self.secret(vault), int(clock.now().timestamp()) // STEP
        if not secret or len(code) != 6:
            return None
        totp = pyotp.HOTP(secret)
        steps = range(now - LEEWAY, now + LEEWAY + 1)
        return next((step for step in steps if hmac.compare_digest(totp.at(step), code)), None)

    def recovers_by(self, code: str) -> bool:
        """Whether it is a recovery code that has not been used. The caller commits."""
        mine = (
            RecoveryCode.second_factor_id == self.id,
            RecoveryCode.code_digest == self._digest(code),
            RecoveryCode.used_at.is_(None),
        )
        return bool(rows_changed(update(RecoveryCode).where(*mine).values(used_at=clock.now())))

    def renew_codes(self) -> list[str]:
        """Fresh recovery codes, which can be read this once; the older ones open nothing."""
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.second_factor_id == self.id))
        codes = [_new_code() for _ in range(CODES)]
        db.session.add_all(
            RecoveryCode(second_factor_id=self.id, code_digest=self._digest(code)) for code in codes
        )
        return codes

    @property
    def codes_left(self) -> int:
        unused = (RecoveryCode.second_factor_id == self.id, RecoveryCode.used_at.is_(None))
        return db.session.scalar(select(func.count(RecoveryCode.id)).where(*unused)) or 0

    def remove(self, vault: Vault) -> None:
        name = self.secret_name
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.second_factor_id == self.id))
        db.session.delete(self)
        after_commit(lambda: vault.forget(name))

    def _digest(self, code: str) -> str:
        return digest(f"{self.salt}:{_plain(code)}")


class RecoveryCode(Model):
    """79 random bits, salted and hashed: enough that a fast hash will do."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    second_factor_id: Mapped[int] = mapped_column(
        ForeignKey("second_factors.id", ondelete="CASCADE"), index=True
    )
    code_digest: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


def is_recovery_code(code: str) -> bool:
    """By its form, whosever it may be."""
    return len(_plain(code)) == CODE_LENGTH


def _new_code() -> str:
    code = "".join(secrets.choice(PLAIN) for _ in range(CODE_LENGTH))
    return "-".join(re.findall("....", code))


def _plain(code: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", code.upper())


def _digits(code: str) -> str:
    """People copy the gap in the middle too."""
    return re.sub(r"\s", "", code) if code.isascii() else ""
