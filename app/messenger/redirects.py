"""Where a browser may be sent back to: one grammar on the exact text of redirect_uri.

No URL parser takes part and nothing is repaired: what two programs could read in two ways is
refused.
"""

import re
from collections.abc import Sequence
from typing import Final, NewType
from urllib.parse import quote

from app.messenger.errors import RedirectRefused

# A redirect_uri that has been checked. Nothing else may be put in a Location header.
RedirectUri = NewType("RedirectUri", str)

# A redirect_uri rests in a cookie, and a browser keeps 4 kB of that.
MAX_LENGTH: Final = 1500

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1024}")
# "(?![^&])" is "& or the very end"; "$" would let a line break through.
_TOKEN_INSIDE = re.compile(rf"[?&]account_linking_token=({_TOKEN.pattern})(?![^&])")
_PAIR = r"[a-z_]{1,64}=(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*"
_AFTER_ORIGIN = re.compile(rf"/messenger_platform/account_linking/?\?({_PAIR}(?:&{_PAIR})*)")


def is_linking_token(text: str) -> bool:
    """Tell whether *text* has the shape of an account_linking_token."""
    return _TOKEN.fullmatch(text) is not None


def check_redirect_uri(
    redirect_uri: str, *, account_linking_token: str, origins: Sequence[str]
) -> RedirectUri:
    """Return *redirect_uri* as one that a browser may be sent to.

    Raises:
        RedirectRefused: It is not below one of *origins*, could be read in two ways, holds a code,
            or holds another token than *account_linking_token*.
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
    # A second token inside would show one Messenger profile and link another.
    if values.get("account_linking_token") != account_linking_token:
        raise RedirectRefused("token inside")
    return RedirectUri(redirect_uri)


def linking_token_in(redirect_uri: str) -> str:
    """Return the account_linking_token inside a *redirect_uri* that was checked before.

    Raises:
        RedirectRefused: There is none, or more than one.
    """
    found = _TOKEN_INSIDE.findall(redirect_uri)
    if len(found) != 1:
        raise RedirectRefused("token inside")
    return str(found[0])


def has_unknown_names(redirect_uri: RedirectUri) -> bool:
    """Tell whether *redirect_uri* holds more than its token: harmless, but never seen."""
    return "&" in redirect_uri


def with_authorization_code(redirect_uri: RedirectUri, authorization_code: str) -> str:
    """Return *redirect_uri* with the code appended, its own bytes untouched."""
    return f"{redirect_uri}&authorization_code={quote(authorization_code, safe='')}"


def _query(redirect_uri: str, origins: Sequence[str]) -> str:
    for origin in origins:
        if redirect_uri.startswith(f"{origin}/"):
            rest = _AFTER_ORIGIN.fullmatch(redirect_uri, len(origin))
            if rest is None:
                raise RedirectRefused("grammar")
            return rest[1]
    raise RedirectRefused("origin")
