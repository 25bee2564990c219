"""The team: who is of it, and in which role. Owners make owners, and one always remains."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import case, exists, literal, or_, select, update
from sqlalchemy.orm import aliased

from qualz import clock
from qualz.api_token import ApiToken
from qualz.database import db, rows_changed
from qualz.errors import LastOwner, NotAllowed, NotFound
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.sign_in import SignIn

_RANK = case({role.value: place for place, role in enumerate(Role)}, value=Researcher.role)


def members() -> Sequence[Researcher]:
    """All who can sign in, owners first."""
    found = select(Researcher).where(Researcher.left_at.is_(None))
    return db.session.scalars(found.order_by(_RANK, Researcher.name, Researcher.id)).all()


def former() -> Sequence[Researcher]:
    """All who have left, the last one first."""
    found = select(Researcher).where(Researcher.left_at.is_not(None))
    return db.session.scalars(found.order_by(Researcher.left_at.desc())).all()


def person(researcher_id: int) -> Researcher:
    found = db.session.get(Researcher, researcher_id)
    if found is None:
        raise NotFound("There is no such person in the team.")
    return found


def first_owner() -> Researcher | None:
    """Whoever has owned the workspace for longest and still does."""
    owners = select(Researcher).where(Researcher.role == Role.OWNER, Researcher.left_at.is_(None))
    return db.session.scalar(owners.order_by(Researcher.id).limit(1))


def change(one: Researcher, *, role: Role, is_guest: bool, by: Researcher) -> None:
    """Give somebody a role. Raises `NotAllowed` and `LastOwner`. A manager is nobody's guest."""
    _demand_governed(one, by)
    demand_giveable(role, by)
    _set(one, role=role, is_guest=is_guest and not role.may_manage, keeps_owner=role is Role.OWNER)


def remove(one: Researcher, *, by: Researcher) -> None:
    """They can do nothing from the next request on; what they made stays.

    They are signed out everywhere and their API tokens are revoked, so that none comes back with
    them. Raises as `change` does.
    """
    _demand_governed(one, by)
    _set(one, left_at=one.left_at or clock.now(), keeps_owner=False)
    SignIn.end_all(one)
    for token in ApiToken.all_of(one):
        token.revoke()


def let_back(one: Researcher, *, by: Researcher) -> None:
    """In the role that they had, with the password that they had."""
    _demand_governed(one, by)
    one.left_at = None


def demand_giveable(role: Role, by: Researcher) -> None:
    if role not in by.role.governs:
        raise NotAllowed(f"Only an owner can make somebody {a(role)}.")


def a(role: Role) -> str:
    return f"an {role}" if role in (Role.OWNER, Role.ADMIN) else f"a {role}"


def _demand_governed(one: Researcher, by: Researcher) -> None:
    if one.role not in by.role.governs:
        raise NotAllowed(f"{one.name} is {a(one.role)}. Only an owner can change that.")


def _set(one: Researcher, *, keeps_owner: bool, **values: object) -> None:
    """By one UPDATE, which refuses to take away the last owner whoever else writes meanwhile."""
    other = aliased(Researcher)
    owns = (other.role == Role.OWNER, other.left_at.is_(None))
    # Where writers do not wait for each other by themselves, they wait for the owners' rows.
    db.session.execute(select(other.id).where(*owns).order_by(other.id).with_for_update()).all()
    is_safe = or_(
        literal(keeps_owner and one.is_active),
        Researcher.role != Role.OWNER,
        Researcher.left_at.is_not(None),
        exists().where(other.id != one.id, *owns),
    )
    changed = rows_changed(
        update(Researcher).where(Researcher.id == one.id, is_safe).values(**values)
    )
    if not changed:
        raise LastOwner(
            f"{one.name} is the only owner. Make somebody else an owner first; a Qualz without "
            "one could not be managed any more."
        )
    db.session.expire(one)
