"""The business's own endpoint that checks passwords (docs/authenticators.md, "http")."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    CredentialsRefused,
    Diagnosis,
    PasswordAuthenticator,
    Refusal,
    Resources,
)
from app.accounts.identity import Identity, as_subject, is_possible, is_possible_name, masked
from app.accounts.passwords import MAXIMUM
from app.accounts.upstream import (
    ConcurrencyLimit,
    NoAnswer,
    Reply,
    UpstreamClient,
    unreachable,
)
from app.infra.network.egress import DIRECT, Egress
from app.infra.network.http_client import Deadline
from app.infra.network.standard_webhooks import headers_for
from app.infra.settings.description import Description
from app.infra.settings.parsing import certificates, endpoint, webhook_secrets
from app.infra.settings.reader import Reader

TOTAL_S: Final = 6.0
LONGEST_NAME: Final = 254

_OK: Final = 200
# 423: the account is locked. The page does not show the difference, which would reveal the account.
_REFUSED: Final[Mapping[int, Refusal]] = {401: "unspecified", 423: "locked"}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GATEWAY_ERRORS: Final = frozenset({502, 503, 504})
_LONGEST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The endpoint, and the keys that sign requests to it."""

    name: str
    url: str
    # Every key signs, so that a key can be replaced without a moment in which none is right.
    secrets: tuple[bytes, ...] = field(repr=False)
    ca_file: str | None = None


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
    Description(
        "HTTP_<NAME>_CA_FILE",
        "A file of the certificates that are trusted in place of those that Threadlink brings.",
        example="/etc/ssl/certs/our-ca.pem",
    ),
)


def read_settings(reader: Reader, name: str) -> HttpSettings:
    """Return the settings of ``http:NAME``, ``HTTP_<NAME>_URL`` and so on."""
    upper = name.upper()
    return HttpSettings(
        name=name,
        url=reader.required(f"HTTP_{upper}_URL", endpoint),
        secrets=reader.required(f"HTTP_{upper}_SECRET", webhook_secrets),
        ca_file=reader.optional(f"HTTP_{upper}_CA_FILE", certificates, None),
    )


def build(settings: HttpSettings, resources: Resources) -> PasswordAuthenticator:
    """Return the authenticator of *settings*."""
    return HttpAuthenticator(settings, now=resources.now, egress=resources.egress)


def check(
    settings: HttpSettings, resources: Resources, *, total_s: float = TOTAL_S
) -> Iterator[Diagnosis]:
    """Yield whether the endpoint answers; neither credentials nor a signature are sent.

    It is for POST, so most answers to this HEAD are errors, and all say that it is there.
    """
    setting = f"HTTP_{settings.name.upper()}_URL"
    try:
        client = UpstreamClient(resources.egress, ca_file=settings.ca_file)
        status = client.head(settings.url, deadline=Deadline(total_s)).status
    except (NoAnswer, AuthenticatorMisconfigured) as exc:
        yield unreachable(exc, setting)
        return
    if status in _REDIRECTS:
        words = f"redirects (HTTP {status}), which is not followed with a password"
        yield Diagnosis(words, f"{setting}: the address where the redirect leads", is_minor=True)
    elif status in _GATEWAY_ERRORS:
        words = f"is behind a proxy that does not reach it (HTTP {status})"
        yield Diagnosis(words, "the log of that proxy; is the program at the endpoint running?")
    else:
        yield Diagnosis("answers; whether it knows the secret, only a sign-in shows")


class HttpAuthenticator:
    """Checks passwords at the endpoint in *settings*. Threads may share it."""

    def __init__(
        self,
        settings: HttpSettings,
        *,
        now: Callable[[], datetime],
        egress: Egress = DIRECT,
        total_s: float = TOTAL_S,
    ) -> None:
        self._settings = settings
        self._now = now
        self._total_s = total_s
        self._client = UpstreamClient(egress, ca_file=settings.ca_file)
        self._limit = ConcurrencyLimit()

    def verify(self, username: str, password: str) -> Identity:
        """Return the identity of *username* if the endpoint accepts *password*.

        Raises:
            CredentialsRefused: The endpoint refuses them or says that the account is locked; or
                they are not possible as a name or password.
            AuthenticatorUnavailable: The endpoint does not answer in time, or not as documented;
                AuthenticatorMisconfigured if it does not take our requests.
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
            raise _no_answer(reply)
        answer = reply.json()
        subject, name = as_subject(answer.get("subject")), answer.get("display_name", username)
        if subject is None or not isinstance(name, str):
            raise AuthenticatorMisconfigured(
                "no usable subject or display_name",
                code=reply.status,
                fix="have the endpoint answer as docs/authenticators.md says",
            )
        return Identity(
            f"http:{self._settings.name}",
            subject,
            masked(name[:_LONGEST_SHOWN]),
            known_as=(username,),
        )


def _no_answer(reply: Reply) -> AuthenticatorUnavailable:
    if reply.passes:
        return AuthenticatorUnavailable(reply.reason(), code=reply.status)
    fix = "compare HTTP_<NAME>_URL, HTTP_<NAME>_SECRET and both clocks with the endpoint's log"
    return AuthenticatorMisconfigured(reply.reason(), code=reply.status, fix=fix)
