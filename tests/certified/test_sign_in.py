"""Sign-ins at npm's oidc-provider, a certified one: its tokens, clients and errors."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from joserfc.jwk import Key, generate_key

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    ProofRefused,
    SignInDeclined,
    SignInNotFresh,
)
from app.accounts.identity import Identity
from app.accounts.oidc import OidcAuthenticator
from app.accounts.oidc_settings import BASIC, POST, OidcSettings
from tests.certified.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Certified,
    Visitor,
    certified_provider,
)

CALLBACK: Final = "http://127.0.0.1:8000/authorize/oidc/staff/callback"
RSA: Final = generate_key("RSA", 2048)
EC: Final = generate_key("EC", "P-256")
EDWARDS: Final = generate_key("OKP", "Ed25519")
# Its default is RS256 alone, whatever keys it has.
ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519", "HS256"]


@pytest.fixture(scope="module")
def certified() -> Iterator[Certified]:
    with certified_provider() as certified:
        yield certified


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    with Visitor() as visitor:
        yield visitor


def jwks(*keys: Key) -> dict[str, Any]:
    return {"keys": [{**key.as_dict(private=True), "use": "sig"} for key in keys]}


def settings(issuer: str, **changed: Any) -> OidcSettings:
    right = OidcSettings(
        name="staff",
        label="Staff",
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    return replace(right, **changed)


def authenticator(
    issuer: str, *, ahead: timedelta = timedelta(), **changed: Any
) -> OidcAuthenticator:
    """Return ours, on a machine whose clock is *ahead* of the provider's."""
    return OidcAuthenticator(settings(issuer, **changed), now=lambda: datetime.now(UTC) + ahead)


def signs_in(ours: OidcAuthenticator, visitor: Visitor, **how: Any) -> Identity:
    departure = ours.begin(CALLBACK, state="S")
    return ours.complete(visitor.goes(departure.url, CALLBACK, **how), departure.memo)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("RS256", RSA), ("PS256", RSA), ("ES256", EC), ("EdDSA", EDWARDS), ("Ed25519", EDWARDS)],
)
def test_each_algorithm_signs_somebody_in(
    certified: Certified, visitor: Visitor, algorithm: str, key: Key
) -> None:
    """R57: among keys for other algorithms."""
    issuer = certified.configure(
        CALLBACK,
        client={"id_token_signed_response_alg": algorithm},
        jwks=jwks(RSA, EC, EDWARDS),
        enabledJWA={"idTokenSigningAlgValues": ALGORITHMS},
    )

    assert Identity(issuer, "jane", "j•••@example.com") == signs_in(authenticator(issuer), visitor)
    assert key.kid is None  # it makes one of the key


@pytest.mark.parametrize(
    ("taken", "chosen"), [(BASIC, None), (BASIC, BASIC), (POST, None), (POST, POST)]
)
def test_the_secret_is_sent_in_the_way_that_is_taken(
    certified: Certified, visitor: Visitor, taken: str, chosen: str | None
) -> None:
    """`:` and `/` in it are no trouble in either."""
    issuer = certified.configure(
        CALLBACK, client={"token_endpoint_auth_method": taken}, clientAuthMethods=[taken]
    )

    assert "jane" == signs_in(authenticator(issuer, auth_method=chosen), visitor).subject


def test_a_secret_that_is_sent_in_another_way_is_told(
    certified: Certified, visitor: Visitor
) -> None:
    issuer = certified.configure(CALLBACK, clientAuthMethods=[BASIC])

    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        signs_in(authenticator(issuer, auth_method=POST), visitor)

    assert wrong.value.reason.endswith(", invalid_client")
    assert "OIDC_<NAME>_AUTH_METHOD" in wrong.value.fix


@pytest.mark.parametrize(
    ("client", "changed"),
    [({}, {"client_secret": "another"}), ({"client_secret_expires_at": 1_700_000_000}, {})],
    ids=["wrong", "expired"],
)
def test_a_secret_that_is_wrong_or_has_expired_is_called_so(
    certified: Certified, visitor: Visitor, client: dict[str, Any], changed: dict[str, Any]
) -> None:
    issuer = certified.configure(CALLBACK, client=client)

    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        signs_in(authenticator(issuer, **changed), visitor)

    assert wrong.value.reason.endswith(", invalid_client")
    assert "OIDC_<NAME>_CLIENT_SECRET is wrong or has expired" in wrong.value.fix


def test_par_that_is_demanded_of_everybody_is_known_before_anybody_leaves(
    certified: Certified,
) -> None:
    """RFC 9126."""
    demanded = {"enabled": True, "requirePushedAuthorizationRequests": True}
    issuer = certified.configure(CALLBACK, features={"pushedAuthorizationRequests": demanded})

    with pytest.raises(AuthenticatorMisconfigured, match="PAR"):
        authenticator(issuer).begin(CALLBACK, state="S")


def test_par_that_is_demanded_of_our_client_is_told(certified: Certified, visitor: Visitor) -> None:
    issuer = certified.configure(CALLBACK, client={"require_pushed_authorization_requests": True})

    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        signs_in(authenticator(issuer), visitor)

    assert "answer: error invalid_request" == wrong.value.reason
    assert "PAR" in wrong.value.fix


def test_a_scope_that_is_not_allowed_is_told(certified: Certified, visitor: Visitor) -> None:
    issuer = certified.configure(CALLBACK, client={"scope": "openid email"})

    with pytest.raises(AuthenticatorMisconfigured, match="answer: error invalid_scope") as wrong:
        signs_in(authenticator(issuer), visitor)

    assert "OIDC_<NAME>_SCOPE" in wrong.value.fix


def test_consent_that_is_refused_is_the_persons_own_word(
    certified: Certified, visitor: Visitor
) -> None:
    issuer = certified.configure(CALLBACK)

    with pytest.raises(SignInDeclined) as declined:
        signs_in(authenticator(issuer), visitor, consents=False)

    assert "answer: error access_denied" == declined.value.reason


def test_a_token_signed_with_our_secret_is_refused(certified: Certified, visitor: Visitor) -> None:
    issuer = certified.configure(
        CALLBACK,
        client={"id_token_signed_response_alg": "HS256", "client_secret": "s" * 40},
        enabledJWA={"idTokenSigningAlgValues": ALGORITHMS},
    )

    with pytest.raises(ProofRefused, match="header: alg"):
        signs_in(authenticator(issuer, client_secret="s" * 40), visitor)


def test_a_new_key_is_found_and_the_old_one_gone(certified: Certified) -> None:
    """R57: the keys are changed a moment after our last look."""
    issuer = certified.configure(CALLBACK, jwks=jwks(RSA))
    ours = authenticator(issuer)
    with Visitor() as visitor:
        assert "jane" == signs_in(ours, visitor).subject

    certified.configure(CALLBACK, jwks=jwks(generate_key("RSA", 2048)))
    with Visitor() as visitor:
        assert "jane" == signs_in(ours, visitor).subject

    certified.configure(CALLBACK, jwks=jwks(RSA))
    with Visitor() as visitor:
        assert "jane" == signs_in(ours, visitor).subject


@pytest.mark.parametrize("ahead", [timedelta(minutes=-10), timedelta(0), timedelta(minutes=2.5)])
def test_clocks_that_differ_refuse_nobody(
    certified: Certified, visitor: Visitor, ahead: timedelta
) -> None:
    """The nonce ties a token to the visit; the provider tells when the person signed in."""
    issuer = certified.configure(CALLBACK, client={"require_auth_time": True})

    assert "jane" == signs_in(authenticator(issuer, ahead=ahead), visitor).subject


def test_a_token_that_has_expired_is_refused_for_that(
    certified: Certified, visitor: Visitor
) -> None:
    issuer = certified.configure(CALLBACK, ttl={"IdToken": 60})

    with pytest.raises(ProofRefused, match="claim: exp") as refused:
        signs_in(authenticator(issuer, ahead=timedelta(minutes=10)), visitor)

    assert "clock" in refused.value.fix


def test_prompt_login_that_is_ignored_is_told_from_a_bad_token(
    certified: Certified, visitor: Visitor
) -> None:
    """R18: the provider goes on with an earlier session."""
    issuer = certified.configure(CALLBACK, client={"require_auth_time": True})
    signs_in(authenticator(issuer), visitor)
    later = authenticator(issuer, ahead=timedelta(minutes=10))
    departure = later.begin(CALLBACK, state="S")
    ignoring = departure.url.replace("&prompt=login", "")

    with pytest.raises(SignInNotFresh, match="claim: auth_time"):
        later.complete(visitor.goes(ignoring, CALLBACK), departure.memo)
