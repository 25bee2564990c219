"""The researchers' side: studies, their set-up, and what participants said."""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_socketio import SocketIO

dashboard = Blueprint("dashboard", __name__)

from qualz.dashboard import (  # noqa: E402
    accounts,
    answers_links,
    api_tokens,
    audits,
    bundles,
    chips,
    comments,
    corrections,
    deletions,
    designs,
    dossiers,
    drafts,
    entrances,
    exports,
    hearings,
    helps,
    highlights,
    invitations,
    joining,
    listeners,
    media,
    merges,
    moderators,
    notifications,
    originals,
    overviews,
    password_resets,
    personal_links,
    presences,
    proofs,
    providers,
    recordings,
    redactions,
    removals,
    renditions,
    resume_links,
    retentions,
    reviews,
    second_steps,
    security,
    selections,
    servers,
    set_ups,
    sockets,
    states,
    stimuli,
    studies,
    study_access,
    tags,
    team,
    transcripts,
    voices,
    webhooks,
)


def init_app(app: Flask) -> None:
    accounts.login_manager.init_app(app)
    providers.init_app(app)
    app.register_blueprint(dashboard)
    app.jinja_env.globals.update(
        in_words=recordings.in_words, left_in_words=recordings.left_in_words
    )


def register_sockets(sockets_: SocketIO) -> None:
    sockets_.on_namespace(sockets.WorkplaceNamespace("/workplace"))


__all__ = [
    "accounts",
    "answers_links",
    "api_tokens",
    "audits",
    "bundles",
    "chips",
    "comments",
    "corrections",
    "deletions",
    "designs",
    "dossiers",
    "drafts",
    "entrances",
    "exports",
    "hearings",
    "helps",
    "highlights",
    "init_app",
    "invitations",
    "joining",
    "listeners",
    "media",
    "merges",
    "moderators",
    "notifications",
    "originals",
    "overviews",
    "password_resets",
    "personal_links",
    "presences",
    "proofs",
    "providers",
    "recordings",
    "redactions",
    "register_sockets",
    "removals",
    "renditions",
    "resume_links",
    "retentions",
    "reviews",
    "second_steps",
    "security",
    "selections",
    "servers",
    "set_ups",
    "states",
    "stimuli",
    "studies",
    "study_access",
    "tags",
    "team",
    "transcripts",
    "voices",
    "webhooks",
]
