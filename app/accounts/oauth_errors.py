"""Errors of OAuth and OpenID Connect that the operator is told by their names."""

from typing import Final

# The errors that may be told to the operator, by their names: RFC 6749, sections 4.1.2.1 and 5.2;
# OpenID Connect Core 1.0, section 3.1.2.6. Any other is text that a stranger may have written.
_REGISTERED: Final = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_request_object",
        "invalid_request_uri",
        "invalid_scope",
        "login_required",
        "registration_not_supported",
        "request_not_supported",
        "request_uri_not_supported",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
    }
)


def registered(error: object) -> str:
    """Return *error* if it is registered, else "other"."""
    return error if isinstance(error, str) and error in _REGISTERED else "other"
