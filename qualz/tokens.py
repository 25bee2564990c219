"""Secrets that people carry in links: random, and kept only as digests."""

import hashlib
import secrets

PLAIN = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def new_token() -> str:
    """192 random bits, fit for an address."""
    return secrets.token_urlsafe(24)


def digest(token: str) -> str:
    """How a token is kept: SHA-256, as 64 hexadecimal digits.

    A fast hash is right here: a token has more random bits than anyone can try.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def new_receipt() -> str:
    """A short code that people can copy by hand: no two of its characters look alike."""
    code = "".join(secrets.choice(PLAIN) for _ in range(8))
    return f"{code[:4]}-{code[4:]}"
