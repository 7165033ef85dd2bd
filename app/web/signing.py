"""Signed values that a browser keeps or carries: readable by anyone, and made by this server alone.

HMAC-SHA-256, with a key that HMAC derives for each purpose. The defaults of itsdangerous are made
of SHA-1, which OWASP ASVS 5.0 (appendix C) disallows for keys.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from itsdangerous import URLSafeTimedSerializer

_ALGORITHMS: Final[dict[str, Any]] = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


def signer(secret_keys: Sequence[str], *, purpose: str) -> URLSafeTimedSerializer:
    """Return what signs with the first of *secret_keys*, and accepts what any of them has signed.

    Nothing that was signed for one *purpose* is accepted for another.
    """
    # itsdangerous signs with the last key of the list.
    keys = list(reversed(secret_keys))
    return URLSafeTimedSerializer(keys, salt=purpose, signer_kwargs=_ALGORITHMS)
