"""Password hashes of other systems, so that imported accounts keep their passwords.

Supported are bcrypt (plain and in Django's form), scrypt and PBKDF2 (in Django's and in Werkzeug's
form), and Argon2 (plain and in Django's form). New hashes are never made in these forms.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

# Above the defaults of all these systems, and low enough for the time and memory of a sign-in.
_MOST_ITERATIONS: Final = 5_000_000
_MOST_MEMORY: Final = 256 * 1024 * 1024
_MOST_ROUNDS: Final = 15
_MOST_PASSES: Final = 16
_MOST_PARALLEL: Final = 16
_LONGEST: Final = 512
# bcrypt reads so many bytes of a password; the rest never counted in the other system, either.
_BCRYPT_READS: Final = 72

_BCRYPT: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_ARGON2: Final = re.compile(
    r"\$argon2(?:id|i|d)\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,2}),p=([0-9]{1,2})"
    r"\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}"
)
_DIGESTS: Final = frozenset({"sha1", "sha256", "sha512"})


class UnsupportedHash(Exception):
    """The hash cannot be imported; the text says why, and quotes nothing of it."""


def import_hash(foreign: str) -> str:
    """Return the hash to store for *foreign*, a hash of another system.

    Raises:
        UnsupportedHash: Its form is unknown, it is damaged, or would take too long to verify.
    """
    if len(foreign) > _LONGEST:
        raise UnsupportedHash(f"the hash has more than {_LONGEST} characters")
    # Marked with "argon2" as in Django's form, to tell it from our own Argon2 hashes, which are of
    # normalised text.
    stored = f"argon2{foreign}" if foreign.startswith("$argon2") else foreign
    _verifier(stored)
    return stored


def is_foreign(stored: str) -> bool:
    """Return whether *stored* is an imported hash, which this module verifies."""
    return not stored.startswith("$argon2")


def matches(stored: str, password: str) -> bool:
    """Return whether the imported hash *stored* was made from *password*, byte for byte.

    Raises:
        UnsupportedHash: *stored* is damaged.
        VerificationError: The verification failed; memory may be short.
    """
    return _verifier(stored)(password.encode())


def _verifier(stored: str) -> Callable[[bytes], bool]:
    form = stored.partition("$")[0].partition(":")[0]
    make_verifier = _VERIFIERS.get(form)
    if make_verifier is None:
        raise UnsupportedHash("this form of hash is unknown")
    try:
        return make_verifier(stored)
    except (ValueError, binascii.Error) as exc:
        # `from None`: the text of *exc* quotes the hash.
        raise UnsupportedHash(f"the hash is damaged ({type(exc).__name__})") from None


def _argon2(stored: str) -> Callable[[bytes], bool]:
    bare = stored.removeprefix("argon2")
    match = _ARGON2.fullmatch(bare)
    if match is None:
        raise UnsupportedHash("the hash is damaged")
    memory, passes, lanes = map(int, match.groups())
    if memory * 1024 > _MOST_MEMORY or passes > _MOST_PASSES or lanes > _MOST_PARALLEL:
        raise UnsupportedHash("verifying this Argon2 hash would take too long")

    def verify(password: bytes) -> bool:
        try:
            return PasswordHasher().verify(bare, password)
        except VerifyMismatchError:
            return False

    return verify


def _bcrypt(stored: str) -> Callable[[bytes], bool]:
    # Django's form: "bcrypt$" or "bcrypt_sha256$", then the plain form, which begins with "$".
    scheme, _, bare = stored.partition("$") if stored.startswith("bcrypt") else ("", "", stored)
    match = _BCRYPT.fullmatch(bare)
    if match is None:
        raise UnsupportedHash("the hash is damaged")
    if int(match[1]) > _MOST_ROUNDS:
        raise UnsupportedHash("verifying this bcrypt hash would take too long")

    def verify(password: bytes) -> bool:
        if scheme == "bcrypt_sha256":
            password = hashlib.sha256(password).hexdigest().encode()
        # The other system's library silently cut the password there, or at a NUL. A password with
        # a NUL never matches, after the same work as any other (R59).
        read = password.replace(b"\0", b"")[:_BCRYPT_READS]
        return bcrypt.checkpw(read, bare.encode()) and b"\0" not in password

    return verify


def _pbkdf2(stored: str) -> Callable[[bytes], bool]:
    if stored.startswith("pbkdf2:"):  # Werkzeug: pbkdf2:sha256:1000000$salt$hex
        method, salt, encoded = stored.split("$")
        _, name, rounds = method.split(":")
        digest = bytes.fromhex(encoded)
    else:  # Django: pbkdf2_sha256$1000000$salt$base64
        method, rounds, salt, encoded = stored.split("$")
        name, digest = method.removeprefix("pbkdf2_"), base64.b64decode(encoded, validate=True)
    iterations = int(rounds)
    if name not in _DIGESTS or not salt or len(digest) != hashlib.new(name).digest_size:
        raise UnsupportedHash("the hash is damaged")
    if not 0 < iterations <= _MOST_ITERATIONS:
        raise UnsupportedHash("verifying this PBKDF2 hash would take too long")
    return lambda password: hmac.compare_digest(
        digest, hashlib.pbkdf2_hmac(name, password, salt.encode(), iterations)
    )


def _scrypt(stored: str) -> Callable[[bytes], bool]:
    if stored.startswith("scrypt:"):  # Werkzeug: scrypt:32768:8:1$salt$hex
        method, salt, encoded = stored.split("$")
        _, *numbers = method.split(":")
        digest = bytes.fromhex(encoded)
    else:  # Django: scrypt$16384$salt$8$1$base64
        _, cost, salt, block, lanes, encoded = stored.split("$")
        numbers, digest = [cost, block, lanes], base64.b64decode(encoded, validate=True)
    n, r, p = map(int, numbers)
    memory = 128 * n * r
    if not 0 < memory <= _MOST_MEMORY or not 0 < p <= _MOST_PARALLEL:
        raise UnsupportedHash("verifying this scrypt hash would take too much memory or time")
    if not salt or not digest or n & (n - 1):
        raise UnsupportedHash("the hash is damaged")
    length, most = len(digest), 2 * memory + 1024 * 1024
    return lambda password: hmac.compare_digest(
        digest,
        hashlib.scrypt(password, salt=salt.encode(), n=n, r=r, p=p, maxmem=most, dklen=length),
    )


_VERIFIERS: Final[Mapping[str, Callable[[str], Callable[[bytes], bool]]]] = {
    "argon2": _argon2,
    "": _bcrypt,
    "bcrypt": _bcrypt,
    "bcrypt_sha256": _bcrypt,
    "pbkdf2": _pbkdf2,
    "pbkdf2_sha256": _pbkdf2,
    "pbkdf2_sha1": _pbkdf2,
    "scrypt": _scrypt,
}
