"""Signed cookies of one kind: each is named after what it belongs to, and proves itself for that.

In production a browser accepts one from this very host only, over https (the prefix ``__Host-``).
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.web.cookies import only_cookie, sent_cookies
from app.web.current import services
from app.web.exceptions import CookieAbsent, NoCookies
from app.web.signing import signer

MOST_KEPT: Final = 3
# A browser that sends thousands would get an answer that no proxy forwards.
MOST_DELETED: Final = 8
# To check a signature takes long. Browsers send the oldest cookies first (RFC 6265, 5.4).
MOST_SEEN: Final = 16


@dataclass(frozen=True, slots=True)
class SealedCookies:
    """The cookies of a *kind*, each good for *max_age* seconds."""

    kind: str
    max_age: int

    def opened(self, own_id: str) -> tuple[Any, str]:
        """Return the content of the cookie of *own_id*, and the key that has signed it.

        Raises:
            CookieAbsent: The browser has none that we signed and that has not expired, or has two.
            NoCookies: It has no cookies at all.
        """
        value = only_cookie(self._name(own_id)) or ""
        for secret_key in services().settings.secret_keys:
            try:
                return self._signer(own_id, secret_key).loads(value, self.max_age), secret_key
            except BadSignature:
                continue
        raise CookieAbsent if request.headers.get("Cookie") else NoCookies

    def set(self, response: Response, own_id: str, content: object) -> Response:
        """Set the cookie of *own_id*, in place of one before; of more than three keep three."""
        is_production = services().settings.is_production
        response.set_cookie(
            self._name(own_id),
            str(self._signer(own_id).dumps(content)),
            max_age=self.max_age,
            secure=is_production,
            httponly=True,
            samesite="Lax",
        )
        for name in self._surplus(own_id):
            response.delete_cookie(name, secure=is_production, httponly=True, samesite="Lax")
        return response

    def _surplus(self, own_id: str) -> Iterator[str]:
        """Yield the oldest cookies of others beyond two; a few at a time."""
        others = (
            (name, value)
            for name, value in sent_cookies()
            if name.startswith(self._name("")) and name != self._name(own_id)
        )
        signed_at = {
            name: max(map(float, self._moments(name, value)), default=0.0)
            for name, value in islice(others, MOST_SEEN)
        }
        oldest_first = sorted(signed_at, key=lambda name: signed_at[name])
        surplus = oldest_first[: max(0, len(oldest_first) - (MOST_KEPT - 1))]
        yield from surplus[:MOST_DELETED]

    def _moments(self, name: str, value: str) -> Iterator[float]:
        """Yield when *value* was signed, if it was signed for *name* by us."""
        try:
            own_id = name.removeprefix(self._name(""))
            _, moment = self._signer(own_id).loads(value, return_timestamp=True)
        except BadSignature:
            return
        yield moment.timestamp()

    def _signer(self, own_id: str, *secret_keys: str) -> URLSafeTimedSerializer:
        # The id belongs to what is signed: a secret proves nothing under the name of another.
        return signer(
            secret_keys or services().settings.secret_keys, purpose=f"{self.kind} cookie {own_id}"
        )

    def _name(self, own_id: str) -> str:
        prefix = "__Host-" if services().settings.is_production else ""
        return f"{prefix}{self.kind}-{own_id}"


def derived(secret_key: str, purpose: str) -> bytes:
    """Return the key for *purpose* that follows from *secret_key*."""
    return hmac.digest(secret_key.encode(), f"threadlink {purpose}".encode(), "sha256")
