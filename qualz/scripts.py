"""Scripts: the modules that a page's own one leads to, told in time.

A browser learns of a module when the one that imports it has arrived, so that a page would wait for
as many rounds as its imports are deep. Named in its head, all of them come in one.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath
from posixpath import normpath

from flask import Flask

IMPORT = re.compile(r'^(?:import|export)\b[^"]*"(\.\.?/[^"]+\.js)"', re.MULTILINE)


def init_app(app: Flask) -> None:
    static = Path(app.static_folder or "")
    app.jinja_env.globals.update(modules_behind=lambda name: modules_behind(static, name))


@cache
def modules_behind(static: Path, name: str) -> tuple[str, ...]:
    """The modules that the one of that name imports, and those that these do; names are relative to
    the folder, and in the order in which they are met."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        module = waiting.pop(0)
        for imported in IMPORT.findall((static / module).read_text()):
            other = normpath(PurePosixPath(module).parent / imported)
            if other not in found and other != name:
                found[other] = None
                waiting.append(other)
    return tuple(found)
