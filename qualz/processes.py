"""`qualz run`: Redis, the web server, the worker and the sweep, kept alive and ended together."""

from __future__ import annotations

import http.client
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

from qualz import instance, own_redis
from qualz.child import ROOT, Child
from qualz.settings import Settings
from qualz.signals import Signals
from qualz.tools import find_redis_server

READY_WITHIN = 60.0
REDIS_WITHIN = 10.0
ENDED_WITHIN = 10.0
# Five deaths so soon after the start, and something is wrong that another start won't mend.
TOO_MANY_DEATHS = 5
EARLY = 30.0
OPEN_FILES = 65_536

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
            supervisor = Supervisor(settings, announce, signals, stack)
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
        self, settings: Settings, announce: Announce, signals: Signals, stack: ExitStack
    ) -> None:
        self.settings = settings
        self.announce = announce
        self.signals = signals
        self.stack = stack
        self.began_at = time.monotonic()
        self.redis: Child | None = None
        self.children: list[Child] = []
        self.environment = _environment(settings)

    def start(self) -> None:
        """Start everything in order and say where it is, once it answers."""
        self.settings.logs.mkdir(parents=True, exist_ok=True)
        _allow_many_open_files()
        self._await_port()
        self._bring_redis()
        self._qualz("migrate")
        self.children += [
            self._child("web", "gunicorn", "--config", "python:qualz.gunicorn_conf", "app:app"),
            self._child("worker", "worker"),
            self._child("sweep", "qualz.cli", "sweep"),
        ]
        if not self._becomes(self._web_answers, READY_WITHIN):
            raise self._failure(self.children[0], "The web server does not answer.")
        link = self._qualz("setup-link")
        self.announce(f"Qualz is running at {self.settings.address} — Ctrl-C stops it.")
        if link:
            self.announce(f"Create the owner's account here; the link works once: {link}")

    def watch(self) -> None:
        """Start anew whatever ends, until we are to stop."""
        while True:
            self._pause(self._tend())

    def stop(self) -> None:
        """End everything: first who uses Redis, then Redis. A second Ctrl-C waits for nobody."""
        patient = _end(self.children, self.signals)
        _end([self.redis] if self.redis and patient else [], self.signals)
        for child in self._all():
            child.bury()

    def _all(self) -> list[Child]:
        return [*self.children, *([self.redis] if self.redis else [])]

    def _tend(self) -> float | None:
        """Look after every child; the seconds until the next one is to be started."""
        waits = []
        for child in self._all():
            waits.append(child.tend())
            early = time.monotonic() - self.began_at < EARLY
            if early and child.deaths >= TOO_MANY_DEATHS:
                raise self._failure(child, f"The process “{child.name}” ends again and again.")
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

    def _failure(self, child: Child, what: str) -> CannotRun:
        return CannotRun(f"{what} The end of {child.log} says:\n{child.last_words()}")

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
        folder = instance.lock_path(self.settings).parent
        socket = self.stack.enter_context(own_redis.socket_path(folder))
        url = own_redis.url(socket)
        self.environment["REDIS_URL"] = url
        self.redis = self._start("redis", own_redis.command(server, socket))
        if not self._becomes(lambda: own_redis.answers(url), REDIS_WITHIN):
            raise self._failure(self.redis, "Redis does not answer.")

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        return self._start(name, [sys.executable, "-m", module, *arguments])

    def _start(self, name: str, command: list[str]) -> Child:
        log = self.settings.logs / f"{name}.log"
        child = Child(name, command, log, self.environment)
        child.start()
        return child

    def _qualz(self, *command: str) -> str:
        """What a `qualz` command says; it runs in a process of its own, apart from our state."""
        process = subprocess.Popen(
            [sys.executable, "-m", "qualz.cli", *command],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                self._pause(0.05)
        except StopAsked:
            process.kill()
            process.wait()
            raise
        said, errors = process.communicate()
        if process.returncode != 0:
            raise CannotRun(f"`qualz {' '.join(command)}` failed:\n{said}{errors}".rstrip())
        return said.strip()
