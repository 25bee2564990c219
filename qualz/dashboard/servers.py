"""The server behind the workspace: its disk, its lines of work and who serves them, and what went
wrong, to be done once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from rq import Queue

from qualz import background, clock, queues, trouble
from qualz.counts import Counts
from qualz.dashboard import dashboard
from qualz.dashboard.chips import Chip
from qualz.dashboard.partials import refreshed
from qualz.database import db
from qualz.errors import NoSuchForm
from qualz.headroom import Headroom
from qualz.queues import Hand, Line

# The sweep looks each second; one that was silent for so long is gone.
SWEPT_WITHIN = timedelta(seconds=60)
# What the disk is full of is looked at anew after this.
WEIGHED_FOR = timedelta(minutes=10)
KINDS = {
    "merge": "Full Session",
    "hearing": "Spoken answer",
    "rendition": "Download",
    "excerpt": "Clip of a highlight",
    "export": "Export",
    "deletion": "Deletion",
    "mail": "E-mail of a notification",
    "letter": "E-mail about an account",
    "delivery": "Webhook",
}
USES = {
    "parts": "Recordings as they came",
    "full sessions": "Full Sessions",
    "downloads": "Downloads and clips",
    "exports": "Exports, kept for a week",
    "work in hand": "Work in hand",
    "pictures and films": "Pictures and films of guides",
    "other": "Posters, waveforms, voices and the like",
    "database": "Database",
    "logs": "Logs",
}


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is at work, as far as Redis can say."""

    lines: list[Line]
    hands: list[Hand]
    swept_at: datetime | None

    @property
    def is_swept(self) -> bool:
        return self.swept_at is not None and clock.now() - self.swept_at < SWEPT_WITHIN

    def serving(self, line: Line) -> int:
        return sum(line.name in one.lines for one in self.hands if one.is_alive)


@dashboard.get("/settings/server")
def server() -> ResponseReturnValue:
    return render_template("dashboard/servers/page.html", seen=None, **_shown())


@dashboard.get("/settings/server/now")
def server_now() -> ResponseReturnValue:
    return refreshed("dashboard/servers/_now.html", **_shown())


@dashboard.post("/settings/server/attempts/<kind>/<int:work_id>")
def retry_work(kind: str, work_id: int) -> ResponseReturnValue:
    """Have it done once more, now."""
    try:
        again = trouble.retry(kind, work_id)
    except NoSuchForm as reason:
        db.session.rollback()
        flash(str(reason))
        return redirect(url_for(".server"), code=303)
    if again:
        background.later(*again)
    db.session.commit()
    flash("It is in line once more." if again else "Somebody is at it already, or it is done.")
    return redirect(url_for(".server"), code=303)


@dashboard.app_context_processor
def _room_on_disk() -> dict[str, object]:
    return {"headroom": headroom}


def headroom() -> Headroom:
    return Headroom.of(
        current_app.extensions["storage"], current_app.extensions["settings"].disk_reserve
    )


def _shown() -> dict[str, Any]:
    staff, weighed = _asked_of_redis()
    return {
        "room": headroom(),
        "staff": staff,
        "weighed": weighed,
        "items": trouble.items(),
        "most": trouble.MOST,
        "kinds": KINDS,
        "chip_of_item": _chip_of,
    }


def _asked_of_redis() -> tuple[Staff | None, dict[str, Any] | None]:
    """Nothing while it is away."""
    queue: Queue | None = current_app.extensions["queue"]
    counts: Counts = current_app.extensions["counts"]
    if queue is None:
        return None, None
    try:
        swept = counts.marked("sweep")
        swept_at = None if swept is None else datetime.fromtimestamp(swept, UTC)
        staff = Staff(queues.all_lines(queue), queues.hands(queue), swept_at)
        return staff, _weighed(queue, counts.kept("usage"))
    except RedisError:
        return None, None


def _weighed(queue: Queue, held: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the disk is full of, the most first; a worker looks anew after a while."""
    at = datetime.fromtimestamp(held["at"], UTC) if held else None
    if at is None or clock.now() - at > WEIGHED_FOR:
        background.ring(queue, "weigh")
    if held is None:
        return None
    uses = sorted(held["found"].items(), key=lambda one: -one[1])
    return {"at": at, "uses": [(USES.get(what, what), count) for what, count in uses]}


def _chip_of(item: trouble.Item) -> Chip:
    match item.state:
        case "failed":
            return Chip("bad", "Failed")
        case "stuck":
            return Chip("warn", "Stuck")
        case _:
            return Chip("busy", f"Running {int(item.progress * 100)} %")
