"""How Alembic reaches the database: through the application's own engine."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection, Enum

from qualz.database import db, is_compared

engine = db.engine


def run() -> None:
    with engine.connect() as connection:
        # SQLite changes a table by making it anew. With its foreign keys on, dropping the old one
        # would take along every row that points to it.
        _set_foreign_keys(connection, on=False)
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            compare_type=_differs,
            include_name=is_compared,
            render_item=_render_item,
        )
        with context.begin_transaction():
            context.run_migrations()
        _set_foreign_keys(connection, on=True)


def _set_foreign_keys(connection: Connection, *, on: bool) -> None:
    """Only outside of a transaction is SQLite told; others need not be."""
    if connection.dialect.name == "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")
        cursor.close()


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
