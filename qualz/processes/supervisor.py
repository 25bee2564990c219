"""`qualz run`: Redis, the web server, the workers and the sweep, kept alive and ended together."""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from qualz.processes import duties, instance, own_redis
from qualz.processes.child import (
    Begin,
    Child,
    allow_many_open_files,
    environment_for,
    run_errand,
    spawn,
)
from qualz.processes.fork import fork
from qualz.processes.signals import Signals
from qualz.settings import Settings
from qualz.tools import find_redis_server

READY_WITHIN = 60.0
REDIS_WITHIN = 10.0
ENDED_WITHIN = 10.0
EXPLAIN_AFTER = 3.0
# Five deaths so soon after the start, and something is wrong that another start won't mend.
TOO_MANY_DEATHS = 5
EARLY = 30.0

GUNICORN = ("gunicorn", "--config", "python:qualz.processes.gunicorn_conf")
# A worker for each: no merge waits for what takes long, no word for a merge.
LINES = {
    "words": ["words"],
    "worker": ["merges", "letters"],
    "leisure": ["leisure", "transcripts"],
}

Announce = Callable[[str], None]


class CannotRun(Exception):
    """Qualz cannot run; the message says why and what to do."""


class StopAsked(Exception):
    """Somebody pressed Ctrl-C, or the system wants us to end."""


def say(line: str) -> None:
    print(line, flush=True)


def run(settings: Settings, announce: Announce = say) -> int:
    """Run Qualz until it is told to stop; the exit code. All of it has ended by then."""
    try:
        with ExitStack() as stack:
            stack.enter_context(instance.sole_instance(settings))
            signals = stack.enter_context(Signals())
            folder = instance.lock_path(settings).parent
            socket = stack.enter_context(own_redis.socket_path(folder))
            supervisor = Supervisor(settings, announce, signals, socket)
            stack.callback(supervisor.stop)
            supervisor.start()
            supervisor.watch()
    except StopAsked:
        return 0
    except (CannotRun, instance.AlreadyRunning, instance.PortUnavailable) as reason:
        announce(str(reason))
    return 1


class Supervisor:
    def __init__(
        self, settings: Settings, announce: Announce, signals: Signals, redis_socket: Path
    ) -> None:
        self.settings = settings
        self.announce = announce
        self.signals = signals
        self.redis_socket = redis_socket
        self.began_at = time.monotonic()
        self.children: list[Child] = []
        self.environment = environment_for(settings)

    def start(self) -> None:
        """Start everything in order and say where it is, once it answers."""
        self.settings.logs.mkdir(parents=True, exist_ok=True)
        allow_many_open_files()
        self._await_port()
        self._bring_redis()
        link = self._migrate()
        web = self._start("web", self._command(sys.executable, "-m", *GUNICORN, "app:app"))
        for name, lines in LINES.items():
            work = partial(duties.work, self.settings, lines)
            self._start(name, partial(fork, f"qualz worker {' '.join(lines)}", work))
        self._start("sweep", partial(fork, "qualz sweep", partial(duties.sweep, self.settings)))
        if not self._becomes(self._web_answers, READY_WITHIN):
            raise _failure(web, "The web server does not answer.")
        self.announce(f"Qualz is running at {self.settings.address} — Ctrl-C stops it.")
        if link:
            self.announce(f"Create the owner's account here; the link works once: {link}")

    def watch(self) -> None:
        """Start anew whatever ends, until we are to stop."""
        while True:
            self._pause(self._tend())

    def stop(self) -> None:
        """End everything: first who uses Redis, then Redis. A second Ctrl-C waits for nobody."""
        users = [child for child in self.children if child.name != "redis"]
        if self._end(users):
            self._end(self.children)
        for child in self.children:
            child.bury()

    def _end(self, children: list[Child]) -> bool:
        """Ask to end and wait; False when somebody lost patience."""
        for child in children:
            child.ask_to_end()
        asked_at = time.monotonic()
        explained = False
        while any(child.is_alive for child in children):
            waited = time.monotonic() - asked_at
            if waited > ENDED_WITHIN:
                break
            if waited > EXPLAIN_AFTER and not explained:
                self.announce("Finishing what is in hand. Ctrl-C again stops at once.")
                explained = True
            if self.signals.wait(0.05):
                return False
        return True

    def _tend(self) -> float | None:
        """Look after every child; the seconds until the next one is to be started."""
        waits = []
        for child in self.children:
            waits.append(child.tend())
            early = time.monotonic() - self.began_at < EARLY
            if early and child.deaths >= TOO_MANY_DEATHS:
                raise _failure(child, f"The process “{child.name}” ends again and again.")
        return min((wait for wait in waits if wait is not None), default=None)

    def _pause(self, seconds: float | None) -> None:
        if self.signals.wait(seconds):
            raise StopAsked

    def _becomes(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait for a condition while looking after the children."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._tend()
            self._pause(0.05)
        return True

    def _await_port(self) -> None:
        # What a killed predecessor leaves behind is gone within a moment.
        deadline = time.monotonic() + 2
        while True:
            try:
                return instance.check_port(self.settings)
            except instance.PortUnavailable:
                if time.monotonic() > deadline:
                    raise
                self._pause(0.1)

    def _bring_redis(self) -> None:
        if named := self.settings.redis_url:
            if not self._becomes(lambda: own_redis.answers(named), REDIS_WITHIN):
                raise CannotRun(
                    "No Redis answers at the address in REDIS_URL. Start it, or leave REDIS_URL "
                    "unset: Qualz then brings its own."
                )
            return
        server = find_redis_server()
        if server is None:
            raise CannotRun(
                "Qualz needs redis-server and finds none. Install it (sudo apt-get install "
                "redis-server), name a running one in REDIS_URL, or start with `make run`."
            )
        url = own_redis.url(self.redis_socket)
        self.environment["REDIS_URL"] = url
        self.settings = replace(self.settings, redis_url=url)
        redis = self._start("redis", self._command(*own_redis.command(server, self.redis_socket)))
        if not self._becomes(lambda: own_redis.answers(url), REDIS_WITHIN):
            raise _failure(redis, "Redis does not answer.")

    def _command(self, *words: str) -> Begin:
        return partial(spawn, list(words), self.environment)

    def _start(self, name: str, begin: Begin) -> Child:
        child = Child(name, begin, self.settings.logs / f"{name}.log")
        self.children.append(child)
        child.start()
        return child

    def _migrate(self) -> str:
        """The link to set Qualz up by, if any. Whoever forks has no database open."""
        begin = partial(fork, "qualz migrate", partial(duties.migrate, self.settings))
        code, link, errors = run_errand(begin, lambda: self._pause(0.05))
        if code != 0:
            raise CannotRun(f"`qualz migrate` failed:\n{errors}".rstrip())
        return link.strip()

    def _web_answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # nosec B104 # compared, not bound to
        connection = http.client.HTTPConnection(host, self.settings.port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _failure(child: Child, what: str) -> CannotRun:
    return CannotRun(f"{what} The end of {child.log} says:\n{child.last_words()}")
