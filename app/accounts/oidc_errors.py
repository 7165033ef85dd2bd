"""The error codes of providers: which of our exceptions each one is, and what the operator can do.

Only codes of the standards get into the log; nothing else of an error answer does.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from app.accounts.authenticators import (
    AccountNotAdmitted,
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    ProofRefused,
    SignInDeclined,
)
from app.accounts.upstream import Reply

_TEMPORARY: Final = frozenset({"server_error", "temporarily_unavailable"})
_PAR: Final = (
    "the provider may demand pushed authorization requests (PAR, RFC 9126) of this client, which "
    "are not supported here: switch that off, and compare the redirect address"
)
_CONSENT: Final = "grant this client consent for everybody, as an administrator of the provider"
_SECRET: Final = (
    "OIDC_<NAME>_CLIENT_SECRET is wrong or has expired: make a new one at the provider. If it is "
    "right, set OIDC_<NAME>_AUTH_METHOD to what the provider expects of this client"
)
_FLOW: Final = "allow this client the authorization code flow at the provider"
_SCOPE: Final = "allow this client the scopes of OIDC_<NAME>_SCOPE, or shorten that list"
_REQUEST_OBJECT: Final = "switch off request objects (RFC 9101) for this client at the provider"
_PROMPT: Final = "see the provider's log and its settings for this client: prompt=login was refused"

# RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6; RFC 9126, section 2.3.
_OUR_SETUP: Final = {
    "invalid_request": _PAR,
    "unauthorized_client": _FLOW,
    "unsupported_response_type": _FLOW,
    "invalid_scope": _SCOPE,
    "consent_required": _CONSENT,
    "interaction_required": "the provider asks for more than a sign-in: see its log",
    "invalid_client": _SECRET,
    "invalid_request_uri": _REQUEST_OBJECT,
    "invalid_request_object": _REQUEST_OBJECT,
    "request_not_supported": _REQUEST_OBJECT,
    "request_uri_not_supported": _REQUEST_OBJECT,
    "registration_not_supported": _REQUEST_OBJECT,
}
_NOT_PROVEN: Final = {
    "login_required": _PROMPT,
    "account_selection_required": _PROMPT,
}
# RFC 6749, section 5.2. For the others of it, `_OUR_SETUP`.
_AT_THE_TOKEN_ENDPOINT: Final = {
    **_OUR_SETUP,
    "invalid_request": "see the provider's log: it does not understand the request for tokens",
    "unsupported_grant_type": _FLOW,
}
# Of access_denied alone, which means anything: Okta's words, and Entra ID's code for the same.
_NOT_ASSIGNED: Final = ("not assigned to", "aadsts50105")


def answer_error(params: Mapping[str, str]) -> Exception:
    """Return the exception for an authorization response with an ``error``."""
    code = params["error"]
    reason = f"answer: error {code}"
    if code == "access_denied":
        told = params.get("error_description", "").casefold()
        if any(words in told for words in _NOT_ASSIGNED):
            fix = "assign the people who may sign in to this client, at the provider"
            return AccountNotAdmitted(f"{reason}, not assigned", fix=fix)
        return SignInDeclined(reason)
    if code in _TEMPORARY:
        return AuthenticatorUnavailable(reason)
    if code in _OUR_SETUP:
        return AuthenticatorMisconfigured(reason, fix=_OUR_SETUP[code])
    if code in _NOT_PROVEN:
        return ProofRefused(reason, fix=_NOT_PROVEN[code])
    return ProofRefused("answer: an error of no standard", fix="see the provider's log")


def token_error(reply: Reply) -> Exception:
    """Return the exception for *reply* of the token endpoint, which holds no tokens."""
    code = _code_in(reply)
    if code == "invalid_grant":
        return ProofRefused(
            "token endpoint: invalid_grant",
            fix="if it is often so: compare the redirect address with the provider's, and clocks",
        )
    if code in _AT_THE_TOKEN_ENDPOINT:
        fix = _AT_THE_TOKEN_ENDPOINT[code]
        return AuthenticatorMisconfigured(reply.reason(f", {code}"), code=reply.status, fix=fix)
    if code in _TEMPORARY or reply.passes:
        return AuthenticatorUnavailable(reply.reason(), code=reply.status)
    fix = _SECRET if reply.status == HTTPStatus.UNAUTHORIZED else "see the provider's log"
    return AuthenticatorMisconfigured(reply.reason(), code=reply.status, fix=fix)


def _code_in(reply: Reply) -> str:
    """Return the error code in *reply*; empty if there is none."""
    try:
        error: Any = reply.json().get("error")
    except AuthenticatorUnavailable:
        return ""
    return error if isinstance(error, str) else ""
