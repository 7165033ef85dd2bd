"""Verifiers of the hashes that passlib made or verifies, by libpass, its maintained fork.

As of November 2026, libpass (1.9.4 of October) has releases every few months, and needs nothing
else; passlib's last is of 2020, pwdlib 0.3.1 knows Argon2 and bcrypt alone, and Python 3.13 has no
``crypt``. libpass has no types: they end here. It takes 13 MB, so the first hash that needs it
loads it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.accounts.hash_verifiers import (
    MOST_BCRYPT_COST,
    MOST_ITERATIONS,
    MOST_MEMORY,
    MOST_PARALLEL,
    Verifier,
    damaged,
    too_slow,
)

# Of forms whose loop runs in Python, where it holds up all other threads: a third of a second. It
# is Drupal's default, eight times that of WordPress, and thirteen times that of SHA-crypt.
MOST_LOOPS: Final = 65_536


def phpass(stored: str) -> Verifier:
    """Return the verifier of ``$P$`` and ``$H$``."""
    return _verifier("phpass", "phpass", stored)


def sha_crypt(stored: str) -> Verifier:
    """Return the verifier of ``$5$`` and ``$6$``, of /etc/shadow and Dovecot."""
    name = "sha256_crypt" if stored.startswith("$5$") else "sha512_crypt"
    return _verifier("SHA-crypt", name, stored)


def pbkdf2(stored: str) -> Verifier:
    """Return the verifier of passlib's ``$pbkdf2-sha256$`` and the like."""
    digest = stored.split("$")[1].removeprefix("pbkdf2").lstrip("-") or "sha1"
    return _verifier("PBKDF2", f"pbkdf2_{digest}", stored)


def scrypt(stored: str) -> Verifier:
    """Return the verifier of passlib's ``$scrypt$``."""
    return _verifier("scrypt", "scrypt", stored)


def bcrypt_sha256(stored: str) -> Verifier:
    """Return the verifier of passlib's ``$bcrypt-sha256$``."""
    return _verifier("bcrypt-sha256", "bcrypt_sha256", stored)


def encoded(digest: bytes) -> str:
    """Return *digest* in the base64 of phpass."""
    from passlib.utils.binary import h64  # noqa: PLC0415 - 13 MB that few need

    text: bytes = h64.encode_bytes(digest)
    return text.decode()


# Stricter than libpass, which repairs some with a warning. The last characters of bcrypt's salt and
# digest have two and four bits.
_FORMS: Final = {
    "phpass": re.compile(r"\$[PH]\$[./0-9A-Za-z]{31}"),
    "SHA-crypt": re.compile(
        r"(?:\$5|(\$6))\$(?:rounds=[1-9][0-9]{3,8}\$)?[./0-9A-Za-z]{0,16}"
        r"\$[./0-9A-Za-z]{43}(?(1)[./0-9A-Za-z]{43})"
    ),
    "PBKDF2": re.compile(
        r"\$pbkdf2(?:-sha256|-sha512)?\$[1-9][0-9]{0,9}\$[./0-9A-Za-z]+\$[./0-9A-Za-z]+"
    ),
    "bcrypt-sha256": re.compile(
        r"\$bcrypt-sha256\$(?:v=2,t=2[ab],r=|2[ab],)[0-9]{1,2}"
        r"\$[./A-Za-z0-9]{21}[.Oeu]\$[./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"
    ),
    "scrypt": re.compile(
        r"\$scrypt\$ln=[0-9]{1,2},r=[0-9]{1,5},p=[0-9]{1,5}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]{43}"
    ),
}
_IS_TOO_SLOW: Final[Mapping[str, Callable[[Any], bool]]] = {
    "phpass": lambda parsed: 1 << parsed.rounds > MOST_LOOPS,
    "SHA-crypt": lambda parsed: parsed.rounds > MOST_LOOPS,
    "PBKDF2": lambda parsed: parsed.rounds > MOST_ITERATIONS,
    "bcrypt-sha256": lambda parsed: parsed.rounds > MOST_BCRYPT_COST,
    "scrypt": lambda parsed: (
        128 * parsed.block_size << parsed.rounds > MOST_MEMORY or parsed.parallelism > MOST_PARALLEL
    ),
}


def _verifier(kind: str, name: str, stored: str) -> Verifier:
    if not _FORMS[kind].fullmatch(stored):
        raise damaged(kind)
    from passlib.registry import get_crypt_handler  # noqa: PLC0415 - 13 MB that few need

    handler: Any = get_crypt_handler(name)
    try:
        parsed = handler.from_string(stored)
    except (ValueError, TypeError, LookupError):
        # `from None`: the text of the error quotes the hash.
        raise damaged(kind) from None
    if _IS_TOO_SLOW[kind](parsed):
        raise too_slow(kind)

    def verify(password: bytes) -> bool:
        # Some refuse a NUL: it never matches, after the same work as any other (R59).
        return bool(handler.verify(password.replace(b"\0", b""), stored)) and b"\0" not in password

    return verify
