"""Verifiers of the password hashes of other systems, by the standard library, bcrypt and argon2.

A verifier takes the bytes of a password, and returns whether the hash was made from them. It is
made before any password is there, so a hash that is damaged or would take too long is refused when
it is imported.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

# Above the defaults of all these systems, and low enough for the time and memory of a sign-in.
MOST_ITERATIONS: Final = 5_000_000
MOST_MEMORY: Final = 256 * 1024 * 1024
MOST_BCRYPT_COST: Final = 15
MOST_PARALLEL: Final = 16
_MOST_PASSES: Final = 16
_LEAST_SCRYPT_BYTES: Final = 32
# bcrypt reads so many bytes of a password; the rest never counted in the other system, either.
_BCRYPT_READS: Final = 72

# The last character of the salt has two bits, and bcrypt refuses others.
_BCRYPT: Final = re.compile(
    r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)
_ARGON2: Final = re.compile(
    r"\$argon2(?:id|i|d)\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,2}),p=([0-9]{1,2})"
    r"\$([A-Za-z0-9+/]{11,})\$([A-Za-z0-9+/]{16,})"
)
_DIGESTS: Final = frozenset({"sha1", "sha256", "sha512"})

Verifier = Callable[[bytes], bool]


class UnsupportedHash(Exception):
    """The hash cannot be imported; the text says why, and quotes nothing of it."""


def damaged(kind: str) -> UnsupportedHash:
    """Return the error for a hash of *kind* that is incomplete or holds what its kind does not."""
    return UnsupportedHash(f"the {kind} hash is damaged")


def too_slow(kind: str) -> UnsupportedHash:
    """Return the error for a hash of *kind* with too high a cost."""
    return UnsupportedHash(f"verifying this {kind} hash would take too much time or memory")


def argon2(stored: str) -> Verifier:
    """Return the verifier of an Argon2 hash, marked with "argon2" as in Django's form."""
    bare = stored.removeprefix("argon2")
    match = _ARGON2.fullmatch(bare)
    if match is None:
        raise damaged("Argon2")
    memory, passes, lanes = (int(match[number]) for number in (1, 2, 3))
    if (
        not passes
        or not lanes
        or memory < 8 * lanes
        or not all(map(_is_base64, match.groups()[3:]))
    ):
        raise damaged("Argon2")
    if memory * 1024 > MOST_MEMORY or passes > _MOST_PASSES or lanes > MOST_PARALLEL:
        raise too_slow("Argon2")

    def verify(password: bytes) -> bool:
        try:
            return PasswordHasher().verify(bare, password)
        except VerifyMismatchError:
            return False

    return verify


def _is_base64(text: str) -> bool:
    """Return whether *text* is base64 without padding, as its own decoder demands it."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return False
    return base64.b64encode(decoded).decode().rstrip("=") == text


def plain_bcrypt(stored: str) -> Verifier:
    """Return the verifier of a bcrypt hash, as PHP, Laravel, Rails, Node and Java write it."""
    match = _BCRYPT.fullmatch(stored)
    if match is None:
        raise damaged("bcrypt")
    if int(match[1]) > MOST_BCRYPT_COST:
        raise too_slow("bcrypt")

    def verify(password: bytes) -> bool:
        # The other system's library silently cut the password there, or at a NUL. A password with
        # a NUL never matches, after the same work as any other (R59).
        read = password.replace(b"\0", b"")[:_BCRYPT_READS]
        return bcrypt.checkpw(read, stored.encode()) and b"\0" not in password

    return verify


def django_bcrypt(stored: str) -> Verifier:
    """Return the verifier of ``bcrypt$`` or ``bcrypt_sha256$`` and a bcrypt hash."""
    scheme, _, bare = stored.partition("$")
    verify = plain_bcrypt(bare)
    if scheme == "bcrypt":
        return verify
    return lambda password: verify(hashlib.sha256(password).hexdigest().encode())


def pbkdf2(stored: str) -> Verifier:
    """Return the verifier of a PBKDF2 hash in Werkzeug's or Django's form."""
    if stored.startswith("pbkdf2:"):  # Werkzeug: pbkdf2:sha256:1000000$salt$hex
        method, salt, encoded = stored.split("$")
        _, name, rounds = method.split(":")
        digest = bytes.fromhex(encoded)
    else:  # Django: pbkdf2_sha256$1000000$salt$base64
        method, rounds, salt, encoded = stored.split("$")
        name, digest = method.removeprefix("pbkdf2_"), base64.b64decode(encoded, validate=True)
    iterations = int(rounds)
    if name not in _DIGESTS or not salt or len(digest) != hashlib.new(name).digest_size:
        raise damaged("PBKDF2")
    if not 0 < iterations <= MOST_ITERATIONS:
        raise too_slow("PBKDF2")
    return lambda password: hmac.compare_digest(
        digest, hashlib.pbkdf2_hmac(name, password, salt.encode(), iterations)
    )


def scrypt(stored: str) -> Verifier:
    """Return the verifier of a scrypt hash in Werkzeug's or Django's form."""
    if stored.startswith("scrypt:"):  # Werkzeug: scrypt:32768:8:1$salt$hex
        method, salt, encoded = stored.split("$")
        _, *numbers = method.split(":")
        digest = bytes.fromhex(encoded)
    else:  # Django: scrypt$16384$salt$8$1$base64
        _, cost, salt, block, lanes, encoded = stored.split("$")
        numbers, digest = [cost, block, lanes], base64.b64decode(encoded, validate=True)
    n, r, p = map(int, numbers)
    memory = 128 * n * r
    if not 0 < memory <= MOST_MEMORY or not 0 < p <= MOST_PARALLEL:
        raise too_slow("scrypt")
    # Both make 64 bytes. Of a few of them, cut off, other passwords would be right as well.
    if not salt or len(digest) < _LEAST_SCRYPT_BYTES or n & (n - 1):
        raise damaged("scrypt")
    length, most = len(digest), 2 * memory + 1024 * 1024
    return lambda password: hmac.compare_digest(
        digest,
        hashlib.scrypt(password, salt=salt.encode(), n=n, r=r, p=p, maxmem=most, dklen=length),
    )
