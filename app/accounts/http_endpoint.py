"""The business's own endpoint that checks passwords (docs/authenticators.md, "http")."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    CredentialsRefused,
    PasswordAuthenticator,
    Refusal,
    Resources,
)
from app.accounts.identity import Identity, as_subject, is_possible, is_possible_name, masked
from app.accounts.passwords import MAXIMUM
from app.accounts.upstream import ConcurrencyLimit, UpstreamClient
from app.infra.network.http_client import Deadline
from app.infra.network.standard_webhooks import headers_for
from app.infra.settings.catalogue import Description
from app.infra.settings.parsing import endpoint, webhook_secrets
from app.infra.settings.reader import Reader

TOTAL_S: Final = 6.0
LONGEST_NAME: Final = 254

_OK: Final = 200
# 423: the account is locked. The page does not show the difference, which would reveal the account.
_REFUSED: Final[Mapping[int, Refusal]] = {401: "unspecified", 423: "locked"}
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
    """Checks passwords at the endpoint in *settings*. Threads may share it."""

    def __init__(
        self, settings: HttpSettings, *, now: Callable[[], datetime], total_s: float = TOTAL_S
    ) -> None:
        self._settings = settings
        self._now = now
        self._total_s = total_s
        self._client, self._limit = UpstreamClient(), ConcurrencyLimit()

    def verify(self, username: str, password: str) -> Identity:
        """Return the identity of *username* if the endpoint accepts *password*.

        Raises:
            CredentialsRefused: The endpoint refuses them or says that the account is locked; or
                they are not possible as a name or password.
            AuthenticatorUnavailable: The endpoint does not answer in time, or not as documented.
        """
        if not is_possible_name(username, LONGEST_NAME):
            raise CredentialsRefused("no_such_account")
        if not is_possible(password, MAXIMUM):
            raise CredentialsRefused("wrong_password")
        body = json.dumps({"username": username, "password": password}).encode()
        signed = headers_for(
            f"check_{secrets.token_urlsafe(16)}",
            body,
            secrets=self._settings.secrets,
            at=self._now(),
        )
        headers = {"Content-Type": "application/json", **signed}
        url, deadline = self._settings.url, Deadline(self._total_s)
        with self._limit.slot():
            reply = self._client.post(url, body, headers=headers, deadline=deadline)
        if reply.status in _REFUSED:
            raise CredentialsRefused(_REFUSED[reply.status], code=reply.status)
        if reply.status != _OK:
            raise AuthenticatorUnavailable(f"status {reply.status}", code=reply.status)
        answer = reply.json()
        subject, name = as_subject(answer.get("subject")), answer.get("display_name", username)
        if subject is None or not isinstance(name, str):
            raise AuthenticatorUnavailable("no usable subject or display_name")
        return Identity(f"http:{self._settings.name}", subject, masked(name[:_LONGEST_SHOWN]))
