"""Limits: how often something may be tried, so that guessing and flooding lead nowhere.

All of them are here, each by its name. They are counted in Redis, where several processes see them,
and in memory where there is none. An office of fifty behind one address never meets one; who does
is told when to come back. While Redis is away nothing is limited: that people get in is worth more.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network

from flask import Flask, current_app, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from redis.exceptions import RedisError

from qualz.errors import TooManyTries
from qualz.settings import Settings
from qualz.tokens import digest
from qualz.wording import told

log = logging.getLogger(__name__)

# Seconds for each step with Redis, and for which it is not asked after it did not answer.
PATIENCE, REST = 1.0, 5.0


@dataclass(frozen=True)
class Limit:
    """`rates` as Flask-Limiter writes them; `said` to whoever meets it."""

    name: str
    rates: str
    said: str


_SIGN_IN = (
    "Signing in was tried too often. Wait a few minutes, then try once more; nothing about the "
    "account has changed."
)
_CODE = "Too many codes did not fit. Wait a few minutes, then try once more with a fresh one."
_RESET = (
    "A link was asked for several times already. Look into your mailbox, in its spam folder too, "
    "or wait an hour and try once more."
)
_LINK = told("Too many links from your network led nowhere. Wait a minute, then open yours again.")
_ACCESS_CODE = told(
    "Too many codes from your network did not fit. Wait a few minutes, then try once more."
)
_BEGUN = told(
    "Very many interviews were begun from your network within the hour. Wait a little, then open "
    "your link again."
)

# By account and address together, by account alone (OWASP ASVS 2.2.1: fewer than 100 an hour), and
# failures by address.
SIGN_IN = Limit("sign-in", "10/15 minute", _SIGN_IN)
SIGN_IN_TO_ACCOUNT = Limit("sign-in-account", "50/hour", _SIGN_IN)
SIGN_IN_FROM_ADDRESS = Limit("sign-in-address", "100/15 minute", _SIGN_IN)
# By account; who tries these knows the password.
CODE = Limit("code", "10/15 minute;60/day", _CODE)
# By account: the password that is asked for once more within.
PASSWORD = Limit("password", "10/15 minute", "Wait a few minutes, then try your password again.")
# By the address of the e-mail, and by where it is asked from.
RESET = Limit("reset", "5/hour", _RESET)
RESET_FROM_ADDRESS = Limit("reset-address", "30/hour", _RESET)
PROVIDER = Limit("provider", "120/minute", _SIGN_IN)
# By address, those alone that lead nowhere: set-up links, resets, invitations, share links,
# personal links and resume links.
LINK = Limit("link", "60/minute", _LINK)
# By address and study, those that do not fit.
ACCESS_CODE = Limit("access-code", "100/10 minute", _ACCESS_CODE)
BEGUN = Limit("begun", "300/hour", _BEGUN)
# By address, requests with no token or a wrong one.
API = Limit("api", "60/minute", "Too many requests came without a valid token. Wait a minute.")


class Counts:
    """How often what was tried, kept by Flask-Limiter."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._resting_until = 0.0

    def spend(self, limit: Limit, whose: str) -> None:
        for rate in _rates(limit.rates):
            if not self._ask("hit", rate, limit, whose):
                raise self._refusal(rate, limit, whose)

    def demand_left(self, limit: Limit, whose: str) -> None:
        for rate in _rates(limit.rates):
            if not self._ask("test", rate, limit, whose):
                raise self._refusal(rate, limit, whose)

    def note(self, limit: Limit, whose: str) -> None:
        for rate in _rates(limit.rates):
            self._ask("hit", rate, limit, whose)

    def forgive(self, limit: Limit, whose: str) -> None:
        for rate in _rates(limit.rates):
            self._ask("clear", rate, limit, whose)

    def _refusal(self, rate: RateLimitItem, limit: Limit, whose: str) -> TooManyTries:
        found = self._ask("get_window_stats", rate, limit, whose)
        reset = getattr(found, "reset_time", time.time() + rate.get_expiry())
        log.warning("The limit “%s” was met.", limit.name)
        return TooManyTries(limit.said, retry_after=max(1, math.ceil(reset - time.time())))

    def _ask(self, what: str, rate: RateLimitItem, limit: Limit, whose: str) -> object:
        """True where nobody can be asked."""
        if time.monotonic() < self._resting_until:
            return True
        try:
            # What people are called is nobody's business who can read Redis.
            return getattr(self._limiter.limiter, what)(rate, limit.name, digest(whose)[:32])
        except (RedisError, OSError) as cause:
            self._resting_until = time.monotonic() + REST
            log.error("Nothing is limited while Redis is away: %s", type(cause).__name__)
            return True


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    limiter = Limiter(
        address,
        storage_uri=_storage(settings.redis_url),
        storage_options=(
            {"socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE}  # type: ignore[dict-item]
            if settings.redis_url
            else {}
        ),
        strategy="moving-window",
        headers_enabled=False,
    )
    limiter.init_app(app)
    app.extensions["limits"] = Counts(limiter)


def spend(limit: Limit, whose: str | None = None) -> None:
    """One try more. Raises `TooManyTries` where it is one too many. By address, unless said."""
    _counts().spend(limit, address() if whose is None else whose)


def demand_left(limit: Limit, whose: str | None = None) -> None:
    """Raises `TooManyTries` where there is no try left. Counts none."""
    _counts().demand_left(limit, address() if whose is None else whose)


def note(limit: Limit, whose: str | None = None) -> None:
    """It led nowhere. What comes next is refused where that was the last try."""
    _counts().note(limit, address() if whose is None else whose)


def forgive(limit: Limit, whose: str | None = None) -> None:
    """It went well: what was tried before is not held against anybody."""
    _counts().forgive(limit, address() if whose is None else whose)


def address() -> str:
    """Where the request comes from. Of IPv6 the network: anybody has 2**64 addresses."""
    told_ = request.remote_addr or ""
    try:
        found = ip_address(told_)
    except ValueError:
        return told_
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


def _counts() -> Counts:
    counts: Counts = current_app.extensions["limits"]
    return counts


@cache
def _rates(text: str) -> list[RateLimitItem]:
    return parse_many(text)


def _storage(redis_url: str | None) -> str:
    if redis_url is None:
        return "memory://"
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
