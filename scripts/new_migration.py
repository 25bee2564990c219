"""Writes the migration from what the migrations so far make to what the code expects.

    .venv/bin/python scripts/new_migration.py "add tags"

Read what it wrote: Alembic sees neither renames nor what should become of the data.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from qualz.core import create_core
from qualz.database import MIGRATIONS, alembic_config, upgrade
from qualz.settings import Settings


def main(message: str) -> None:
    number = len(list((MIGRATIONS / "versions").glob("*.py"))) + 1
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        app = create_core(
            Settings(data=data, database_url=f"sqlite:///{data / 'db'}", secret_key="x" * 32)
        )
        upgrade(app)
        with app.app_context():
            command.revision(
                alembic_config(), message=message, autogenerate=True, rev_id=f"{number:04}"
            )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
