"""The signed cookie of an attempt, with its secret and the way back to Messenger.

redirect_uri contains the account_linking_token, so it may be neither in the database nor in an
address; it is kept here, in the browser that it belongs to.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.linking.values import Ticket
from app.messenger.redirects import RedirectUri, check_redirect_uri, linking_token_in
from app.web.current import services
from app.web.exceptions import CookieAbsent, NoCookies

# In seconds. An attempt expires after five minutes; the way back to Messenger works longer.
MAX_AGE: Final = 900
MOST_KEPT: Final = 3
# A browser that sends thousands would get an answer that no proxy forwards.
MOST_DELETED: Final = 8
# To check a seal takes long. Browsers send the oldest cookies first (RFC 6265, 5.4).
MOST_SEEN: Final = 16
_SALT: Final = "attempt"


@dataclass(frozen=True, slots=True)
class AttemptCookie:
    """The content of the cookie, with its signature and redirect_uri checked."""

    ticket: Ticket
    redirect_uri: RedirectUri = field(repr=False)
    # Derived from the key that signed the cookie, so that a key rotation in between does no harm.
    code_key: bytes = field(repr=False)
    form_key: bytes = field(repr=False)

    @property
    def account_linking_token(self) -> str:
        """The token in redirect_uri."""
        return linking_token_in(self.redirect_uri)


def put(response: Response, ticket: Ticket, redirect_uri: RedirectUri) -> None:
    """Set the cookie of *ticket*; of more than three the browser keeps the newest."""
    seal = _serializer(services().settings.secret_key)
    sealed = str(seal.dumps([ticket.secret, redirect_uri]))
    response.set_cookie(
        _name(ticket.attempt_id),
        sealed,
        max_age=MAX_AGE,
        secure=services().settings.is_production,
        httponly=True,
        samesite="Lax",
    )
    for name in _surplus():
        response.delete_cookie(
            name, secure=services().settings.is_production, httponly=True, samesite="Lax"
        )


def read(attempt_id: str) -> AttemptCookie:
    """Return the cookie of *attempt_id*.

    Raises:
        CookieAbsent: The browser has none that we signed and that has not expired.
        NoCookies: It has no cookies at all.
        RedirectRefused: REDIRECT_ORIGINS no longer allows the way back.
    """
    sealed = request.cookies.get(_name(attempt_id), "")
    for secret_key in services().settings.secret_keys:
        try:
            secret, text = _serializer(secret_key).loads(sealed, max_age=MAX_AGE)
        except BadSignature:
            continue
        # Checked before it was signed, and again: REDIRECT_ORIGINS may have changed since.
        redirect_uri = check_redirect_uri(
            text,
            account_linking_token=linking_token_in(text),
            origins=services().settings.redirect_origins,
        )
        return AttemptCookie(
            Ticket(attempt_id, secret),
            redirect_uri,
            code_key=_derived(secret_key, "authorization_code"),
            form_key=_derived(secret_key, "form_token"),
        )
    raise CookieAbsent if request.cookies else NoCookies


def _surplus() -> Iterator[str]:
    """Yield the oldest cookies beyond two, so that with a new one three remain; a few at a time."""
    names = (name for name in request.cookies if name.startswith(_name("")))
    sealed_at = {
        name: max(map(float, _moments(request.cookies[name])), default=0.0)
        for name in islice(names, MOST_SEEN)
    }
    oldest_first = sorted(sealed_at, key=lambda name: sealed_at[name])
    surplus = oldest_first[: max(0, len(oldest_first) - (MOST_KEPT - 1))]
    yield from surplus[:MOST_DELETED]


def _moments(sealed: str) -> Iterator[float]:
    for secret_key in services().settings.secret_keys:
        try:
            _, moment = _serializer(secret_key).loads(sealed, return_timestamp=True)
        except BadSignature:
            continue
        yield moment.timestamp()


def _serializer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt=_SALT)


def _name(attempt_id: str) -> str:
    # With this prefix a browser accepts the cookie from this very host only, over https.
    prefix = "__Host-" if services().settings.is_production else ""
    return f"{prefix}attempt-{attempt_id}"


def _derived(secret_key: str, purpose: str) -> bytes:
    return hmac.digest(secret_key.encode(), f"threadlink {purpose}".encode(), "sha256")
