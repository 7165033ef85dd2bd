"""The business's own endpoint that knows whether a password is right: docs/authenticators.md."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    CredentialsRefused,
    PasswordAuthenticator,
    Resources,
)
from app.accounts.identity import Identity, as_subject, is_possible, masked
from app.accounts.passwords import MAXIMUM
from app.accounts.upstream import Queue, Upstream
from app.infra.network.http_client import Deadline
from app.infra.network.standard_webhooks import headers_for
from app.infra.settings.catalogue import Description
from app.infra.settings.parsing import Reader, endpoint, webhook_secrets

TOTAL_S: Final = 6.0
LONGEST_NAME: Final = 254

_OK: Final = 200
# The account is locked: that is said to nobody, since the same page says so much of a wrong one.
_REFUSED: Final = frozenset({401, 423})
_LONGEST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The endpoint, and the keys that sign requests to it."""

    name: str
    url: str
    # Every key signs, so that a key can be replaced without a moment in which none is right.
    secrets: tuple[bytes, ...] = field(repr=False)


DESCRIPTIONS: Final = (
    Description(
        "HTTP_<NAME>_URL",
        "The address of your endpoint that checks passwords.",
        example="https://shop.example.com/threadlink/check",
    ),
    Description(
        "HTTP_<NAME>_SECRET",
        'Signs the requests to it, as Standard Webhooks: `echo "whsec_$(openssl rand -base64 '
        '32)"`. Two of them, separated by a space, while you change it.',
    ),
)


def read_settings(reader: Reader, name: str) -> HttpSettings:
    """Return the settings of ``http:NAME``, ``HTTP_<NAME>_URL`` and so on."""
    upper = name.upper()
    return HttpSettings(
        name=name,
        url=reader.required(f"HTTP_{upper}_URL", endpoint),
        secrets=reader.required(f"HTTP_{upper}_SECRET", webhook_secrets),
    )


def build(settings: HttpSettings, resources: Resources) -> PasswordAuthenticator:
    """Return the authenticator of *settings*."""
    return HttpAuthenticator(settings, now=resources.now)


class HttpAuthenticator:
    """Proves who somebody is by asking the endpoint in *settings*. Any thread may use it."""

    def __init__(
        self, settings: HttpSettings, *, now: Callable[[], datetime], total_s: float = TOTAL_S
    ) -> None:
        self._settings = settings
        self._now = now
        self._total_s = total_s
        self._upstream, self._queue = Upstream(), Queue()

    def verify(self, username: str, password: str) -> Identity:
        """Return who *username* is, if the endpoint says that *password* is right.

        Raises:
            CredentialsRefused: It says that they do not belong together, or that the account is
                locked; or nobody can have such a name or password.
            AuthenticatorUnavailable: It says neither, or nothing.
        """
        if not is_possible(username, LONGEST_NAME) or not is_possible(password, MAXIMUM):
            raise CredentialsRefused
        body = json.dumps({"username": username, "password": password}).encode()
        signed = headers_for(
            f"check_{secrets.token_urlsafe(16)}",
            body,
            secrets=self._settings.secrets,
            at=self._now(),
        )
        headers = {"Content-Type": "application/json", **signed}
        url, deadline = self._settings.url, Deadline(self._total_s)
        with self._queue.joined():
            reply = self._upstream.post(url, body, headers=headers, deadline=deadline)
        if reply.status in _REFUSED:
            raise CredentialsRefused
        if reply.status != _OK:
            raise AuthenticatorUnavailable(f"status {reply.status}")
        said = reply.json()
        subject, name = as_subject(said.get("subject")), said.get("display_name", username)
        if subject is None or not isinstance(name, str):
            raise AuthenticatorUnavailable("an answer without a usable subject or display_name")
        return Identity(f"http:{self._settings.name}", subject, masked(name[:_LONGEST_SHOWN]))
