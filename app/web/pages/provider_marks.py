"""The mark on the button of a provider, by the host of its issuer and never by its label.

A label is the operator's words; a mark stands for the company that is asked for the password.
"""

from typing import Final
from urllib.parse import urlsplit

_BY_HOST: Final = {
    "accounts.google.com": "google",
    "login.microsoftonline.com": "microsoft",
    "appleid.apple.com": "apple",
}
_OKTA: Final = ".okta.com"
ANY_OTHER: Final = "key"


def mark_of(issuer: str) -> str:
    """Return the name of the mark in templates/_provider_marks.html for *issuer*, an address."""
    host = urlsplit(issuer).hostname or ""
    if host.endswith(_OKTA):
        return "okta"
    return _BY_HOST.get(host, ANY_OTHER)
