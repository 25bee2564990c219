"""The door while the disk is nearly full: nobody new is let in, and whoever is inside goes on."""

from __future__ import annotations

from flask import current_app

from qualz.errors import StudyClosed
from qualz.headroom import Headroom
from qualz.wording import told


class NoRoom(StudyClosed):
    """It opens again by itself once there is room."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            told(
                "The server has too little room left to record another interview to its end, so "
                "none is begun. Nothing is lost: your link stays valid. Try it again later; the "
                "research team sees this too."
            ),
            heading=told("No new interviews at the moment"),
        )


def is_left() -> bool:
    storage, settings = current_app.extensions["storage"], current_app.extensions["settings"]
    return Headroom.of(storage, settings.disk_reserve).takes_new


def demand() -> None:
    """Raises `NoRoom` where one interview more might not be recorded to its end."""
    if not is_left():
        current_app.logger.warning("A participant was turned away: the disk has too little room.")
        raise NoRoom
