"""Roles: what somebody of the team may do with the studies that they may see."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """From the one that may most to the one that may least."""

    OWNER = "owner"
    ADMIN = "admin"
    RESEARCHER = "researcher"
    VIEWER = "viewer"

    @property
    def may_change(self) -> bool:
        """Studies, and what was said in them. All others only look."""
        return self is not Role.VIEWER

    @property
    def may_manage(self) -> bool:
        """The team and the workspace's settings; who does sees every study, too."""
        return self in MANAGERS

    @property
    def governs(self) -> tuple[Role, ...]:
        """The roles that they give, take away and remove people of."""
        return GOVERNED[self]


MANAGERS = (Role.OWNER, Role.ADMIN)
GOVERNED: dict[Role, tuple[Role, ...]] = {
    Role.OWNER: tuple(Role),
    Role.ADMIN: (Role.RESEARCHER, Role.VIEWER),
    Role.RESEARCHER: (),
    Role.VIEWER: (),
}
