"""How Alembic reaches the database: through the application's own engine."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Enum

from qualz.database import db

engine = db.engine


def run() -> None:
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            compare_type=_differs,
            render_item=_render_item,
        )
        with context.begin_transaction():
            context.run_migrations()


def _differs(
    _context: object, _column: object, _metadata_column: object, found: object, wanted: object
) -> bool | None:
    """Words are plain strings to the database; which words there are is the code's business."""
    return False if isinstance(wanted, Enum) else None


def _render_item(kind: str, item: object, _context: object) -> str | bool:
    """Migrations outlive the code, so they name plain column types and not ours."""
    if kind == "type" and type(item).__name__ == "Moment":
        return "sa.DateTime()"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database: set DATABASE_URL.")
current_app.logger.debug("Migrating %s", engine.url.render_as_string(hide_password=True))
run()
