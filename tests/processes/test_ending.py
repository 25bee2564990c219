"""However Qualz ends, nothing of it is left running."""

from __future__ import annotations

import os
import pty
import signal
from pathlib import Path

import pytest
from simple_websocket import Client

from qualz.processes.signals import Signals
from tests.processes.conftest import ROOT, Deployment, are_gone, eventually, free_port


def test_a_signal_ends_it_while_people_are_connected(
    deployment: Deployment, tmp_path: Path
) -> None:
    # The folder's name is too long for a socket in it, which is no hindrance.
    deployment.move_to(tmp_path / ("long" * 30)).start()
    sockets = [Client.connect(_socket_address(deployment)) for _ in range(5)]
    family = deployment.family()
    assert len(family) >= 6
    deployment.signal(signal.SIGTERM)
    assert deployment.wait() == 0
    assert are_gone(family)
    assert not list((deployment.data / "run").iterdir())
    assert "Traceback" not in deployment.said + deployment.logs()
    eventually(lambda: not any(socket.connected for socket in sockets))


def test_a_killed_one_takes_everything_with_it_and_a_second_ctrl_c_waits_for_no_job(
    deployment: Deployment,
) -> None:
    deployment.start()
    deployment.be_busy()
    family = deployment.family()
    assert len(family) >= 7
    deployment.signal(signal.SIGKILL)
    deployment.wait()
    eventually(lambda: are_gone(family))

    deployment.lines.clear()
    deployment.start()
    assert deployment.get("/healthz")[0] == 200
    deployment.be_busy()
    family = deployment.family()
    deployment.signal(signal.SIGINT)
    eventually(lambda: "Ctrl-C again stops at once." in deployment.said)
    deployment.signal(signal.SIGINT)
    assert deployment.wait() == 0
    eventually(lambda: are_gone(family))


def test_it_can_be_stopped_while_it_starts(deployment: Deployment) -> None:
    deployment.begin()
    eventually(lambda: deployment.named("redis-server"))
    family = deployment.family()
    deployment.signal(signal.SIGINT)
    assert deployment.wait() == 0
    assert are_gone(family)
    assert deployment.lines == []


def test_what_cannot_live_is_given_up_with_the_reason(deployment: Deployment) -> None:
    deployment.environment["GUNICORN_CMD_ARGS"] = "--no-such-option"
    deployment.begin()
    eventually(lambda: deployment.named("redis-server"))
    family = deployment.family()
    assert deployment.wait(within=120) == 1
    assert "--no-such-option" in deployment.said
    assert are_gone(family)


def test_a_redis_that_does_not_answer_is_named(deployment: Deployment) -> None:
    deployment.environment["REDIS_URL"] = f"redis://:hush@127.0.0.1:{free_port()}"
    deployment.begin()
    assert deployment.wait(within=30) == 1
    assert "REDIS_URL" in deployment.said
    assert "hush" not in deployment.said


WAYS_TO_ASK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def test_each_way_to_ask_is_heard() -> None:
    # A shell has one of them ignored under nohup, and another in what runs in its background.
    before = [(number, signal.signal(number, lambda *_: None)) for number in WAYS_TO_ASK]
    try:
        each_is_heard()
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def each_is_heard() -> None:
    before = [signal.getsignal(number) for number in WAYS_TO_ASK]
    with Signals() as signals:
        assert not signals.wait(0)
        for number in WAYS_TO_ASK:
            os.kill(os.getpid(), number)
            # The death of another test's child may wake it, too.
            assert any(signals.wait(5) for _ in range(5))
        os.kill(os.getpid(), signal.SIGCHLD)
        assert not signals.wait(5)
    assert [signal.getsignal(number) for number in WAYS_TO_ASK] == before


def test_under_nohup_it_outlives_the_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not signals.wait(0)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.long
def test_ctrl_c_in_a_terminal_leaves_no_complaint_of_make(deployment: Deployment) -> None:
    """As people see it: `make run` in the foreground of a terminal, then Ctrl-C."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.execvpe("make", ["make", "run"], deployment.environment)
    screen = _read_until(terminal, "stops it.")
    os.write(terminal, b"\x03")
    screen += _read_until(terminal, None)
    os.close(terminal)
    os.waitpid(process, 0)
    assert "make:" not in screen
    assert "Traceback" not in screen
    assert not list((deployment.data / "run").iterdir())


def _read_until(terminal: int, words: str | None) -> str:
    screen = b""
    while words is None or words.encode() not in screen:
        try:
            read = os.read(terminal, 4096)
        except OSError:  # What Linux says when the other side has gone.
            read = b""
        if not read:
            assert words is None, screen.decode()
            break
        screen += read
    return screen.decode()


def _socket_address(deployment: Deployment) -> str:
    return f"ws://127.0.0.1:{deployment.port}/socket.io/?EIO=4&transport=websocket"
