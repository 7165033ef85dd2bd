"""The reason why a server's certificate was not accepted, in words for an operator's log."""

import ssl
from typing import Final

from app.infra.network.causes import find

# The codes of X509_V_ERR_... (docs.openssl.org, X509_STORE_CTX_get_error, read 2026-11).
_UNKNOWN_CA: Final = "certificate: of an unknown CA"
_ANOTHER_HOST: Final = "certificate: for another host"
_WORDS: Final = {
    2: _UNKNOWN_CA,
    9: "certificate: not valid yet",
    10: "certificate: expired",
    18: _UNKNOWN_CA,
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    21: _UNKNOWN_CA,
    62: _ANOTHER_HOST,
    64: _ANOTHER_HOST,
}


def certificate_fault(exc: BaseException) -> str | None:
    """Return why a certificate was not accepted; None if *exc* has another cause."""
    cause = find(exc, ssl.SSLCertVerificationError)
    return None if cause is None else _WORDS.get(cause.verify_code, "certificate: not acceptable")
