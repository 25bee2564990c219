"""Rotation: new secrets of the deployment's own in the place of the old ones.

A process that dies in between leaves everything readable; done once more, it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from qualz import keys
from qualz.settings import Settings
from qualz.vault import Vault

# Longer than anything that is signed is valid: signing in for 14 days, a way back for 7.
STILL_READ = timedelta(days=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """How many secrets were encrypted anew, and which ones could not be read. Whether each of
    the two keys is new: one that a variable sets is changed there."""

    sealed: int
    lost: list[str]
    has_new_master_key: bool
    has_new_signing_key: bool


def rotate(settings: Settings, *, at_once: bool = False) -> Rotated:
    """`at_once`: what was signed with the old key is worth nothing from now on."""
    ours = not settings.master_key
    if ours:
        keys.put_in_front(settings.master_key_file)
    sealed, lost = Vault(settings.secrets, settings.vault_keys).seal_anew()
    if ours and not lost:
        keys.keep_first(settings.master_key_file)
    if settings.has_own_signing_key:
        until = datetime.now(UTC).date() + STILL_READ
        keys.put_in_front(settings.signing_key_file, old_until=until)
        if at_once:
            keys.keep_first(settings.signing_key_file)
    return Rotated(
        sealed=sealed,
        lost=lost,
        has_new_master_key=ours,
        has_new_signing_key=settings.has_own_signing_key,
    )
