"""The words of the participants' pages by language, as gettext has them: `catalogues/*.po`.

English is the source and stands in the templates and the code. Another language is added by its
catalogue alone. Catalogues are read as they are written, once in a process: there is nothing to
compile, so nothing is ever out of date.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).parent / "catalogues"
SOURCE = "en"
# Where the words are that the pages' scripts say.
SCRIPTS = "static/js/"


def told(text: str) -> str:
    """Marks words that participants may read, so that they get into the catalogues. They are
    translated where they are shown."""
    return text


@cache
def known() -> tuple[str, ...]:
    """The languages that there are words in, English first."""
    return (SOURCE, *sorted(path.stem for path in FOLDER.glob("*.po")))


def spoken(language: str) -> str:
    """What the pages of a study in that language speak: English where there is no catalogue."""
    for code in (language, language.split("-")[0]):
        if code in known():
            return code
    return SOURCE


def direction(language: str) -> str:
    """`rtl` for languages that are written from right to left, else `ltr`."""
    try:
        return str(Locale.parse(language, sep="-").text_direction)
    except (UnknownLocaleError, ValueError):
        return "ltr"


def in_language(text: str, language: str) -> str:
    """A text of `told` in the words of that language."""
    return translations(spoken(language)).gettext(text)


def in_every_language(text: str) -> dict[str, str]:
    """A text of `told` in all languages that it is known in, by their codes."""
    return {code: translations(code).gettext(text) for code in known()}


def read(code: str) -> Catalog:
    with (FOLDER / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


@cache
def translations(code: str) -> NullTranslations:
    if code == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read(code))
    compiled.seek(0)
    return Translations(compiled)


@cache
def of_scripts(code: str) -> dict[str, str]:
    """What the pages' scripts say, by the English words."""
    if code == SOURCE:
        return {}
    return {
        str(message.id): str(message.string)
        for message in read(code)
        if message.id and any(path.startswith(SCRIPTS) for path, _ in message.locations)
    }
