"""The attempt's own cookie: its secret and the way back to Messenger, sealed.

redirect_uri holds the account_linking_token, so neither may rest in the database or in an address;
they rest here, in the browser they belong to.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.linking.attempts import Ticket
from app.messenger.redirects import RedirectUri, check_redirect_uri, linking_token_in
from app.web.current import services
from app.web.exceptions import CookieAbsent, NoCookies

# The row ends the attempt after five minutes; the way back to Messenger works a little longer.
MAX_AGE: Final = 900
MOST: Final = 3
# Whoever sends thousands would get an answer that no proxy passes on.
MOST_TAKEN_BACK: Final = 8
_SALT: Final = "attempt"


@dataclass(frozen=True, slots=True)
class AttemptCookie:
    """What this browser holds of an attempt, unsealed and checked again."""

    ticket: Ticket
    redirect_uri: RedirectUri = field(repr=False)
    # Derived from the key that opened the cookie, so that a rotation in between does no harm.
    code_key: bytes = field(repr=False)
    form_key: bytes = field(repr=False)

    @property
    def account_linking_token(self) -> str:
        """The token, as it rests inside redirect_uri."""
        return linking_token_in(self.redirect_uri)


def put(response: Response, ticket: Ticket, redirect_uri: RedirectUri) -> None:
    """Give the browser the cookie of *ticket*; of more than three it keeps the newest."""
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
    """Return what this browser holds of *attempt_id*.

    Raises:
        CookieAbsent: It holds nothing, or nothing that we sealed and that is still good.
        RedirectRefused: REDIRECT_ORIGINS no longer allows the way back.
    """
    sealed = request.cookies.get(_name(attempt_id), "")
    for secret_key in services().settings.secret_keys:
        try:
            secret, text = _serializer(secret_key).loads(sealed, max_age=MAX_AGE)
        except BadSignature:
            continue
        # Checked when it was sealed, and again: REDIRECT_ORIGINS may have changed since.
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
    """Yield the cookies that must go so that, with a new one, three remain; a few at a time."""
    sealed_at = {}
    for name, sealed in request.cookies.items():
        if name.startswith(_name("")):
            sealed_at[name] = max(map(float, _moments(sealed)), default=0.0)
    oldest_first = sorted(sealed_at, key=lambda name: sealed_at[name])
    surplus = oldest_first[: max(0, len(oldest_first) - (MOST - 1))]
    yield from surplus[:MOST_TAKEN_BACK]


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
    # The prefix makes a browser refuse the cookie from anybody but this very host, over https.
    prefix = "__Host-" if services().settings.is_production else ""
    return f"{prefix}attempt-{attempt_id}"


def _derived(secret_key: str, purpose: str) -> bytes:
    return hmac.digest(secret_key.encode(), f"threadlink {purpose}".encode(), "sha256")
