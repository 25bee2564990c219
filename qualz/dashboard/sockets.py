"""The workplace's socket: says that an interview changed, or that there is news, so that the page
asks sooner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, join_room

from qualz import broadcasts, logs
from qualz.dashboard import entrances
from qualz.dashboard.access import find_study, researcher
from qualz.errors import NotFound
from qualz.researcher import Researcher


class WorkplaceNamespace(Namespace):  # type: ignore[misc]
    """Admits by the same session and the same look-up as the pages do."""

    def on_connect(self, auth: Any = None) -> None:
        logs.begin(event="connect")
        study_id = str(auth.get("study", "")) if isinstance(auth, dict) else ""
        sign_in = entrances.present()
        if sign_in is None:
            raise Refused("not signed in")
        # A page that is about no study hears of news alone.
        if study_id:
            try:
                join_room(find_study(study_id).public_id)
            except NotFound as cause:
                raise Refused("no such study") from cause
        join_room(entrances.whose_pages(sign_in.public_id))
        join_room(broadcasts.whose_news(researcher().id))


def hang_up(people: Iterable[Researcher]) -> None:
    """What they may follow has changed. A page that is still allowed to connects anew."""
    for person in people:
        entrances.hang_up(broadcasts.whose_news(person.id))
