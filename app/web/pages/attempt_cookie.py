"""The signed cookie of an attempt, with its secret and the way back to Messenger.

redirect_uri contains the account_linking_token, so it may be neither in the database nor in an
address; it is kept here, in the browser that it belongs to. Once the attempt is over, the cookie is
cut down to the way back.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from flask import Response, after_this_request, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.linking.renewal import Proof, renewed
from app.linking.values import Ticket
from app.messenger.redirects import RedirectUri, check_redirect_uri, linking_token_in
from app.web import request_reference
from app.web.cookies import only_cookie, sent_cookies
from app.web.current import services
from app.web.exceptions import CookieAbsent, NoCookies
from app.web.signing import signer

# In seconds. An attempt expires after five minutes; the way back to Messenger works longer.
MAX_AGE: Final = 900
MOST_KEPT: Final = 3
# A browser that sends thousands would get an answer that no proxy forwards.
MOST_DELETED: Final = 8
# To check a signature takes long. Browsers send the oldest cookies first (RFC 6265, 5.4).
MOST_SEEN: Final = 16
# The secret of a cookie that is cut down; its digest is that of no attempt.
_NO_SECRET: Final = ""


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
    """Set the cookie in place of one of the same attempt; of more than three keep the newest."""
    cookie: AttemptCookie = g.attempt_cookie
    ticket = cookie.ticket
    value = str(_signer(ticket.attempt_id).dumps([ticket.secret, cookie.redirect_uri]))
    response.set_cookie(
        _name(ticket.attempt_id),
        value,
        max_age=MAX_AGE,
        secure=services().settings.is_production,
        httponly=True,
        samesite="Lax",
    )
    for name in _surplus(ticket.attempt_id):
        response.delete_cookie(
            name, secure=services().settings.is_production, httponly=True, samesite="Lax"
        )
    return response


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
    value = only_cookie(_name(attempt_id)) or ""
    for secret_key in services().settings.secret_keys:
        try:
            secret, text = _signer(attempt_id, secret_key).loads(value, max_age=MAX_AGE)
        except BadSignature:
            continue
        request_reference.bind_attempt(attempt_id)
        # Checked before it was signed, and again: REDIRECT_ORIGINS may have changed since.
        redirect_uri = check_redirect_uri(
            text,
            account_linking_token=linking_token_in(text),
            origins=services().settings.redirect_origins,
        )
        return _cookie(Ticket(attempt_id, secret), redirect_uri, secret_key)
    raise CookieAbsent if request.headers.get("Cookie") else NoCookies


def _cookie(ticket: Ticket, redirect_uri: RedirectUri, secret_key: str) -> AttemptCookie:
    return AttemptCookie(
        ticket,
        redirect_uri,
        code_key=_derived(secret_key, "authorization_code"),
        form_key=_derived(secret_key, "form_token"),
        renewal_key=_derived(secret_key, "renewal"),
    )


def _surplus(attempt_id: str) -> Iterator[str]:
    """Yield the oldest cookies of other attempts beyond two; a few at a time."""
    others = (
        (name, value)
        for name, value in sent_cookies()
        if name.startswith(_name("")) and name != _name(attempt_id)
    )
    signed_at = {
        name: max(map(float, _moments(name, value)), default=0.0)
        for name, value in islice(others, MOST_SEEN)
    }
    oldest_first = sorted(signed_at, key=lambda name: signed_at[name])
    surplus = oldest_first[: max(0, len(oldest_first) - (MOST_KEPT - 1))]
    yield from surplus[:MOST_DELETED]


def _moments(name: str, value: str) -> Iterator[float]:
    """Yield when *value* was signed, if it was signed for *name* by us."""
    try:
        _, moment = _signer(name.removeprefix(_name(""))).loads(value, return_timestamp=True)
    except BadSignature:
        return
    yield moment.timestamp()


def _signer(attempt_id: str, *secret_keys: str) -> URLSafeTimedSerializer:
    # The id belongs to what is signed: a secret proves nothing under the name of another attempt.
    return signer(
        secret_keys or services().settings.secret_keys, purpose=f"attempt cookie {attempt_id}"
    )


def _name(attempt_id: str) -> str:
    # With this prefix a browser accepts the cookie from this very host only, over https.
    prefix = "__Host-" if services().settings.is_production else ""
    return f"{prefix}attempt-{attempt_id}"


def _derived(secret_key: str, purpose: str) -> bytes:
    return hmac.digest(secret_key.encode(), f"threadlink {purpose}".encode(), "sha256")
