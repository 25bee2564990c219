"""The workplace with 10,000 interviews: how soon each page is there, from what, and how heavy."""

from __future__ import annotations

import gc
import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from qualz import clock, sample
from qualz.application import create_app
from qualz.database import db, upgrade
from qualz.interview import Interview
from qualz.recording import Recording
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.sample import takes
from qualz.settings import Settings
from qualz.sign_in import SignIn
from qualz.study import Study
from qualz.turn import Turn
from tests.bench.servers import folder
from tests.bench.table import Table, ms, percentile
from tests.bench.targets import Figures

TURNS = 40
HTMX = {"HX-Request": "true"}
SHAPES = (
    takes.Shape(clips=(8, 4), has_camera=True),
    takes.Shape(clips=(20,), has_camera=False),
    takes.Shape(clips=(6,), has_camera=False),
)
# The slower of those that answer the same target counts.
TARGET_OF = {
    "list, the page": "list",
    "list, rows": "list",
    "detail, the page": "detail",
    "detail, beside the list": "detail",
    "progress poll": "poll",
}


@dataclass
class Times:
    """Seconds of each answer, how many queries one took, and its compressed bytes."""

    seconds: list[float] = field(default_factory=list)
    queries: int = 0
    bytes: int = 0


def measure(*, full: bool) -> Figures:
    count, rounds = (10_000, 60) if full else (2_000, 25)
    with folder() as place, _workplace(place) as app:
        began = time.monotonic()
        study = _filled(app, place, count)
        took = time.monotonic() - began
        turns = db.session.scalar(select(func.count(Turn.id))) or 0
        table = Table(
            f"The workplace with {count:,} interviews and {turns:,} turns",
            *("", "p50", "p95", "longest", "queries", "gzipped"),
        )
        browser = _signed_in(app, study)
        # As in a server that has begun: else it is measured how long its parts are looked through.
        gc.collect()
        gc.freeze()
        figures: Figures = {}
        for title, address in _pages(study).items():
            times = _measured(browser, address, rounds)
            shares = [percentile(times.seconds, share) for share in (0.5, 0.95, 1.0)]
            size = f"{times.bytes / 1024:.1f} KB"
            table.add(title, *map(ms, shares), times.queries, size)
            if name := TARGET_OF.get(title):
                slowest = 1000 * (shares[1] or 0.0)
                figures[name] = max(slowest, figures.get(name, 0.0))
    table.note(f"Filled in {took:.0f} s. Without the network; HTML alone, of one process.")
    table.note("To reach: list and detail within 100 ms, a progress poll within 15 ms (p95).")
    if not full:
        table.note("FULL=1 measures with 10,000 interviews and 400,000 turns.")
    table.show()
    return figures


@contextmanager
def _workplace(place: Path) -> Iterator[Flask]:
    app = create_app(
        Settings(
            data=place,
            database_url=f"sqlite:///{place / 'qualz.db'}",
            secret_key="only-for-the-bench-" * 3,
            hearing="none",
            speaking="none",
            testing=True,
        )
    )
    upgrade(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _filled(app: Flask, place: Path, count: int) -> Study:
    ada = Researcher(
        name="Ada", email="ada@example.org", password_hash="nobody signs in", role=Role.OWNER
    )
    db.session.add(ada)
    db.session.commit()
    (place / "takes").mkdir()
    made = takes.make(place / "takes", app.extensions["ffmpeg"], SHAPES)
    study = sample.start(ada)
    sample.fill(study, made, interviews=count, turns=TURNS, storage=app.extensions["storage"])
    # Somebody is there, and their recording is being made, as where a poll looks often.
    newest = db.session.scalars(select(Interview).order_by(Interview.number.desc()).limit(9)).all()
    for one in newest[1:]:
        one.state, one.last_seen_at = Interview.State.LIVE, clock.now()
    newest[0].recording.state = Recording.State.MERGING
    db.session.commit()
    return study


def _signed_in(app: Flask, study: Study) -> FlaskClient:
    browser = app.test_client()
    _, token = SignIn.begin(study.researcher)
    db.session.commit()
    with browser.session_transaction() as session:
        session["_user_id"] = token
    return browser


def _pages(study: Study) -> dict[str, str]:
    mine = f"/studies/{study.public_id}"
    rows = f"{mine}/transcripts/rows"
    newest = select(Interview).order_by(Interview.number.desc())
    merging, middle = (
        db.session.scalars(newest.offset(at)).first()
        for at in (0, (db.session.scalar(select(func.count(Interview.id))) or 0) // 2)
    )
    assert merging
    assert middle
    rare = "participant " + str(middle.number)
    one = f"{mine}/transcripts/{middle.public_id}"
    return {
        "studies": "/",
        "list, the page": f"{mine}/transcripts",
        "list, rows": rows,
        "list, rows in the middle": f"{rows}?first={middle.number}",
        "list, last active first": f"{rows}?sort=active",
        "list, of one state": f"{rows}?state=interrupted",
        "search, in every second": f"{rows}?q=folder",
        "search, some": f"{rows}?q=nurs%20pay",
        "search, one": f"{rows}?q={rare}",
        "detail, the page": one,
        "detail, beside the list": f"{one}#htmx",
        "progress poll": f"{mine}/transcripts/{merging.public_id}/recording#htmx",
        "overview": f"{mine}/overview",
        "overview, who is there": f"{mine}/overview/now#htmx",
    }


def _measured(browser: FlaskClient, address: str, rounds: int) -> Times:
    times, counted = Times(), [0]
    path, _, partial = address.partition("#")
    headers = HTMX if partial or "/rows" in path else {}

    def count(*_: object) -> None:
        counted[0] += 1

    event.listen(db.engine, "before_cursor_execute", count)
    # The first one compiles templates, and is not counted.
    for number in range(rounds + 1):
        _forget(counted)
        began = time.perf_counter()
        answer = browser.get(path, headers=headers)
        took = time.perf_counter() - began
        assert answer.status_code == 200, (address, answer.status_code)
        if number:
            times.seconds.append(took)
    times.queries, times.bytes = counted[0], len(gzip.compress(answer.data))
    event.remove(db.engine, "before_cursor_execute", count)
    return times


def _forget(counted: list[int]) -> None:
    """Each answer starts from nothing, as a request of its own does."""
    counted[0] = 0
    db.session.remove()
    for name in ("_login_user", "csrf_token", "csrf_valid"):
        g.pop(name, None)
