"""What a deployment can choose. The only reader of `os.environ`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

MEBIBYTE = 1024 * 1024
GRACE = timedelta(seconds=10)
HOLD = timedelta(minutes=15)
LEASE = timedelta(seconds=15)


class SettingsError(Exception):
    """A setting that cannot be used; the message says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment's choices, read once and passed in.

    `redis_url` is None where `qualz run` is to bring its own Redis, and in tests of
    single requests, where the queue and the sockets' message queue are left out.
    """

    data: Path
    database_url: str
    secret_key: str = field(repr=False)
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    ffmpeg: Path | None = None

    grace: timedelta = GRACE
    hold: timedelta = HOLD
    lease: timedelta = LEASE
    sweep_interval: timedelta = timedelta(seconds=1)
    resume_link_validity: timedelta = timedelta(weeks=1)
    largest_chunk: int = 8 * MEBIBYTE
    largest_part: int = 4096 * MEBIBYTE
    testing: bool = False

    @property
    def media(self) -> Path:
        return self.data / "media"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    @property
    def address(self) -> str:
        """Where people reach this server, without a slash at the end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def is_behind_tls(self) -> bool:
        return self.address.startswith("https://")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        data = Path(env.get("QUALZ_DATA") or "var").expanduser().resolve()
        data.mkdir(parents=True, exist_ok=True)
        return cls(
            data=data,
            database_url=env.get("DATABASE_URL") or f"sqlite:///{data / 'qualz.db'}",
            secret_key=env.get("QUALZ_SECRET_KEY") or _kept_secret(data / "secret-key"),
            redis_url=env.get("REDIS_URL") or None,
            host=env.get("QUALZ_HOST") or "127.0.0.1",
            port=_whole_number(env, "PORT", 8000),
            public_url=env.get("QUALZ_URL") or None,
            ffmpeg=Path(env["FFMPEG"]) if env.get("FFMPEG") else None,
            grace=_seconds(env, "QUALZ_GRACE", GRACE),
            hold=_seconds(env, "QUALZ_HOLD", HOLD),
            lease=_seconds(env, "QUALZ_LEASE", LEASE),
        )


def _whole_number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or int(text) == 0:
        raise SettingsError(f"{name} must be a whole number above 0, not “{text}”.")
    return int(text)


def _seconds(env: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    return timedelta(seconds=_whole_number(env, name, int(default.total_seconds())))


def _kept_secret(path: Path) -> str:
    """The secret in `path`, made at the first run and readable by its owner alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_text().strip()
        if len(kept) < 32:
            raise SettingsError(
                f"{path} holds no usable secret. Put back the one from your backup; if there is "
                "none, delete the file: everybody then has to sign in again."
            ) from None
        return kept
    secret = secrets.token_urlsafe(48)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
    return secret
