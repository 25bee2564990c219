"""However Qualz ends, nothing of it is left running."""

from __future__ import annotations

import os
import pty
import signal
from pathlib import Path

import pytest
from simple_websocket import Client

from tests.processes.conftest import ROOT, Deployment, are_gone, eventually, free_port


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(deployment: Deployment, number: signal.Signals) -> None:
    deployment.start()
    # People are connected while it is stopped.
    sockets = [Client.connect(_socket_address(deployment)) for _ in range(5)]
    family = deployment.family()
    assert len(family) >= 6
    deployment.signal(number)
    assert deployment.wait() == 0
    assert are_gone(family)
    assert not list((deployment.data / "run").iterdir())
    assert "Traceback" not in deployment.said + deployment.logs()
    assert [socket.receive(timeout=5) for socket in sockets] == [None] * 5


def test_a_killed_one_takes_everything_with_it_and_can_be_started_again(
    deployment: Deployment,
) -> None:
    deployment.start()
    deployment.be_busy()
    family = deployment.family()
    assert len(family) >= 7
    deployment.signal(signal.SIGKILL)
    deployment.wait()
    eventually(lambda: are_gone(family), within=5)
    deployment.lines.clear()
    deployment.start()
    assert deployment.get("/healthz")[0] == 200


def test_a_second_ctrl_c_waits_for_no_job(deployment: Deployment) -> None:
    deployment.start()
    deployment.be_busy()
    family = deployment.family()
    deployment.signal(signal.SIGINT)
    eventually(lambda: "Ctrl-C again stops at once." in deployment.said)
    deployment.signal(signal.SIGINT)
    assert deployment.wait(within=9) == 0
    eventually(lambda: are_gone(family), within=2)


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
    assert deployment.wait(within=60) == 1
    assert "“web” ends again and again" in deployment.said
    assert "--no-such-option" in deployment.said
    assert are_gone(family)


def test_a_data_folder_with_a_long_name_is_no_hindrance(needs_redis: None, tmp_path: Path) -> None:
    deployment = Deployment(tmp_path / ("long" * 30)).start()
    assert deployment.get("/healthz")[0] == 200
    family = deployment.family()
    deployment.signal(signal.SIGINT)
    assert deployment.wait() == 0
    assert are_gone(family)


def test_a_redis_that_does_not_answer_is_named(deployment: Deployment) -> None:
    deployment.environment["REDIS_URL"] = f"redis://:hush@127.0.0.1:{free_port()}"
    deployment.begin()
    assert deployment.wait(within=30) == 1
    assert "REDIS_URL" in deployment.said
    assert "hush" not in deployment.said


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
