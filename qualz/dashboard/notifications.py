"""Notifications: the bell in the bar, what rang it, and which kinds a researcher wants."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import broadcasts
from qualz.dashboard import dashboard
from qualz.dashboard.access import researcher
from qualz.dashboard.partials import is_partial, refreshed
from qualz.database import db, new_public_id
from qualz.happening import Kind
from qualz.headline import headline
from qualz.notification import Notification, NotificationChoice
from qualz.post_office import PostOffice, Unsent
from qualz.settings import Settings

MOST_SHOWN = 100
TEST = "This is the test that you asked for. E-mail from Qualz reaches you.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a kind of happening is called and drawn; `tone` is a kind of chip."""

    name: str
    note: str
    icon: str
    tone: str


LOOKS = {
    Kind.COMPLETED: Look(
        name="Interview completed",
        note="By its end, or stopped by the participant before it.",
        icon="circle-check",
        tone="good",
    ),
    Kind.INTERRUPTED: Look(
        name="Interview interrupted",
        note="The participant was gone for longer than a short drop.",
        icon="pause",
        tone="warn",
    ),
    Kind.READY: Look(
        name="Full Session ready",
        note="The recording plays as one; told again when it was made anew.",
        icon="play",
        tone="good",
    ),
    Kind.MERGE_FAILED: Look(
        name="Merge failed",
        note="The clips are safe, and somebody has to look.",
        icon="circle-alert",
        tone="bad",
    ),
    Kind.DELETION_DUE: Look(
        name="Deletion in a week",
        note="By the rule for how long a study is kept; told once a day at most.",
        icon="trash-2",
        tone="warn",
    ),
    Kind.DISTRESS: Look(
        name="Signs of distress",
        note="The moderator answered a participant with its fixed words for that.",
        icon="circle-alert",
        tone="bad",
    ),
}


@dashboard.get("/notifications")
def notifications() -> ResponseReturnValue:
    return render_template("dashboard/notifications/index.html", notifications=_shown())


@dashboard.get("/notifications/list")
def notification_list() -> ResponseReturnValue:
    return refreshed("dashboard/notifications/_list.html", notifications=_shown())


@dashboard.get("/notifications/bell")
def bell() -> ResponseReturnValue:
    return refreshed("dashboard/notifications/_bell.html", count=Notification.unread(researcher()))


@dashboard.get("/notifications/<notification_id>")
def notification(notification_id: str) -> ResponseReturnValue:
    """The way to its interview; whoever goes there has read it."""
    found = Notification.of(researcher(), notification_id)
    found.read()
    path = found.happening.path
    db.session.commit()
    broadcasts.news_for(researcher().id)
    return redirect(path)


@dashboard.post("/notifications/readings")
def read_notifications() -> ResponseReturnValue:
    Notification.read_all(researcher())
    db.session.commit()
    broadcasts.news_for(researcher().id)
    return redirect(url_for(".notifications"), code=303)


def _shown() -> list[Notification]:
    return list(Notification.newest(researcher(), MOST_SHOWN))


# ---- settings


@dashboard.get("/settings/notifications")
def notification_settings() -> ResponseReturnValue:
    return _settings_page()


@dashboard.post("/settings/notifications")
def save_notification_settings() -> ResponseReturnValue:
    app, mail = (
        [kind for kind in Kind if kind.value in request.form.getlist(way)]
        for way in ("app", "mail")
    )
    # Where there is no mail server nothing was asked about e-mail.
    NotificationChoice.set(researcher().id, app=app, mail=mail if _post_office() else None)
    db.session.commit()
    flash("Saved. It holds for what happens from now on.")
    return redirect(url_for(".notification_settings"), code=303)


@dashboard.post("/settings/notifications/trials")
def try_mail() -> ResponseReturnValue:
    """Send whoever asks a test, at once."""
    to, post = researcher().email, _post_office()
    # A mail server takes its time, and no connection is to wait for it.
    db.session.commit()
    reason = _refusal(post, to) if post else "No mail server is set up."
    told = {"sent": reason is None, "reason": reason}
    if is_partial():
        return render_template("dashboard/notifications/_trial.html", **told)
    return _settings_page(**told)


def _refusal(post: PostOffice, to: str) -> str | None:
    try:
        post.send(to=to, subject="A test from Qualz", text=TEST, name=new_public_id())
    except Unsent as cause:
        return str(cause)
    return None


def _settings_page(**told: object) -> str:
    settings: Settings = current_app.extensions["settings"]
    return render_template(
        "dashboard/notifications/settings.html",
        chosen=NotificationChoice.of(researcher().id),
        has_mail=_post_office() is not None,
        hold_minutes=round(settings.hold.total_seconds() / 60),
        **told,
    )


def _post_office() -> PostOffice | None:
    post: PostOffice | None = current_app.extensions["post"]
    return post


@dashboard.app_context_processor
def _words() -> dict[str, object]:
    return {"headline": headline, "looks": LOOKS, "unread_news": _unread}


def _unread() -> int:
    return Notification.unread(researcher())
