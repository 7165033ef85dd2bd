"""Translates the texts of a page into the language of the request, in Python and in templates."""

from gettext import NullTranslations
from typing import Final

from flask import Flask, g, has_request_context, request
from jinja2 import Environment
from markupsafe import Markup, escape

from app.infra.settings.languages import SOURCE, Languages
from app.web.current import services
from app.web.languages.catalogue import translations
from app.web.languages.choice import choose
from app.web.languages.message import Message

# Of those that are shipped.
_RIGHT_TO_LEFT: Final = frozenset({"ar", "he"})
# The direction of the text decides by itself (Unicode UAX 9, 2.7): <bdi> without markup.
_ISOLATE: Final = "\N{FIRST STRONG ISOLATE}"
_END: Final = "\N{POP DIRECTIONAL ISOLATE}"
# What is put into it is escaped.
_ISOLATED: Final = Markup("<bdi>%s</bdi>")
_LEFT_TO_RIGHT: Final = Markup('<bdi dir="ltr">%s</bdi>')


def install(app: Flask) -> None:
    """Give the templates of *app* `_`, `ngettext`, `pgettext` and the functions of this module.

    And, except to those imported without context, `language` and `direction`.
    """
    install_in(app.jinja_env)
    app.context_processor(lambda: {"language": language(), "direction": direction(language())})


def install_in(environment: Environment) -> None:
    """Give the templates of *environment* what `install` says, but for the language."""
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        gettext, ngettext, newstyle=True, pgettext=pgettext
    )
    environment.globals.update(say=say, bdi=bdi, ltr=ltr)


def language() -> str:
    """Return the language of the request: of those of its page, the one that it asks for."""
    if not has_request_context():
        return SOURCE
    page_id = g.get("page_id") or request.args.get("client_id")
    # The page of a request may become known while it is answered.
    chosen: dict[str | None, str] = g.setdefault("language_on", {})
    if page_id not in chosen:
        header = request.headers.get("Accept-Language", "")
        chosen[page_id] = choose(header, languages_on(page_id).offered)
    return chosen[page_id]


def languages_on(page_id: str | None) -> Languages:
    """Return the languages of *page_id*; of the only page, whichever is asked for.

    Where none of several is meant, they are those of the settings.
    """
    settings = services().settings
    if len(settings.pages) == 1:
        return settings.pages[0].languages
    return next((p.languages for p in settings.pages if p.id == page_id), settings.languages)


def direction(language: str) -> str:
    """Return the direction in which *language* is written, for HTML's `dir`."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


def gettext(text: str) -> str:
    """Return *text* in the language of the request."""
    return _translations().gettext(text)


def ngettext(singular: str, plural: str, num: int) -> str:
    """Return the form of the text for *num* things, in the language of the request."""
    return _translations().ngettext(singular, plural, num)


def pgettext(context: str, text: str) -> str:
    """Return *text* as it is said in *context*, in the language of the request."""
    return _translations().pgettext(context, text)


def say(message: Message | str) -> Markup:
    """Return *message* for a page, with each value that is text isolated from its surroundings.

    Words of the operator's own, a `str`, stay as they are.
    """
    if isinstance(message, str):
        return escape(message)
    values = {
        name: bdi(value) if isinstance(value, str) else value for name, value in message.values
    }
    text = escape(_template(message, _translations()))
    return text % values if values else text


def ltr(text: str) -> Markup:
    """Return *text*, such as a reference or a code, to be read from left to right everywhere."""
    return _LEFT_TO_RIGHT % text


def plain(message: Message, language: str) -> str:
    """Return *message* in *language* for a chat, with each text in it isolated likewise."""
    values = {
        name: f"{_ISOLATE}{value}{_END}" if isinstance(value, str) else value
        for name, value in message.values
    }
    return _template(message, translations(language)) % values


def bdi(text: str) -> Markup:
    """Return *text*, which may be written in either direction, as a unit of its own."""
    return _ISOLATED % text


def _template(message: Message, known: NullTranslations) -> str:
    if message.plural is not None:
        num = dict(message.values)["num"]
        return known.ngettext(message.singular, message.plural, int(num))
    if message.context is not None:
        return known.pgettext(message.context, message.singular)
    return known.gettext(message.singular)


def _translations() -> NullTranslations:
    return translations(language())
