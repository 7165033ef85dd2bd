"""The cookies that a browser sends, byte for byte."""

from collections.abc import Iterator

from flask import request


def sent_cookies() -> Iterator[tuple[str, str]]:
    """Yield name and value of each cookie of the present request.

    Not as a library reads them: one that also strips other white space than a browser does, or
    takes off quotes, finds the name that begins with ``__Host-`` where the browser has seen none,
    and so has let a neighbour of this host set it (Werkzeug before 3.1.9 did).
    """
    for pair in request.headers.get("Cookie", "").split(";"):
        name, _, value = pair.removeprefix(" ").partition("=")
        yield name, value


def only_cookie(wanted: str) -> str | None:
    """Return the value of the cookie *wanted*; None if the browser sends none, or two."""
    values = [value for name, value in sent_cookies() if name == wanted]
    # A browser has one of each name that begins with __Host-: who sends two was given one of them.
    return values[0] if len(values) == 1 else None
