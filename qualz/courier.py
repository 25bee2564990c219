"""The courier: posts to addresses that people typed in, and goes nowhere that it should not.

A name is resolved once and what it resolves to is connected to, so that it cannot lead elsewhere
between the look and the post. Redirects are answers like any other: they are not followed.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

# Seconds until there is a connection, and for all of it.
CONNECT_WITHIN, ALL_WITHIN = 5.0, 15.0
# Addresses that carry an IPv4 address for a translator (RFC 6052).
TRANSLATED = ip_network("64:ff9b::/96")
# All that is given out of IPv6, and what of IPv4 some Pythons take for reachable
# (https://www.iana.org/assignments/ipv6-address-space, iana-ipv4-special-registry).
GIVEN_OUT = ip_network("2000::/3")
SPECIAL = ip_network("192.0.0.0/24")


class Undelivered(Exception):
    """There was no answer; the message says why, in a sentence."""


class Forbidden(Undelivered):
    """An address that is not posted to."""


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    seconds: float


@dataclass(frozen=True)
class Courier:
    """`local`: whether this machine and the local network may be posted to, and without TLS."""

    local: bool = False
    # In seconds, for all of it.
    patience: float = ALL_WITHIN

    def demand_allowed(self, url: str) -> None:
        """Raises `Forbidden` for what can be told without asking the network."""
        try:
            parts = urlsplit(url)
            is_right = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_right = is_right and url.isascii() and url.isprintable() and " " not in url
            is_right = is_right and parts.port != 0
        except ValueError:
            is_right = False
        if not is_right:
            raise Forbidden("Write the whole address, like https://example.org/hooks/qualz.")
        if "@" in parts.netloc or parts.fragment:
            raise Forbidden("Leave name, password and fragment out of the address.")
        if self.local:
            return
        if parts.scheme != "https":
            raise Forbidden("The address must begin with https://.")
        try:
            is_public = _is_public(parts.hostname or "")
        except ValueError:
            # A name; where it leads is looked up when it is posted to.
            is_public = parts.hostname != "localhost"
        if not is_public:
            raise Forbidden(OURS)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises `Undelivered` where nobody answers in time, or nobody may be asked."""
        self.demand_allowed(url)
        began = time.monotonic()
        connection = _Connection(url, self._resolved(url))
        # Each wait has a time-out of its own; a server that drips bytes would escape them.
        watch = threading.Timer(self.patience, connection.hang_up)
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", connection.target, body, dict(headers))
            with connection.getresponse() as response:
                return Answer(response.status, time.monotonic() - began)
        except ssl.SSLError:
            raise Undelivered("Its certificate cannot be trusted.") from None
        except TimeoutError:
            raise Undelivered("It did not answer in time.") from None
        except (OSError, HTTPException):
            if connection.was_hung_up:
                raise Undelivered("It did not answer in time.") from None
            raise Undelivered("It could not be reached, or broke off.") from None
        finally:
            watch.cancel()
            connection.close()

    def _resolved(self, url: str) -> str:
        """The address that its name leads to. Raises `Forbidden` if any of them is not public."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Undelivered("Its name leads to no address.") from None
        addresses = [str(info[4][0]) for info in found]
        if not self.local and not all(map(_is_public, addresses)):
            raise Forbidden(OURS)
        return addresses[0]


OURS = (
    "The address leads to this machine or into the local network. Who runs this server can allow "
    "that with QUALZ_WEBHOOKS_LOCAL=yes."
)


def _is_public(text: str) -> bool:
    """Whether it is reached over the internet. Raises `ValueError` for what is no address."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and (carried := _carried(address)):
        return _is_public(str(carried))
    if address in SPECIAL or (address.version == 6 and address not in GIVEN_OUT):
        return False
    return address.is_global and not address.is_multicast


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that it stands for."""
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


class _Connection(HTTPConnection):
    """To an address that is known already, in the name of the host that it was asked of."""

    def __init__(self, url: str, address: str) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._address, self._name = address, parts.hostname or ""
        self.target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.was_hung_up = False
        super().__init__(self._name, parts.port or (443 if self._secure else 80))
        self.default_port = 443 if self._secure else 80

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), CONNECT_WITHIN)
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._name)
        self.sock.settimeout(ALL_WITHIN)

    def hang_up(self) -> None:
        self.was_hung_up = True
        if sock := self.sock:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
