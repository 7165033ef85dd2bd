"""Suggestions for a mistyped name."""

import difflib
from collections.abc import Callable, Iterable

import click


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a sentence that names those of *names* that are almost *name*, after a space."""
    close = difflib.get_close_matches(name.lower(), list(names))
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def one_of_many(names: Iterable[str], *, listing: str) -> Callable[[str], str]:
    """Return a type for click: one of *names*, too many for a message; *listing* shows them."""
    known = frozenset(names)

    def name(value: str) -> str:
        if value.lower() not in known:
            hint = did_you_mean(value, sorted(known))
            raise click.BadParameter(f"{value!r} is none.{hint} {listing} lists all.")
        return value.lower()

    return name
