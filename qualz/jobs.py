"""What workers do. Each job carries ids, may run twice, and leaves the work to the domain."""

from __future__ import annotations

from functools import partial

from flask import current_app

from qualz import broadcasts
from qualz.merge import LeaseLost, Merge


def merge(merge_id: int) -> None:
    lease = current_app.extensions["settings"].lease
    if claimed := Merge.claim(merge_id, lease_for=lease):
        announce = partial(broadcasts.recording_changed, claimed.recording)
        try:
            claimed.run(
                storage=current_app.extensions["storage"],
                ffmpeg=current_app.extensions.get("ffmpeg"),
                lease_for=lease,
                announce=announce,
            )
        except LeaseLost:
            current_app.logger.info(
                "Merge %s was taken over; its other worker publishes.", merge_id
            )
        except Exception as cause:
            claimed.note_trouble(cause)
            raise
        announce()
