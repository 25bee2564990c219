"""In which language a page speaks: that of the study, where there are words in it."""

from __future__ import annotations

from babel.support import NullTranslations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale, refresh
from markupsafe import Markup

from qualz import wording


class Catalogues(Domain):  # type: ignore[misc]
    def get_translations(self) -> NullTranslations:
        return wording.translations(_code())


def init_app(app: Flask) -> None:
    babel = Babel()
    babel.init_app(app, locale_selector=_choose)
    babel.domain_instance = Catalogues()
    app.before_request(_forget)
    app.context_processor(
        lambda: {
            "page_language": _code(),
            "page_direction": wording.direction(_code()),
            "page_words": wording.of_scripts,
        }
    )
    app.jinja_env.globals.update(in_its_language=in_its_language)


def speak(language: str) -> None:
    """From here on the answer to this request is in that language, or else in English."""
    g.page_language = wording.spoken(language)
    refresh()


def in_its_language(language: str) -> Markup:
    """The attributes of an element whose text is a study's own, where the page speaks another."""
    if language == _code():
        return Markup("")
    return Markup(' lang="{}" dir="{}"').format(language, wording.direction(language))


def _forget() -> None:
    """Requests may share what Flask calls `g`, as those of a test do."""
    g.pop("page_language", None)
    refresh()


def _code() -> str:
    locale = get_locale()
    return str(locale).replace("_", "-") if locale else wording.SOURCE


def _choose() -> str:
    """Where a link leads nowhere, nobody knows the study, and the browser's language has to do."""
    if "page_language" in g:
        return str(g.page_language).replace("-", "_")
    if has_request_context() and request.blueprint == "room":
        for wanted, _quality in request.accept_languages:
            if (code := wording.spoken(wanted)) != wording.SOURCE or wanted.startswith(code):
                return code.replace("-", "_")
    return wording.SOURCE
