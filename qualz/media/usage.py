"""What a folder of recordings is full of. It looks at every file, so it takes its time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# By how a file in an interview's folder begins, else by the first folder that it is in.
OF_INTERVIEWS = (
    ("part-", "parts"),
    ("full-session-", "full sessions"),
    ("original-", "full sessions"),
    ("rendition-", "downloads"),
    ("excerpt-", "downloads"),
)
OF_FOLDERS = {"exports": "exports", ".workspaces": "work in hand", "stimuli": "pictures and films"}


def usage(root: Path) -> dict[str, int]:
    """Bytes on the disk by what they are for. What is in it twice by links counts once."""
    seen: set[int] = set()
    found: Counter[str] = Counter()
    for path, entry in _files(root, ()):
        try:
            state = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if state.st_nlink == 1 or state.st_ino not in seen:
            seen.add(state.st_ino)
            found[_what(path)] += state.st_blocks * 512
    return dict(found)


def _files(
    folder: Path, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], os.DirEntry[str]]]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), (*names, entry.name))
        else:
            yield (*names, entry.name), entry


def _what(path: tuple[str, ...]) -> str:
    if path[0] == "interviews" and len(path) == 3:
        return next((what for begins, what in OF_INTERVIEWS if path[2].startswith(begins)), "other")
    if path[0] == "interviews" and len(path) > 3 and path[2] == "prepared":
        return "work in hand"
    return OF_FOLDERS.get(path[0], "other")
