"""The signed cookie of a browser session, with its secret alone."""

from dataclasses import dataclass, field
from typing import Final

from flask import Response, after_this_request, g

from app.linking.renewal import Proof, renewed
from app.linking.values import Ticket
from app.web.current import services
from app.web.exceptions import CookieAbsent, SessionAbsent
from app.web.pages.sealed_cookies import SealedCookies, derived

# In seconds: five minutes to sign in, then up to fifteen, and five to read how it has ended.
MAX_AGE: Final = 1500
_COOKIES: Final = SealedCookies("session", MAX_AGE)


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The content of the cookie, with its signature checked."""

    ticket: Ticket
    # Derived from the key that signed the cookie, so that a key rotation in between does no harm.
    form_key: bytes = field(repr=False)
    renewal_key: bytes = field(repr=False)
    # The key that signed the cookie: what is derived for an invitation stays the same on reload.
    secret_key: str = field(repr=False)

    @property
    def is_cut_down(self) -> bool:
        """False: there is no way back to keep."""
        return False

    def renewed(self, proof: Proof) -> "SessionCookie":
        """Return the cookie that replaces this one in the browser that has given *proof*."""
        successor = renewed(self.ticket, proof, key=self.renewal_key)
        return _cookie(successor, services().settings.secret_key)


def open_(ticket: Ticket) -> SessionCookie:
    """Give this browser, for which a session was opened, the cookie of it."""
    cookie = _cookie(ticket, services().settings.secret_key)
    put(cookie)
    return cookie


def put(cookie: SessionCookie) -> None:
    """Have the answer to the present request, page, redirect or error, set *cookie*."""
    if "session_cookie" not in g:
        after_this_request(_set)
    g.session_cookie = cookie


def _set(response: Response) -> Response:
    ticket = g.session_cookie.ticket
    return _COOKIES.set(response, ticket.attempt_id, [ticket.secret])


def read(session_id: str) -> SessionCookie:
    """Return the cookie of *session_id*; the new one, once that has been put.

    Raises:
        SessionAbsent: The browser has none that we signed and that has not expired, or has two.
    """
    new: SessionCookie | None = g.get("session_cookie")
    if new is not None and new.ticket.attempt_id == session_id:
        return new
    try:
        (secret,), secret_key = _COOKIES.opened(session_id)
    except CookieAbsent as exc:
        raise SessionAbsent from exc
    return _cookie(Ticket(session_id, secret), secret_key)


def _cookie(ticket: Ticket, secret_key: str) -> SessionCookie:
    return SessionCookie(
        ticket,
        form_key=derived(secret_key, "session form_token"),
        renewal_key=derived(secret_key, "session renewal"),
        secret_key=secret_key,
    )
