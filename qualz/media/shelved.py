"""A storage whose whole files lie on a shelf, which every machine can reach.

Its folder is the spool, where parts arrive, and holds copies of what was read lately. A name on the
shelf never gets other bytes: a part lies there under a name made of what is in it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from qualz.media import disk
from qualz.media.shelf import Shelf
from qualz.media.storage import FETCHED, KEPT_FREE, Offload, Storage, here

# So long a copy stays after it was last used: by then what was deleted elsewhere is gone here too.
COPIES_STAY = timedelta(hours=2)
# Other names of what is read out of the spool, which goes to the shelf meanwhile.
READ = f"{FETCHED}/.read"


class ShelvedStorage(Storage):
    """All but the spool's own methods may raise `OutOfReach`, which is an `OSError`."""

    has_shelf = True

    def __init__(
        self, root: Path, shelf: Shelf, offload: Offload = here, kept_free: int = KEPT_FREE
    ) -> None:
        super().__init__(root, offload, kept_free)
        self._shelf = shelf

    # ---- reading

    def here(self, name: str) -> Path:
        """Fetched, unless it is in the spool or was read lately. Raises `FileNotFoundError` and
        `DiskFull`."""
        path, copy = self.path(name), self._copy(name)
        with suppress(FileNotFoundError):
            return self._to_be_read(path, self.path(f"{READ}/{name}"))
        if not self.use(f"{FETCHED}/{name}"):
            self.demand_room(self._shelf.size(name))
            with self.workspace("fetching") as workspace:
                fetched = workspace / "file"
                self._shelf.fetch(name, fetched)
                copy.parent.mkdir(parents=True, exist_ok=True)
                fetched.replace(copy)
        return copy

    def exists(self, name: str) -> bool:
        return self._is_near(name) or self._shelf.exists(name)

    def size(self, name: str) -> int:
        for near in (self.path(name), self._copy(name)):
            with suppress(FileNotFoundError):
                return near.stat().st_size
        try:
            return self._shelf.size(name)
        except FileNotFoundError:
            return 0

    def digest(self, name: str, count: int) -> str:
        path = self.here(name)
        return self._offload(lambda: disk.digest(path, count))

    def files_in(self, prefix: str) -> list[str]:
        near = {name.removeprefix(f"{FETCHED}/") for name in self._near_in(prefix)}
        return sorted(near.union(self._names(f"{prefix}/")))

    def holds(self, prefix: str) -> bool:
        return self.path(prefix).exists() or bool(self.files_in(prefix))

    # ---- putting there

    def publish(self, source: Path, name: str) -> None:
        self._put(source, name)
        super().publish(source, f"{FETCHED}/{name}")

    def share(self, source: Path, name: str) -> None:
        self._put(source, name)
        super().share(source, f"{FETCHED}/{name}")

    def put_away(self, name: str) -> bool:
        """Put there what lay in the folder from before there was a shelf; whether it did."""
        path = self.path(name)
        if not path.is_file():
            return False
        self._shelf.put(path, name)
        super().publish(path, f"{FETCHED}/{name}")
        return True

    def bring_back(self, name: str, to: str) -> bool:
        """Have it in the folder again, durably, under the name `to`; whether it was there."""
        try:
            self.recall(name, to)
        except FileNotFoundError:
            return False
        return True

    # ---- parts: from the spool to the shelf, and back where more arrives

    def shelve(self, name: str) -> str:
        path = self.path(name)
        digest = self._offload(lambda: disk.digest(path, path.stat().st_size))
        whole = PurePosixPath(name)
        kept = str(whole.with_name(f"{whole.stem}~{digest[:16]}{whole.suffix}"))
        self._shelf.put(path, kept)
        return kept

    def settle(self, name: str, kept: str | None, size: int) -> None:
        if kept is not None:
            disk.rename_if(self.path(name), self._copy(kept), size)
            self.delete_if_empty(name.rpartition("/")[0])
            self.delete_fitting(f"{name.rpartition('.')[0]}~*", but=kept)

    def recall(self, kept: str, name: str) -> None:
        copy, path = self._copy(kept), self.path(name)
        with self.workspace("recalling") as workspace:
            # Bytes of its own: what is appended to one is not to be in the other.
            own = workspace / "file"
            if copy.is_file():
                self._offload(lambda: shutil.copyfile(copy, own))
            else:
                self.demand_room(self._shelf.size(kept))
                self._shelf.fetch(kept, own)
            self._offload(lambda: disk.place(self.root, own, path))

    # ---- deleting

    def delete(self, name: str) -> None:
        for where in ("", f"{FETCHED}/", f"{READ}/"):
            super().delete(f"{where}{name}")
        self._shelf.delete(name)

    def delete_fitting(self, pattern: str, *, but: str | None = None) -> None:
        for where in ("", f"{FETCHED}/", f"{READ}/"):
            super().delete_fitting(f"{where}{pattern}", but=but)
        kept = _stem(but) if but else None
        found = [name for name in self._names(pattern.partition("*")[0]) if _stem(name) != kept]
        self._drop([name for name in found if _fits(name, pattern)])

    def delete_tree(self, prefix: str) -> None:
        for where in ("", f"{FETCHED}/", f"{READ}/"):
            super().delete_tree(f"{where}{prefix}")
        self._drop(self._names(f"{prefix}/"))

    def delete_files(self, prefix: str, names: Sequence[str]) -> None:
        super().delete_files(prefix, names)
        super().delete_if_empty(f"{FETCHED}/{prefix}")

    def forget_copies(self, *, older_than: timedelta = COPIES_STAY) -> None:
        """Remove copies that nobody used for so long, and work that was begun and is at rest."""
        before = time.time() - older_than.total_seconds()
        passing = [self.root / FETCHED, *self.root.glob("interviews/*/prepared")]
        for top in passing:
            for path in sorted(top.rglob("*"), reverse=True):
                with suppress(OSError):
                    if path.lstat().st_mtime < before:
                        path.rmdir() if path.is_dir() else path.unlink()

    def interviews_here(self) -> set[str]:
        """The public ids of interviews of which this machine holds something."""
        found = [*self.root.glob("interviews/*"), *self.root.glob(f"{FETCHED}/interviews/*")]
        return {path.name for path in found}

    # ---- what they share

    def _to_be_read(self, path: Path, other: Path) -> Path:
        """A name under which the file stays where it is, and what it is, for as long as a copy.
        Raises `FileNotFoundError`."""
        state = path.stat()
        with suppress(FileNotFoundError):
            if os.path.samestat(state, other.stat()):
                os.utime(other)
                return other
        with self.workspace("reading") as workspace:
            link = workspace / "link"
            try:
                os.link(path, link)
            except FileNotFoundError:
                raise
            except OSError:
                # A file system without links: it is read where it is, once more if need be.
                return path
            other.parent.mkdir(parents=True, exist_ok=True)
            link.replace(other)
        return other

    def _put(self, source: Path, name: str) -> None:
        try:
            self._shelf.put(source, name)
        except OSError:
            raise
        except Exception:
            # Its worker was told to stop: by then all of it may have been sent.
            self._shelf.delete(name)
            raise

    def _copy(self, name: str) -> Path:
        return self.path(f"{FETCHED}/{name}")

    def _is_near(self, name: str) -> bool:
        return self.path(name).is_file() or self._copy(name).is_file()

    def _near_in(self, prefix: str) -> Iterator[str]:
        yield from super().files_in(prefix)
        yield from super().files_in(f"{FETCHED}/{prefix}")

    def _names(self, start: str) -> list[str]:
        return list(self._shelf.names(start))

    def _drop(self, names: Sequence[str]) -> None:
        if names:
            self._shelf.delete(*names)


def _stem(name: str) -> str:
    return PurePosixPath(name).name.partition(".")[0]


def _fits(name: str, pattern: str) -> bool:
    """Within the pattern's own folder, as a folder's `glob` has it."""
    is_beside = name.count("/") == pattern.count("/")
    return is_beside and fnmatchcase(name, pattern)
