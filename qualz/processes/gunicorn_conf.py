"""What gunicorn is told: `gunicorn --config python:qualz.processes.gunicorn_conf app:app`."""

import gc
from typing import Any

from qualz import logs
from qualz.lifeline import die_with
from qualz.settings import Settings

_settings = Settings.from_env()

bind = f"{f'[{_settings.host}]' if ':' in _settings.host else _settings.host}:{_settings.port}"
# Any of them takes any connection: WebSocket alone needs no sticky routing.
workers = _settings.web
worker_class = "qualz.processes.web.Worker"
# Gunicorn's 1,000 would be reached by 500 participants.
worker_connections = 20_000
graceful_timeout = 5
timeout = 60
accesslog = None
if _settings.log == "json":
    logconfig_dict = logs.for_gunicorn()
# Else every instance of a user fights for one socket in the home folder.
control_socket_disable = True


def post_fork(_server: Any, worker: Any) -> None:
    # Gunicorn's own worker takes a second to notice that its master was killed.
    die_with(parent=worker.ppid)


def post_worker_init(_worker: Any) -> None:
    """What an app is made of stays. To look through it for what is no longer used takes 90 ms each
    time, in which nobody is answered."""
    gc.collect()
    gc.freeze()


def child_exit(_server: Any, _worker: Any) -> None:
    # Those whom it listened to come back to another: they are to be told why they were away.
    if _settings.web > 1 and _settings.redis_url:
        from qualz.switchboard import note_end

        note_end(_settings.redis_url)
