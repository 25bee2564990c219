"""Brings the catalogues of the participants' words up to date with the templates and the code.

    .venv/bin/python scripts/update_catalogues.py         all that there are
    .venv/bin/python scripts/update_catalogues.py it      and a new one, for Italian

What is new is empty afterwards, what is gone is taken out; then translate, and the tests say what
is still missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import write_po

from qualz import wording

HEADER = "# What participants read, by its English words. See scripts/update_catalogues.py."
ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("qualz", "templates", "static/js")
KEYWORDS = {**DEFAULT_KEYWORDS, "told": None, "translate": None}


def extracted() -> Catalog:
    """Every word that a participant may read, as the code and the templates have it now."""
    catalog = Catalog(project="Qualz", charset="utf-8")
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    for source in SOURCES:
        wanted = [
            (pattern.removeprefix(f"{source}/"), method)
            for pattern, method in methods
            if pattern.startswith(f"{source}/")
        ]
        found = extract_from_dir(ROOT / source, wanted, options, keywords=KEYWORDS)
        for path, _line, message, _comments, context in sorted(found, key=lambda one: one[:2]):
            catalog.add(message, None, [(f"{source}/{path}", 0)], context=context)
    return catalog


def write(path: Path, catalog: Catalog) -> None:
    with path.open("wb") as file:
        write_po(
            file, catalog, width=98, omit_header=False, include_lineno=False, sort_by_file=True
        )


def main(new: list[str]) -> None:
    source = extracted()
    for code in [*wording.known()[1:], *new]:
        path = wording.FOLDER / f"{code}.po"
        catalog = Catalog(
            locale=code, project="Qualz", version="0", header_comment=HEADER, fuzzy=False
        )
        if path.exists():
            catalog = wording.read(code)
        catalog.update(source, no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        write(path, catalog)
        empty = sum(not message.string for message in catalog if message.id)
        print(f"{path.name}: {empty} to translate")


if __name__ == "__main__":
    main(sys.argv[1:])
