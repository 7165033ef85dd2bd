"""Translates the texts of a page into the language of the request, in Python and in templates."""

from gettext import NullTranslations
from typing import Final

from flask import Flask
from markupsafe import Markup, escape

from app.web.languages.message import Message

_ENGLISH: Final = NullTranslations()
# What is put into it is escaped.
_ISOLATED: Final = Markup("<bdi>%s</bdi>")


def install(app: Flask) -> None:
    """Give the templates of *app* `_`, `ngettext`, `pgettext`, `say` and `bdi`."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        gettext, ngettext, newstyle=True, pgettext=pgettext
    )
    app.jinja_env.globals.update(say=say, bdi=bdi)


def gettext(text: str) -> str:
    """Return *text* in the language of the request."""
    return _translations().gettext(text)


def ngettext(singular: str, plural: str, num: int) -> str:
    """Return the form of the text for *num* things, in the language of the request."""
    return _translations().ngettext(singular, plural, num)


def pgettext(context: str, text: str) -> str:
    """Return *text* as it is said in *context*, in the language of the request."""
    return _translations().pgettext(context, text)


def say(message: Message) -> Markup:
    """Return *message* for a page, with each value that is text isolated from its surroundings."""
    values = {
        name: bdi(value) if isinstance(value, str) else value for name, value in message.values
    }
    text = escape(_template(message))
    return text % values if values else text


def bdi(text: str) -> Markup:
    """Return *text*, which may be written in either direction, as a unit of its own."""
    return _ISOLATED % text


def _template(message: Message) -> str:
    if message.plural is not None:
        num = dict(message.values)["num"]
        return ngettext(message.singular, message.plural, int(num))
    if message.context is not None:
        return pgettext(message.context, message.singular)
    return gettext(message.singular)


def _translations() -> NullTranslations:
    return _ENGLISH
