"""Files that no row names. They are never deleted: mending puts them into `lost+found`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import select

from qualz import clock
from qualz.backups.finding import Finding
from qualz.backups.holdings import held
from qualz.database import db
from qualz.interview import Interview
from qualz.media import disk
from qualz.media.storage import FETCHED, MEANT, WORKSPACES, Storage
from qualz.study import Study

LOST_AND_FOUND = "lost+found"
# A worker puts a file in place and names it in a row just after.
SETTLED = timedelta(hours=1)
# Folders that hold what is made again when it is missing, or belongs to work that is under way.
PASSING = {"prepared", "speech"}
INTERVIEWS, STUDIES = {"interviews"}, {"exports", "stimuli"}


def strays(data: Path, storage: Storage) -> Iterator[Finding]:
    """The files are listed before the rows are read: what a row named meanwhile is no stray."""
    listed = list(_settled(storage.root))
    owners = {
        name: set(db.session.scalars(select(model.public_id)))
        for model, names in ((Interview, INTERVIEWS), (Study, STUDIES))
        for name in names
    }
    named = {one.name for one in held(db.session.connection(), storage.root)}
    going = set(storage.meant_to_go(since=clock.now() + timedelta(days=1)))
    db.session.commit()
    unknown: dict[str, list[str]] = {}
    for name in listed:
        top, _, rest = name.partition("/")
        owner, _, inside = rest.partition("/")
        if f"{top}/{owner}" in going or name in named:
            continue
        if top in owners and inside and owner not in owners[top]:
            unknown.setdefault(f"{top}/{owner}", []).append(name)
        elif inside.partition("/")[0] not in PASSING and not (top in owners and not rest):
            unknown.setdefault(name, []).append(name)
    for name, files in unknown.items():
        yield Finding(
            _told(name, files), "It is moved aside.", partial(_aside, data, name, storage)
        )
    if dead := storage.dead_workspaces():
        text = f"Work that was broken off left {dead} folder{'s' if dead > 1 else ''} behind."
        yield Finding(text, "They are removed.", lambda: bool(storage.clear_workspaces()))


def _settled(root: Path) -> Iterator[str]:
    """Names of the files that have lain there for a while."""
    by_now = (clock.now() - SETTLED).timestamp()
    for top in sorted(root.iterdir()):
        if top.name in (FETCHED, WORKSPACES, MEANT, "speech"):
            continue
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            with suppress(FileNotFoundError):
                state = path.lstat()
                if not path.is_dir() and max(state.st_mtime, state.st_ctime) < by_now:
                    yield path.relative_to(root).as_posix()


def _told(name: str, files: list[str]) -> str:
    if name in files:
        return f"No row names the file {name}."
    return f"No row names the folder {name} with {len(files)} file{'s' if len(files) > 1 else ''}."


def _aside(data: Path, name: str, storage: Storage) -> bool:
    source = storage.path(name)
    target = data / LOST_AND_FOUND / f"{clock.now():%Y-%m-%d}" / name
    while target.exists():
        target = target.with_name(f"{target.name}~")
    if not source.exists():
        return False
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.move(source, target)
    disk.sync_folders(source, storage.root)
    return True
