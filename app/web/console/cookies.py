"""The cookies of the console: the session, and what a browser holds before there is one.

All are for this host alone. Over https their names begin with ``__Host-``, so that no neighbour of
this host can set them.
"""

import secrets
from typing import Any, Final

from flask import Response, after_this_request, g
from itsdangerous import BadSignature

from app.operators.sessions import Ticket
from app.web.cookies import only_cookie
from app.web.current import services
from app.web.signing import signer

_SESSION: Final = "console-session"
# A random secret by which the forms before the sign-in are checked.
_ENTRY: Final = "console-entry"
# What must come back with the answer of the provider.
_VISIT: Final = "console-visit"
ENTRY_SECONDS: Final = 3600
VISIT_SECONDS: Final = 600


def session_ticket() -> Ticket | None:
    """Return the ticket in the session's cookie, if the browser sends one that looks like it."""
    ticket_id, dot, secret = (only_cookie(_name(_SESSION)) or "").partition(".")
    return Ticket(ticket_id, secret) if dot and ticket_id and secret else None


def put_session(ticket: Ticket) -> None:
    """Have the answer set the cookie of a session, until the browser is closed or it ends."""
    drop(_ENTRY)
    _put(_SESSION, f"{ticket.id}.{ticket.secret}", max_age=None)


def drop_session() -> None:
    """Have the answer delete the cookie of the session."""
    drop(_SESSION)


def entry_secret() -> str:
    """Return the secret of this browser for forms before the sign-in; set one if it has none."""
    known = g.get("entry_secret") or known_entry_secret()
    if known is None:
        known = secrets.token_urlsafe(24)
        _put(_ENTRY, str(_signer(_ENTRY).dumps(known)), max_age=ENTRY_SECONDS)
    g.entry_secret = known
    return str(known)


def known_entry_secret() -> str | None:
    """Return the secret that this browser brings; None if it brings none that is ours."""
    return _loaded(_ENTRY, ENTRY_SECONDS)


def put_visit(memo: Any) -> None:
    """Keep *memo* in this browser while it is at the provider."""
    _put(_VISIT, str(_signer(_VISIT).dumps(memo)), max_age=VISIT_SECONDS)


def take_visit() -> Any | None:
    """Return the memo of the visit, and have it deleted: it serves once."""
    memo = _loaded(_VISIT, VISIT_SECONDS)
    drop(_VISIT)
    return memo


def drop(name: str) -> None:
    """Have the answer delete the cookie *name*."""

    @after_this_request
    def delete(response: Response) -> Response:
        response.delete_cookie(
            _name(name), secure=_is_secure(), httponly=True, samesite="Lax", path="/"
        )
        return response


def _put(name: str, value: str, *, max_age: int | None) -> None:
    @after_this_request
    def put(response: Response) -> Response:
        response.set_cookie(
            _name(name),
            value,
            max_age=max_age,
            secure=_is_secure(),
            httponly=True,
            samesite="Lax",
            path="/",
        )
        return response


def _loaded(name: str, max_age: int) -> Any | None:
    value = only_cookie(_name(name))
    try:
        return None if value is None else _signer(name).loads(value, max_age=max_age)
    except BadSignature:
        return None


def _signer(name: str) -> Any:
    return signer(services().settings.secret_keys, purpose=f"console {name}")


def _name(name: str) -> str:
    return f"__Host-{name}" if _is_secure() else name


def _is_secure() -> bool:
    return services().settings.console.is_https
