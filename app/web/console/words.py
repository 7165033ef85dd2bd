"""Words of the console's pages: filters of templates, ids in paths, what pages choose by."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from flask import Flask, request
from werkzeug.exceptions import NotFound

from app.linking.causes.cause import FixedBy
from app.linking.causes.table import CAUSES
from app.messenger.display_names import clean_line, clean_name
from app.web.console.forms import form_token
from app.web.current import services

FIXERS: Final = {
    FixedBy.NOBODY: "nobody",
    FixedBy.PERSON: "the person",
    FixedBy.WAIT: "passes by itself",
    FixedBy.SUPPORT: "support",
    FixedBy.OPERATOR: "whoever runs the server",
}
# Of an issuer or a subject, as the tables have them.
_LONGEST: Final = 255
_NOTHING_VISIBLE: Final = "(nothing visible)"


def install(app: Flask) -> None:
    """Give the templates of *app* their filters."""
    app.jinja_env.filters.update(
        shown=shown,
        line=line,
        words=words,
        number=lambda number: f"{number:,}",
        page_name=page_name,
        in_path=in_path,
        token_for=lambda url: form_token(unquote(url)),
    )


def shown(name: str) -> str:
    """Return a *name* that a stranger chose, without characters that are not seen (R82)."""
    return clean_name(name) or _NOTHING_VISIBLE


def line(text: str) -> str:
    """Return a *text* that may hold words of strangers, in the same way, at its full length."""
    return clean_line(text)


def asked(name: str, *, most: int = 255) -> str:
    """Return what the query of the address has under *name*; empty if no database could hold it."""
    value = request.args.get(name, "").strip()
    return value if value.isprintable() and len(value) <= most else ""


def words(slug: str) -> str:
    """Return a *slug* of ours as words."""
    return slug.replace("_", " ")


def page_name(page_id: str) -> str:
    """Return the name of a Page, its id where nobody has told one."""
    return clean_name(services().page_names.get(page_id, "")) or page_id


def fixer_of(slug: str) -> str:
    """Return who can do something about a cause."""
    cause = CAUSES.get(slug)
    return FIXERS[cause.fixed_by] if cause else "not known"


def in_path(text: str) -> str:
    """Return *text* in the form in which it stands in an address."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def from_path(text: str) -> str:
    """Return what `in_path` was given.

    Raises:
        NotFound: It is not of that form, or no database would have it.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        decoded = raw.decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise NotFound from None
    if not 0 < len(decoded) <= _LONGEST or not decoded.isprintable() or in_path(decoded) != text:
        raise NotFound
    return decoded


def known_pages() -> Sequence[str]:
    """Return the ids of the Pages, in the order of their names."""
    return sorted(services().page_ids, key=lambda page_id: (page_name(page_id), page_id))


def known_authenticators() -> Sequence[str]:
    """Return the authenticators as attempts name them."""
    names: set[str] = set()
    for methods in services().sign_in_methods.values():
        names |= {methods.password_name} if methods.password_name else set()
        names |= {f"oidc:{provider.name}" for provider in methods.providers}
    return sorted(names)


def known_issuers() -> Sequence[str]:
    """Return the issuers by which users may sign in."""
    issuers: set[str] = set()
    for methods in services().sign_in_methods.values():
        issuers |= {methods.password_name} if methods.password_name else set()
        issuers |= {provider.issuer for provider in methods.providers}
    return sorted(issuers)
