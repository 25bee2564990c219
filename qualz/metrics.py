"""`/metrics`: what Prometheus asks for, by its own library.

Several web processes answer at one address, and whichever is asked answers for all. So nothing is
kept in their memory, nor in the files of the library's multi-process mode, which have to be cleared
at each start, count what a process did and not what is so, and know nothing of workers on other
hosts. What is so is asked of the database and of the queue at that moment (a fixed number of
queries, however many interviews there are); what happened is counted in Redis, see `counts`.

Whoever asks has to show the token of `QUALZ_METRICS_TOKEN`; where none is set, they have to ask
from this machine, past any proxy.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import TypeAlias

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy.exc import SQLAlchemyError

from qualz import clock, counting, limits, queues, shelving, workload
from qualz.background import LINES
from qualz.database import db
from qualz.headroom import Headroom
from qualz.media.storage import Storage
from qualz.settings import Settings

# A proxy in front writes one of these, and then the request is not from where it seems to be.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
Metrics: TypeAlias = Iterator[Metric]


def init_app(app: Flask) -> None:
    app.add_url_rule("/metrics", "metrics", _answer)


def _answer() -> ResponseReturnValue:
    if refusal := _refusal():
        return refusal
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything())
    answer = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _refusal() -> ResponseReturnValue | None:
    settings: Settings = current_app.extensions["settings"]
    plain = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    if settings.metrics_token is None:
        if _is_from_here():
            return None
        text = "Metrics are told on this machine alone. Set QUALZ_METRICS_TOKEN to ask from others."
        return text, 403, plain
    limits.demand_left(limits.API)
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.metrics_token.encode()
    if scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), wanted):
        return None
    limits.note(limits.API)
    return "Show the token of QUALZ_METRICS_TOKEN.", 401, {**plain, "WWW-Authenticate": "Bearer"}


def _is_from_here() -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


class _Everything(Collector):
    def collect(self) -> Metrics:
        up = GaugeMetricFamily("qualz_up", "Whether it answers.", labels=["what"])
        yield from _disk()
        yield from _asked_of("database", _from_database, up)
        yield from _asked_of("redis", _from_redis, up)
        yield up


def _asked_of(what: str, ask: Callable[[], Metrics], up: GaugeMetricFamily) -> list[Metric]:
    """Nothing where it does not answer: a number that is not known is not told."""
    try:
        found = list(ask())
    except (SQLAlchemyError, RedisError, OSError):
        db.session.rollback()
        up.add_metric([what], 0)
        return []
    up.add_metric([what], 1)
    return found


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"qualz_{name}", help_, value=value)


def _disk() -> Metrics:
    storage: Storage = current_app.extensions["storage"]
    yield _gauge("disk_free_bytes", "Room left where recordings are.", storage.free_bytes())
    settings: Settings = current_app.extensions["settings"]
    room = Headroom.of(storage, settings.disk_reserve)
    takes = "Whether there is room on it for new interviews."
    yield _gauge("takes_new_interviews", takes, int(room.takes_new))
    yield _gauge("disk_size_bytes", "Size of that disk.", storage.disk_bytes())


# ---- what is so


def _from_database() -> Metrics:
    yield from _live()
    yield from _work()


def _live() -> Metrics:
    found = workload.live()
    who = "Interviews under way, by whether the participant is heard at this moment."
    interviews = GaugeMetricFamily("qualz_live_interviews", who, labels=["presence"])
    interviews.add_metric(["here"], found.here)
    interviews.add_metric(["away"], found.away)
    yield interviews
    how_far = "Seconds recorded in live interviews that are not durable here yet."
    lag = GaugeMetricFamily("qualz_durable_lag_seconds", how_far, labels=["of"])
    lag.add_metric(["mean"], found.lag_mean)
    lag.add_metric(["max"], found.lag_most)
    yield lag
    yield _gauge("waiting_bytes", "Bytes that wait in browsers to be sent.", found.waiting)
    if current_app.extensions["storage"].has_shelf:
        what = "Closed parts that are not in the bucket yet."
        yield _gauge("unshelved_parts", what, len(shelving.unshelved()))


def _work() -> Metrics:
    what = "Work of each kind that is waiting, running or failed."
    work = GaugeMetricFamily("qualz_work", what, labels=["kind", "state"])
    since = "For how long the oldest that waits for a worker has been waiting."
    oldest = GaugeMetricFamily("qualz_work_oldest_seconds", since, labels=["kind"])
    for kind, found in workload.undone().items():
        for state in workload.UNDONE:
            work.add_metric([kind, state.value], getattr(found, state.value))
        oldest.add_metric([kind], found.oldest)
    yield work
    yield oldest


def _from_redis() -> Metrics:
    queue: Queue | None = current_app.extensions["queue"]
    if queue is None:
        raise RedisError("There is none.")
    yield from _queues(queue)
    yield from _counted()


def _queues(queue: Queue) -> Metrics:
    length = GaugeMetricFamily("qualz_queue_length", "Jobs in a line.", labels=["queue"])
    since = "For how long the next job in line has been waiting."
    oldest = GaugeMetricFamily("qualz_queue_oldest_seconds", since, labels=["queue"])
    for line in queues.all_lines(queue):
        length.add_metric([line.name], line.length)
        oldest.add_metric([line.name], line.oldest)
    yield length
    yield oldest
    hands = [one for one in queues.hands(queue) if one.is_alive]
    workers = GaugeMetricFamily("qualz_workers", "Living workers of a line.", labels=["queue"])
    for name in LINES:
        workers.add_metric([name], sum(name in one.lines for one in hands))
    yield workers
    if swept := counting.counts().marked("sweep"):
        ago = max(0.0, clock.now().timestamp() - swept)
        yield _gauge("sweep_age_seconds", "Since the sweep last looked for what is due.", ago)


# ---- what happened


def _counted() -> Metrics:
    received = {
        counting.RECEIVED_BYTES: "Bytes of recordings that are durable.",
        counting.RECEIVED_SECONDS: "Seconds of recorders' clocks that are durable.",
        counting.NOTICED: "Drops that were noticed.",
    }
    found = list(counting.counts().all())
    for name, help_ in received.items():
        value = sum(one.value for one in found if one.name == name)
        yield CounterMetricFamily(f"qualz_{name}", help_, value=value)
    why = "Drops that are over, by their cause: it is known once the participant is back."
    drops = CounterMetricFamily("qualz_drops", why, labels=["cause"])
    for one in found:
        if one.name == counting.DROPS:
            drops.add_metric([one.labels["cause"]], one.value)
    yield drops
    took: defaultdict[tuple[str, str], defaultdict[str, float]] = defaultdict(
        lambda: defaultdict(float)
    )
    for one in found:
        if one.name in (counting.WORK, counting.WORK_SECONDS):
            took[one.labels["kind"], one.labels["state"]][one.labels.get("le", "")] += one.value
    yield _durations(took)


def _durations(took: defaultdict[tuple[str, str], defaultdict[str, float]]) -> Metric:
    what = "How long workers took over what is done or failed."
    durations = HistogramMetricFamily("qualz_work_duration_seconds", what, labels=["kind", "state"])
    for told, counted in sorted(took.items()):
        buckets, so_far = [], 0.0
        for end in (*map(str, counting.ENDS), "+Inf"):
            so_far += counted[end]
            buckets.append((end, so_far))
        durations.add_metric(list(told), buckets, sum_value=counted[""])
    return durations
