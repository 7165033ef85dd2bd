"""Texts that are translated when they are shown, and the marks by which the catalogues find them.

The functions are named as in the manuals of gettext and Babel, whose extractor goes by the names.
"""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Message:
    """A text in English, the source language, with the values to be put into it.

    *context* tells texts apart that read the same in English; "security" marks those that protect a
    person, whose translations are reviewed. Of a *plural*, the value of `num` chooses the form.
    """

    singular: str
    plural: str | None = None
    context: str | None = None
    values: tuple[tuple[str, str | int], ...] = ()

    def with_values(self, **values: str | int) -> Self:
        """Return this text with *values* in the place of `%(name)s`."""
        return replace(self, values=tuple(values.items()))

    def __str__(self) -> str:
        """Return the English text."""
        values = dict(self.values)
        text = self.singular if self.plural is None or values.get("num") == 1 else self.plural
        return text % values if values else text


def N_(text: str) -> Message:  # noqa: N802  # gettext's name
    """Mark *text* for translation."""
    return Message(text)


def NN_(singular: str, plural: str) -> Message:  # noqa: N802
    """Mark a text that counts something, which its value `num` says the number of."""
    return Message(singular, plural)


def NP_(context: str, text: str) -> Message:  # noqa: N802
    """Mark *text* for translation in its *context*."""
    return Message(text, context=context)
