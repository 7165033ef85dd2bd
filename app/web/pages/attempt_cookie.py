"""The signed cookie of an attempt, with its secret and the way back to Messenger.

redirect_uri contains the account_linking_token, so it may be neither in the database nor in an
address; it is kept here, in the browser that it belongs to. Once the attempt is over, the cookie is
cut down to the way back.
"""

from dataclasses import dataclass, field
from typing import Final

from flask import Response, after_this_request, g

from app.linking.renewal import Proof, renewed
from app.linking.values import Ticket
from app.messenger.redirects import RedirectUri, check_redirect_uri, linking_token_in
from app.web import request_reference
from app.web.current import services
from app.web.pages.sealed_cookies import SealedCookies, derived

# In seconds. An attempt expires after five minutes; the way back to Messenger works longer.
MAX_AGE: Final = 900
# The secret of a cookie that is cut down; its digest is that of no attempt.
_NO_SECRET: Final = ""
_COOKIES: Final = SealedCookies("attempt", MAX_AGE)


@dataclass(frozen=True, slots=True)
class AttemptCookie:
    """The content of the cookie, with its signature and redirect_uri checked."""

    ticket: Ticket
    redirect_uri: RedirectUri = field(repr=False)
    # Derived from the key that signed the cookie, so that a key rotation in between does no harm.
    code_key: bytes = field(repr=False)
    form_key: bytes = field(repr=False)
    renewal_key: bytes = field(repr=False)

    @property
    def account_linking_token(self) -> str:
        """The token in redirect_uri."""
        return linking_token_in(self.redirect_uri)

    @property
    def is_cut_down(self) -> bool:
        """True when the attempt is over, and the cookie holds the way back alone."""
        return self.ticket.secret == _NO_SECRET

    def renewed(self, proof: Proof) -> "AttemptCookie":
        """Return the cookie that replaces this one in the browser that has given *proof*."""
        successor = renewed(self.ticket, proof, key=self.renewal_key)
        return _cookie(successor, self.redirect_uri, services().settings.secret_key)


def open_(ticket: Ticket, redirect_uri: RedirectUri) -> None:
    """Give this browser, which has just opened an attempt, the cookie of it."""
    put(_cookie(ticket, redirect_uri, services().settings.secret_key))


def put(cookie: AttemptCookie) -> None:
    """Have the answer to the present request, page, redirect or error, set *cookie*.

    Its secret may be the only one from now on: the browser must get it, whatever fails after.
    """
    if "attempt_cookie" not in g:
        after_this_request(_set)
    g.attempt_cookie = cookie


def _set(response: Response) -> Response:
    cookie: AttemptCookie = g.attempt_cookie
    ticket = cookie.ticket
    return _COOKIES.set(response, ticket.attempt_id, [ticket.secret, cookie.redirect_uri])


def cut_down(cookie: AttemptCookie) -> None:
    """Leave in the browser no more of *cookie* than the way back: the attempt is over."""
    # Clear-Site-Data would also delete the cookies of the other attempts, and of the whole domain
    # (W3C, Clear Site Data, "cookies").
    if not cookie.is_cut_down:
        spent = Ticket(cookie.ticket.attempt_id, _NO_SECRET)
        put(_cookie(spent, cookie.redirect_uri, services().settings.secret_key))


def read(attempt_id: str) -> AttemptCookie:
    """Return the cookie of *attempt_id*; the new one, once that has been put.

    Raises:
        CookieAbsent: The browser has none that we signed and that has not expired, or has two.
        NoCookies: It has no cookies at all.
        RedirectRefused: REDIRECT_ORIGINS no longer allows the way back.
    """
    new: AttemptCookie | None = g.get("attempt_cookie")
    if new is not None and new.ticket.attempt_id == attempt_id:
        return new
    (secret, text), secret_key = _COOKIES.opened(attempt_id)
    request_reference.bind_attempt(attempt_id)
    # Checked before it was signed, and again: REDIRECT_ORIGINS may have changed since.
    redirect_uri = check_redirect_uri(
        text,
        account_linking_token=linking_token_in(text),
        origins=services().settings.redirect_origins,
    )
    return _cookie(Ticket(attempt_id, secret), redirect_uri, secret_key)


def _cookie(ticket: Ticket, redirect_uri: RedirectUri, secret_key: str) -> AttemptCookie:
    return AttemptCookie(
        ticket,
        redirect_uri,
        code_key=derived(secret_key, "authorization_code"),
        form_key=derived(secret_key, "form_token"),
        renewal_key=derived(secret_key, "renewal"),
    )
