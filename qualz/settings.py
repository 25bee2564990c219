"""What a deployment can choose. The only reader of `os.environ`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from qualz import keys

MEBIBYTE = 1024 * 1024
GRACE = timedelta(seconds=10)
HOLD = timedelta(minutes=15)
LEASE = timedelta(seconds=15)
INTERVIEW_BYTES = 16 * 1024 * MEBIBYTE
# A flapping network makes many parts of a few seconds; an attacker makes more.
INTERVIEW_PARTS = 1000
INTERVIEW_SECONDS = 12 * 60 * 60
ANSWERS_LINK = timedelta(days=365)
# A morning without a click, and a working day with them: see SECURITY.md.
SIGN_IN_IDLE = timedelta(hours=2)
SIGN_IN_LONGEST = timedelta(hours=12)
LOGS = ("text", "json")
HEARING = ("pocketsphinx", "faster-whisper", "none")
SPEAKING = ("automatic", "flite", "espeak-ng", "none")
# The usual ports, by how TLS is spoken: from the first byte, by STARTTLS, not at all.
SMTP_PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}


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
    # What they have signed is still taken.
    old_secret_keys: tuple[str, ...] = field(default=(), repr=False)
    # By the one before the first space secrets are encrypted; with all of them they are read.
    master_key: str | None = field(default=None, repr=False)
    # Whether the signing key is that of the data folder.
    has_own_signing_key: bool = False
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    ffmpeg: Path | None = None
    # Who hears spoken answers, of `HEARING`, where no service is set up.
    hearing: str = "pocketsphinx"
    # The folder or the name of faster-whisper's model.
    whisper_model: str = "small"
    # Which installed program speaks for the moderator, of `SPEAKING`.
    speaking: str = "automatic"
    # The mail server and the address that e-mail comes from; see `post_office`.
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str = ""
    # Whether webhooks may lead to this machine and to the local network.
    webhooks_local: bool = False
    # How many proxies of one's own are in front, each of which adds whom it speaks for.
    proxies: int = 0
    # Where people may sign in by an account that they have elsewhere; see `dashboard.providers`.
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_name: str = ""
    # What `/metrics` wants to be shown; None: it answers this machine alone.
    metrics_token: str | None = field(default=None, repr=False)
    # How what happens is written down, of `LOGS`; see `logs`.
    log: str = "text"
    # Bytes that the disk has to have left for new interviews; None: what fits, see `headroom`.
    disk_reserve: int | None = None
    # The bucket of an S3-compatible store that recordings lie in; None: in the data folder. Where
    # the store is, unless it is Amazon's, and what stands before every name.
    s3_bucket: str | None = None
    s3_endpoint: str | None = None
    s3_prefix: str = ""
    # How many web processes serve the one port; their sockets speak through Redis.
    web: int = 1
    # Whom people can ask who are stuck: an e-mail address, or a page's.
    contact: str = ""

    # How long somebody stays signed in without asking for anything, and at most.
    sign_in_idle: timedelta = SIGN_IN_IDLE
    sign_in_longest: timedelta = SIGN_IN_LONGEST

    grace: timedelta = GRACE
    hold: timedelta = HOLD
    lease: timedelta = LEASE
    sweep_interval: timedelta = timedelta(seconds=1)
    resume_link_validity: timedelta = timedelta(weeks=1)
    answers_link_validity: timedelta = ANSWERS_LINK
    largest_chunk: int = 8 * MEBIBYTE
    largest_part: int = 4096 * MEBIBYTE
    # Who sends recordings once this server has decided who may have them: None for this server,
    # “x-sendfile”, or “x-accel:” and where the proxy finds them.
    sendfile: str | None = None
    # What one interview may take at most; its participant goes on in writing then.
    interview_bytes: int = INTERVIEW_BYTES
    interview_parts: int = INTERVIEW_PARTS
    interview_seconds: int = INTERVIEW_SECONDS
    testing: bool = False

    @property
    def media(self) -> Path:
        return self.data / "media"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def master_key_file(self) -> Path:
        return self.data / "master-key"

    @property
    def signing_key_file(self) -> Path:
        return self.data / "secret-key"

    @property
    def signing_keys(self) -> list[str]:
        """The one in use is the last, as itsdangerous wants it."""
        return [*reversed(self.old_secret_keys), self.secret_key]

    def vault_keys(self) -> tuple[str, ...]:
        """As they are now: `qualz rotate-secrets` changes them while others run."""
        given = tuple((self.master_key or "").split())
        return given or keys.kept(self.master_key_file)

    @property
    def address(self) -> str:
        """Where people reach this server, without a slash at the end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def contact_link(self) -> str:
        """Where a link to the contact leads; nothing where there is none."""
        return f"mailto:{self.contact}" if "@" in self.contact.split("/")[0] else self.contact

    @property
    def is_behind_tls(self) -> bool:
        return self.address.startswith("https://")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        data = Path(env.get("QUALZ_DATA") or "var").expanduser().resolve()
        data.mkdir(parents=True, exist_ok=True)
        issuer, client, secret, name = _provider(env)
        signing = _given_keys(env, "QUALZ_SECRET_KEY") or _kept_keys(data / "secret-key")
        master = _given_keys(env, "QUALZ_MASTER_KEY")
        if not master:
            _kept_keys(data / "master-key")
        return cls(
            data=data,
            database_url=env.get("DATABASE_URL") or f"sqlite:///{data / 'qualz.db'}",
            secret_key=signing[0],
            old_secret_keys=signing[1:],
            master_key=" ".join(master) or None,
            has_own_signing_key=not env.get("QUALZ_SECRET_KEY"),
            redis_url=env.get("REDIS_URL") or None,
            host=env.get("QUALZ_HOST") or "127.0.0.1",
            port=_whole_number(env, "PORT", 8000),
            public_url=env.get("QUALZ_URL") or None,
            ffmpeg=Path(env["FFMPEG"]) if env.get("FFMPEG") else None,
            hearing=_one_of(HEARING, env, "QUALZ_HEARING"),
            whisper_model=env.get("QUALZ_WHISPER_MODEL") or "small",
            contact=_contact(env, "QUALZ_CONTACT"),
            speaking=_one_of(SPEAKING, env, "QUALZ_SPEAKING"),
            proxies=_proxies(env),
            oidc_issuer=issuer,
            oidc_client_id=client,
            oidc_client_secret=secret,
            oidc_name=name,
            smtp_url=_mail_server(env),
            mail_from=env.get("QUALZ_MAIL_FROM") or "",
            webhooks_local=_one_of(("no", "yes"), env, "QUALZ_WEBHOOKS_LOCAL") == "yes",
            interview_bytes=_whole_number(env, "QUALZ_INTERVIEW_BYTES", INTERVIEW_BYTES),
            interview_parts=_whole_number(env, "QUALZ_INTERVIEW_PARTS", INTERVIEW_PARTS),
            interview_seconds=_whole_number(env, "QUALZ_INTERVIEW_SECONDS", INTERVIEW_SECONDS),
            sendfile=_sendfile(env, "QUALZ_SENDFILE"),
            sign_in_idle=_length(env, "QUALZ_SIGN_IN_IDLE", SIGN_IN_IDLE),
            sign_in_longest=_length(env, "QUALZ_SIGN_IN_LONGEST", SIGN_IN_LONGEST),
            answers_link_validity=_length(env, "QUALZ_ANSWERS_LINK", ANSWERS_LINK, days=3650),
            log=_one_of(LOGS, env, "QUALZ_LOG"),
            disk_reserve=_disk_reserve(env, "QUALZ_DISK_RESERVE"),
            s3_bucket=env.get("QUALZ_S3_BUCKET", "").strip() or None,
            s3_endpoint=_endpoint(env, "QUALZ_S3_ENDPOINT"),
            s3_prefix=_prefix(env.get("QUALZ_S3_PREFIX", "").strip(" /")),
            web=_whole_number(env, "WEB", 1),
            metrics_token=_token(env, "QUALZ_METRICS_TOKEN"),
            grace=_seconds(env, "QUALZ_GRACE", GRACE),
            hold=_seconds(env, "QUALZ_HOLD", HOLD),
            lease=_seconds(env, "QUALZ_LEASE", LEASE),
        )


def _contact(env: Mapping[str, str], name: str) -> str:
    told = env.get(name, "").strip()
    if told and not re.fullmatch(r"https?://\S+|[^\s@/?&#]+@[^\s@/?&#]+", told):
        raise SettingsError(
            f"{name} must be an e-mail address or begin with https://, not “{told}”."
        )
    return told


def _token(env: Mapping[str, str], name: str) -> str | None:
    """A secret word that another program shows. The errors do not repeat it."""
    told = env.get(name, "").strip()
    if told and not re.fullmatch(r"[\x21-\x7e]{16,}", told):
        raise SettingsError(f"{name} needs 16 characters or more, without spaces between.")
    return told or None


def _endpoint(env: Mapping[str, str], name: str) -> str | None:
    told = env.get(name, "").strip().rstrip("/")
    if told and not re.fullmatch(r"https?://[^\s/?#@]+", told):
        raise SettingsError(f"{name} must be like https://s3.example.org, not “{told}”.")
    return told or None


def _prefix(told: str) -> str:
    return f"{told}/" if told else ""


def _sendfile(env: Mapping[str, str], name: str) -> str | None:
    told = env.get(name, "").strip().rstrip("/")
    if told and not re.fullmatch(r"x-sendfile|x-accel:(/[\w.-]+)+", told):
        raise SettingsError(f"{name} must be x-sendfile or like x-accel:/recordings, not “{told}”.")
    return told or None


def _one_of(words: Sequence[str], env: Mapping[str, str], name: str) -> str:
    """One of the words; the first unless it is set."""
    word = env.get(name, "").strip() or words[0]
    if word not in words:
        raise SettingsError(f"{name} must be one of {', '.join(words)}, not “{word}”.")
    return word


def _proxies(env: Mapping[str, str]) -> int:
    """Qualz speaks no TLS itself, so where people reach it by https there is a proxy."""
    text = env.get("QUALZ_PROXIES", "").strip()
    if not text:
        return 1 if env.get("QUALZ_URL", "").startswith("https://") else 0
    if not text.isdigit():
        raise SettingsError(f"QUALZ_PROXIES must be a whole number, not “{text}”.")
    return int(text)


def _provider(env: Mapping[str, str]) -> tuple[str, str, str, str]:
    """Issuer, client's id and secret, and what people call it: all of them or none."""
    names = ("QUALZ_OIDC_ISSUER", "QUALZ_OIDC_CLIENT_ID", "QUALZ_OIDC_CLIENT_SECRET")
    issuer, client, secret = (env.get(name, "").strip() for name in names)
    if not (issuer or client or secret):
        return "", "", "", ""
    if not (issuer and client and secret):
        raise SettingsError(f"{', '.join(names)} belong together: set all three, or none.")
    is_here = urlsplit(issuer).hostname in ("localhost", "127.0.0.1")
    if not re.fullmatch(r"https?://[^\s?#]+", issuer) or not (issuer[:6] == "https:" or is_here):
        raise SettingsError(f"QUALZ_OIDC_ISSUER must begin with https://, not “{issuer}”.")
    name = env.get("QUALZ_OIDC_NAME", "").strip() or urlsplit(issuer).hostname or issuer
    return issuer, client, secret, name


def _mail_server(env: Mapping[str, str]) -> str | None:
    """Its address, if one is named. The errors do not repeat it: it holds a password."""
    url = env.get("QUALZ_SMTP_URL", "").strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in SMTP_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise SettingsError(
            "QUALZ_SMTP_URL must be like smtps://name:password@mail.example.org or "
            "smtp://name:password@mail.example.org:587."
        )
    if "@" not in parseaddr(env.get("QUALZ_MAIL_FROM", ""))[1]:
        raise SettingsError(
            "QUALZ_MAIL_FROM must be the address that e-mail comes from, like "
            "Qualz <qualz@example.org>."
        )
    return url


def _whole_number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or int(text) == 0:
        raise SettingsError(f"{name} must be a whole number above 0, not “{text}”.")
    return int(text)


def _disk_reserve(env: Mapping[str, str], name: str) -> int | None:
    return _whole_number(env, name, 1) if env.get(name, "").strip() else None


def _seconds(env: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    return timedelta(seconds=_whole_number(env, name, int(default.total_seconds())))


def _length(env: Mapping[str, str], name: str, default: timedelta, *, days: int = 90) -> timedelta:
    """Of a sign-in or a link, in seconds: nobody is to be locked out at once, or inside for ever,
    which is for more than so many days."""
    length, longest = _seconds(env, name, default), timedelta(days=days)
    if not timedelta(minutes=5) <= length <= longest:
        seconds = int(longest.total_seconds())
        raise SettingsError(f"{name} must be from 300 to {seconds} seconds, which are {days} days.")
    return length


def _given_keys(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The key in use and then older ones, with spaces between."""
    given = tuple(env.get(name, "").split())
    if any(len(key) < keys.SHORTEST for key in given):
        raise SettingsError(f"{name} needs keys of {keys.SHORTEST} characters or more.")
    return given


def _kept_keys(path: Path) -> tuple[str, ...]:
    """Those in `path`, made at the first run and readable by its owner alone."""
    try:
        return keys.kept(path)
    except (keys.KeyUnusable, ValueError) as cause:
        raise SettingsError(
            f"{path} holds no usable secret. Put back the one from your backup; if there is "
            f"none, delete the file: {LOST[path.name]}"
        ) from cause


# What is lost with a file of keys.
LOST = {
    "secret-key": "everybody then has to sign in again.",
    "master-key": "the keys of outside services then have to be typed in again.",
}
