"""Translates the texts of a page into the language of the request, in Python and in templates."""

from gettext import NullTranslations
from typing import Final

from flask import Flask
from jinja2 import Environment
from markupsafe import Markup, escape

from app.web.languages.message import Message

_ENGLISH: Final = NullTranslations()
# What is put into it is escaped.
_ISOLATED: Final = Markup("<bdi>%s</bdi>")
_LEFT_TO_RIGHT: Final = Markup('<bdi dir="ltr">%s</bdi>')


def install(app: Flask) -> None:
    """Give the templates of *app* `_`, `ngettext`, `pgettext` and the functions of this module."""
    install_in(app.jinja_env)


def install_in(environment: Environment) -> None:
    """Give the templates of *environment* what `install` says."""
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        gettext, ngettext, newstyle=True, pgettext=pgettext
    )
    environment.globals.update(say=say, plain=plain, bdi=bdi, ltr=ltr)


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
    text = escape(_template(message))
    return text % values if values else text


def plain(message: Message) -> str:
    """Return *message* where there can be no markup, such as in the title of a page."""
    values = dict(message.values)
    text = _template(message)
    return text % values if values else text


def ltr(text: str) -> Markup:
    """Return *text*, such as a reference or a code, to be read from left to right everywhere."""
    return _LEFT_TO_RIGHT % text


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
