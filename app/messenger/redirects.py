"""Validation of redirect_uri, to which the browser returns: one grammar on its exact text.

It uses no URL parser and repairs nothing: a text that two programs could parse in two ways is
refused.
"""

import re
from collections.abc import Sequence
from typing import Final, NewType
from urllib.parse import quote

from app.messenger.errors import RedirectRefused

# A redirect_uri that has been checked. No other value may be put in a Location header.
RedirectUri = NewType("RedirectUri", str)

# A redirect_uri is kept in a cookie, of which browsers store 4 kB.
MAX_LENGTH: Final = 1500

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1024}")
# "(?![^&])" means "&" or the very end; "$" would also match before a final line break.
_TOKEN_INSIDE = re.compile(rf"[?&]account_linking_token=({_TOKEN.pattern})(?![^&])")
# Without a user, a query or anything else that could hold a secret.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,100}(?::[0-9]{1,5})?(?![^/])")
_PAIR = r"[a-z_]{1,64}=(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*"
_AFTER_ORIGIN = re.compile(rf"/messenger_platform/account_linking/?\?({_PAIR}(?:&{_PAIR})*)")


def is_linking_token(text: str) -> bool:
    """Tell whether *text* has the shape of an account_linking_token."""
    return _TOKEN.fullmatch(text) is not None


def check_redirect_uri(
    redirect_uri: str, *, account_linking_token: str, origins: Sequence[str]
) -> RedirectUri:
    """Return *redirect_uri* as checked, if the browser may be redirected to it.

    Raises:
        RedirectRefused: It is not below one of *origins*, does not match the grammar, holds a code,
            or does not hold *account_linking_token*.
    """
    if not is_linking_token(account_linking_token):
        raise RedirectRefused("token")
    if len(redirect_uri) > MAX_LENGTH:
        raise RedirectRefused("length")
    query = _query(redirect_uri, origins)
    pairs = [pair.split("=") for pair in query.split("&")]
    values = dict(pairs)
    if len(values) != len(pairs):
        raise RedirectRefused("repeated name")
    if "authorization_code" in values:
        raise RedirectRefused("code inside")
    # Another token inside would show one Messenger profile and link another.
    if values.get("account_linking_token") != account_linking_token:
        raise RedirectRefused("token inside")
    return RedirectUri(redirect_uri)


def linking_token_in(redirect_uri: str) -> str:
    """Return the account_linking_token in a *redirect_uri* that has been checked.

    Raises:
        RedirectRefused: It holds no token, or more than one.
    """
    tokens = _TOKEN_INSIDE.findall(redirect_uri)
    if len(tokens) != 1:
        raise RedirectRefused("token inside")
    return str(tokens[0])


def has_unknown_names(redirect_uri: RedirectUri) -> bool:
    """Tell whether *redirect_uri* has other parameters than its token: harmless, but never seen."""
    return "&" in redirect_uri


def with_authorization_code(redirect_uri: RedirectUri, authorization_code: str) -> str:
    """Return *redirect_uri*, otherwise unchanged, with the code appended."""
    return f"{redirect_uri}&authorization_code={quote(authorization_code, safe='')}"


def _query(redirect_uri: str, origins: Sequence[str]) -> str:
    for origin in origins:
        if redirect_uri.startswith(f"{origin}/"):
            rest = _AFTER_ORIGIN.fullmatch(redirect_uri, len(origin))
            if rest is None:
                raise RedirectRefused("grammar")
            return rest[1]
    elsewhere = _ORIGIN.match(redirect_uri)
    raise RedirectRefused("origin", origin=elsewhere[0] if elsewhere else None)
