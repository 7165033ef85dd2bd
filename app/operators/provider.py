"""The sign-in of operators at an OpenID Connect provider (R136).

Stricter than that of people: the provider must say when its user last signed in, so that an act
needs a proof of this very moment. Without `auth_time` a provider cannot be used.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from app.accounts.authenticators import (
    AuthorizationRequest,
    Diagnosis,
    ProofRefused,
    SignInNotFresh,
)
from app.accounts.oidc_settings import OidcSettings
from app.infra import clock
from app.infra.network.egress import DIRECT, Egress
from app.infra.observability.logs import printable
from app.infra.settings.console import ConsoleProvider
from app.operators.oidc_rules import groups_in
from app.operators.sessions import Person, actor_at

if TYPE_CHECKING:
    from app.accounts.oidc import OidcAuthenticator

# In seconds: how far the clocks may differ.
SKEW_S: Final = 60
_FIX: Final = (
    "have the provider send auth_time as a whole number (OpenID Connect Core 1.0, section 2: it "
    "must, where max_age is asked for)"
)


def oidc_settings(provider: ConsoleProvider) -> OidcSettings:
    """Return the settings of *provider* as the accounts take them."""
    return OidcSettings(
        name="console",
        label=provider.label,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        scope=provider.scope,
        prefix="CONSOLE_OIDC",
    )


def check(provider: ConsoleProvider, egress: Egress) -> Iterator[Diagnosis]:
    """Yield what keeps operators from signing in at *provider*, or that nothing does."""
    from app.accounts import oidc_check  # noqa: PLC0415 - loaded where one is set

    return oidc_check.check(oidc_settings(provider), egress)


class OperatorProvider:
    """The provider of the operators. Threads may share it."""

    def __init__(
        self,
        provider: ConsoleProvider,
        *,
        egress: Egress = DIRECT,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        from app.accounts import oidc  # noqa: PLC0415 - loaded where one is set

        self._provider = provider
        self._settings = oidc_settings(provider)
        self._oidc: OidcAuthenticator = oidc.OidcAuthenticator(
            self._settings, now=now, egress=egress
        )

    @property
    def label(self) -> str:
        """The name of the provider for operators."""
        return self._provider.label

    def fix(self, text: str) -> str:
        """Return the *text* of a fix with the settings named as they are."""
        return self._settings.fix(text)

    def begin(self, callback_url: str, *, state: str) -> AuthorizationRequest:
        """Return the request to the provider for a new sign-in, whatever session it has.

        Raises:
            AuthenticatorUnavailable: The provider does not answer, or not as it should.
        """
        return self._oidc.begin(callback_url, state=state, max_age=0)

    def complete(self, params: Mapping[str, str], memo: str) -> Person:
        """Return who has signed in, by *params* of the callback and the *memo* of the departure.

        Raises:
            ProofRefused: Nobody has; SignInNotFresh where it was not just now.
            AuthenticatorUnavailable: It cannot be checked now.
        """
        proven = self._oidc.prove(params, memo, wanted={self._provider.groups_claim})
        signed_in_at = proven.claims.get("auth_time")
        if not isinstance(signed_in_at, int) or isinstance(signed_in_at, bool):
            raise SignInNotFresh("claim: auth_time is no whole number", fix=_FIX)
        if signed_in_at < proven.begun_at.timestamp() - SKEW_S:
            raise SignInNotFresh("claim: auth_time", fix=_FIX)
        subject = proven.claims["sub"]
        if not isinstance(subject, str):
            raise ProofRefused("claim: sub")
        return Person(
            actor=actor_at(self._provider.issuer, subject),
            # It is kept, and no database keeps every character.
            name=printable(proven.name or "") or f"somebody at {self._provider.label}",
            groups=groups_in(proven.claims, self._provider.groups_claim),
        )
