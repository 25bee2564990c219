"""`qualz doctor --url`: a deployment as the participants' browsers meet it, proxy and all; and what
of a running server only the machine itself can tell."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from qualz.background import LINES
from qualz.doctor import NAMES_FOR_HERE, Finding, State
from qualz.post_office import PostOffice, Unsent
from qualz.processes import instance, own_redis
from qualz.settings import MEBIBYTE, Settings

PATIENCE = 20.0  # seconds for each step
LITTLE_TIME = 14  # days that a certificate should still be valid for
SKEW = 5.0  # seconds
LONG_WAIT = {"leisure": 3600.0}  # seconds that a job may wait in that line
USUAL_WAIT = 60.0


def examine_live(url: str, chunk: int) -> list[Finding]:
    """Ask it as a browser does; changes nothing. `chunk`: the most bytes that are taken at once."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [_problem("address", f"{url} does not begin with https:// and a host.")]
    looks: list[Callable[[SplitResult], Finding]] = [
        _tls,
        _answers,
        _clock,
        _websocket,
        lambda there: _body_limit(there, chunk),
    ]
    return list(_each(looks, parts))


def examine_running(settings: Settings) -> list[Finding]:
    """What waits to be done, and whether mail can be sent."""
    return [_queue(settings), _mail(settings)]


def _each(looks: list[Callable[[SplitResult], Finding]], there: SplitResult) -> Iterator[Finding]:
    for look in looks:
        found = look(there)
        yield found
        if found.name in ("TLS", "web server") and found.state is State.PROBLEM:
            # Nothing else could be told from what is not reached.
            return


def _problem(name: str, text: str) -> Finding:
    return Finding(name, State.PROBLEM, text)


def _tls(there: SplitResult) -> Finding:
    host = there.hostname or ""
    if there.scheme == "http":
        if host in NAMES_FOR_HERE:
            return Finding("TLS", State.OK, "none, and on this machine browsers want none")
        return Finding(
            "TLS",
            State.WARNING,
            f"{host} is asked by plain http: browsers refuse the microphone there. Put a proxy "
            "with https in front; docs/deployment.md has two.",
        )
    try:
        with (
            socket.create_connection((host, there.port or 443), timeout=PATIENCE) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as cause:
        text = f"browsers refuse the certificate of {host}: {cause.verify_message}. Renew it, or "
        return _problem("TLS", f"{text}send the whole chain.")
    except OSError as cause:
        text = f"no connection to {there.netloc}: {cause}. Look at its name, firewall and proxy."
        return _problem("TLS", text)
    left = ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()
    text = f"the certificate of {host} is valid for {left / 86400:.0f} days"
    if left < LITTLE_TIME * 86400:
        text += ". Renew it now, and see why that was not done by itself."
        return Finding("TLS", State.WARNING, text)
    return Finding("TLS", State.OK, text)


def _connection(there: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if there.scheme == "https" else http.client.HTTPConnection
    return kind(there.hostname or "", there.port, timeout=PATIENCE)


def _answers(there: SplitResult) -> Finding:
    try:
        with closing(_connection(there)) as connection:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            body = answer.read(100)
    except (OSError, http.client.HTTPException) as cause:
        text = f"nobody answers at {there.netloc}: {cause}. Is Qualz running, and the proxy?"
        return _problem("web server", text)
    if answer.status != 200 or not body.startswith(b"ok"):
        text = f"/healthz answers {answer.status}. A proxy answers 502 where Qualz is not reached: "
        return _problem("web server", f"{text}look whether it runs, and on which port.")
    return Finding("web server", State.OK, f"{there.netloc} answers")


def _clock(there: SplitResult) -> Finding:
    with closing(_connection(there)) as connection:
        asked = time.time()
        connection.request("GET", "/healthz")
        told = connection.getresponse().getheader("Date")
        apart = (asked + time.time()) / 2
    if told is None:
        return Finding("clock", State.WARNING, "the proxy says no date, so it cannot be compared")
    # Dates are whole seconds.
    skew = parsedate_to_datetime(told).timestamp() + 0.5 - apart
    if abs(skew) > SKEW:
        text = f"the server's clock and this one are {abs(skew):.0f} s apart. Turn NTP on on both: "
        return Finding("clock", State.WARNING, f"{text}timedatectl set-ntp true")
    return Finding("clock", State.OK, "the server's clock and this one agree")


def _websocket(there: SplitResult) -> Finding:
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }
    try:
        with closing(_connection(there)) as connection:
            path = "/socket.io/?EIO=4&transport=websocket"
            connection.request("GET", path, headers=headers)
            wire = connection.sock
            answer = _read_until(wire, b"\r\n\r\n")
            status = int(answer[9:12] or 0)
            greeting = answer.partition(b"\r\n\r\n")[2]
            if status == 101 and not greeting:
                greeting = wire.recv(1000)
    except (OSError, ValueError, http.client.HTTPException) as cause:
        return _problem("WebSocket", f"it was cut off: {cause or type(cause).__name__}. {HAND_ON}")
    if status != 101 or b"0{" not in greeting:
        return _problem("WebSocket", f"{status} instead of a WebSocket. {HAND_ON}")
    return Finding("WebSocket", State.OK, "goes through, and Qualz greets")


HAND_ON = (
    "Have the proxy pass Upgrade and Connection on under /socket.io/, by HTTP/1.1; until then "
    "pages beat by HTTP, and the workplace is not told of changes."
)


def _read_until(wire: socket.socket, end: bytes) -> bytes:
    read = b""
    while end not in read:
        piece = wire.recv(4096)
        if not piece:
            break
        read += piece
    return read


def _body_limit(there: SplitResult, chunk: int) -> Finding:
    """A chunk of nobody's: Qualz refuses it, in words that no proxy has."""
    size = f"{chunk / MEBIBYTE:.0f} MiB"
    advice = "Raise client_max_body_size (nginx) or max_size (Caddy); docs/deployment.md has both."
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Sec-Fetch-Site": "same-origin",
    }
    with closing(_connection(there)) as connection:
        # Whoever refuses it may not wait for the end; what was said can still be read.
        with suppress(OSError):
            connection.request("PATCH", "/room/doctor/parts/chunk", bytes(chunk), headers)
        try:
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as cause:
            told = f"the connection ended within a chunk of {size}: {type(cause).__name__}."
            return _problem("body limit", f"{told} {advice}")
    if answer.getheader("Tus-Resumable"):
        return Finding("body limit", State.OK, f"a chunk of {size} reaches Qualz")
    told = f"a chunk of {size} is answered {answer.status} before it reaches Qualz."
    return _problem("body limit", f"{told} {advice}")


def _queue(settings: Settings) -> Finding:
    if not instance.running(settings) and not settings.redis_url:
        return Finding("queue", State.OK, "Qualz does not run here, so nothing waits")
    url = settings.redis_url or own_redis.url(instance.lock_path(settings).parent / "redis.sock")
    try:
        with Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5) as redis:
            waits = {name: _waited(Queue(line, connection=redis)) for name, line in LINES.items()}
    except (RedisError, OSError) as cause:
        return Finding("queue", State.WARNING, f"cannot be read: {cause}. The sweep rings again.")
    late = {name: wait for name, wait in waits.items() if wait > LONG_WAIT.get(name, USUAL_WAIT)}
    if late:
        told = ", ".join(f"{name} for {wait:.0f} s" for name, wait in late.items())
        return Finding(
            "queue",
            State.WARNING,
            f"work waits: {told}. Look for the worker's errors in {settings.logs}; where it only "
            "has too much to do, start another: python -m worker " + " ".join(late),
        )
    return Finding("queue", State.OK, f"nothing waits for long in {', '.join(waits)}")


def _waited(queue: Queue) -> float:
    """Seconds since the oldest job that waits was put there."""
    for job in queue.get_jobs(0, 1):
        if job.enqueued_at:
            return max(0.0, time.time() - job.enqueued_at.timestamp())
    return 0.0


def _mail(settings: Settings) -> Finding:
    if settings.smtp_url is None:
        return Finding("mail", State.OK, "none is sent; QUALZ_SMTP_URL names a mail server")
    office = PostOffice(settings.smtp_url, settings.mail_from)
    try:
        office.greet()
    except Unsent as cause:
        return _problem("mail", f"{cause} Look at QUALZ_SMTP_URL.")
    return Finding("mail", State.OK, f"{office.host} lets Qualz in; none was sent")
