"""Passwords as other systems keep them, so that nobody has to choose a new one when moving here.

Read are bcrypt (alone and as Django keeps it), scrypt and PBKDF2 (in Django's and in Werkzeug's
form) and Argon2 (alone and as Django keeps it). Nothing new is ever kept in one of these forms.
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

# More than any of these systems asks by default, and little enough for a sign-in.
_MOST_ITERATIONS: Final = 5_000_000
_MOST_MEMORY: Final = 256 * 1024 * 1024
_MOST_ROUNDS: Final = 15
_MOST_PASSES: Final = 16
_MOST_PARALLEL: Final = 16
_LONGEST: Final = 512
# What bcrypt reads of a password; the rest never counted where the hash was made, either.
_BCRYPT_READS: Final = 72

_BCRYPT: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_ARGON2: Final = re.compile(
    r"\$argon2(?:id|i|d)\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,2}),p=([0-9]{1,2})"
    r"\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}"
)
_DIGESTS: Final = frozenset({"sha1", "sha256", "sha512"})


class HashNotUnderstood(Exception):
    """This is kept in no form that can be taken over; the text says why, and nothing of it."""


def taken_over(kept: str) -> str:
    """Return what to keep of *kept*, which is from another system.

    Raises:
        HashNotUnderstood: It is of no known form, damaged, or would take too long to verify.
    """
    if len(kept) > _LONGEST:
        raise HashNotUnderstood(f"the hash has more than {_LONGEST} characters")
    # Django writes "argon2" before what the library made. So do we: ours are of normalised text.
    marked = f"argon2{kept}" if kept.startswith("$argon2") else kept
    _read(marked)
    return marked


def is_foreign(kept: str) -> bool:
    """Tell whether *kept* is for this module to verify."""
    return not kept.startswith("$argon2")


def matches(kept: str, password: str) -> bool:
    """Tell whether *kept*, which was taken over, was made of *password*, byte for byte.

    Raises:
        HashNotUnderstood: It is damaged.
        VerificationError: It cannot be told; memory may be short.
    """
    return _read(kept)(password.encode())


def _read(kept: str) -> Callable[[bytes], bool]:
    form = kept.partition("$")[0].partition(":")[0]
    reader = _READERS.get(form)
    if reader is None:
        raise HashNotUnderstood("this form of hash is not known")
    try:
        return reader(kept)
    except (ValueError, binascii.Error) as exc:
        # `from None`: the text of *exc* quotes what was kept.
        raise HashNotUnderstood(f"the hash is damaged ({type(exc).__name__})") from None


def _argon2(kept: str) -> Callable[[bytes], bool]:
    bare = kept.removeprefix("argon2")
    found = _ARGON2.fullmatch(bare)
    if found is None:
        raise HashNotUnderstood("the hash is damaged")
    memory, passes, lanes = map(int, found.groups())
    if memory * 1024 > _MOST_MEMORY or passes > _MOST_PASSES or lanes > _MOST_PARALLEL:
        raise HashNotUnderstood("verifying this Argon2 hash would take too long")

    def verify(password: bytes) -> bool:
        try:
            return PasswordHasher().verify(bare, password)
        except VerifyMismatchError:
            return False

    return verify


def _bcrypt(kept: str) -> Callable[[bytes], bool]:
    # Django: "bcrypt$" or "bcrypt_sha256$" before what the library made, which begins with "$".
    scheme, _, bare = kept.partition("$") if kept.startswith("bcrypt") else ("", "", kept)
    found = _BCRYPT.fullmatch(bare)
    if found is None:
        raise HashNotUnderstood("the hash is damaged")
    if int(found[1]) > _MOST_ROUNDS:
        raise HashNotUnderstood("verifying this bcrypt hash would take too long")

    def verify(password: bytes) -> bool:
        if scheme == "bcrypt_sha256":
            password = hashlib.sha256(password).hexdigest().encode()
        # The library of whoever made the hash cut there, or at a NUL, without a word.
        return b"\0" not in password and bcrypt.checkpw(password[:_BCRYPT_READS], bare.encode())

    return verify


def _pbkdf2(kept: str) -> Callable[[bytes], bool]:
    if kept.startswith("pbkdf2:"):  # Werkzeug: pbkdf2:sha256:1000000$salt$hex
        method, salt, written = kept.split("$")
        _, name, rounds = method.split(":")
        digest = bytes.fromhex(written)
    else:  # Django: pbkdf2_sha256$1000000$salt$base64
        method, rounds, salt, written = kept.split("$")
        name, digest = method.removeprefix("pbkdf2_"), base64.b64decode(written, validate=True)
    iterations = int(rounds)
    if name not in _DIGESTS or not salt or len(digest) != hashlib.new(name).digest_size:
        raise HashNotUnderstood("the hash is damaged")
    if not 0 < iterations <= _MOST_ITERATIONS:
        raise HashNotUnderstood("verifying this PBKDF2 hash would take too long")
    return lambda password: hmac.compare_digest(
        digest, hashlib.pbkdf2_hmac(name, password, salt.encode(), iterations)
    )


def _scrypt(kept: str) -> Callable[[bytes], bool]:
    if kept.startswith("scrypt:"):  # Werkzeug: scrypt:32768:8:1$salt$hex
        method, salt, written = kept.split("$")
        _, *numbers = method.split(":")
        digest = bytes.fromhex(written)
    else:  # Django: scrypt$16384$salt$8$1$base64
        _, cost, salt, block, lanes, written = kept.split("$")
        numbers, digest = [cost, block, lanes], base64.b64decode(written, validate=True)
    n, r, p = map(int, numbers)
    memory = 128 * n * r
    if not 0 < memory <= _MOST_MEMORY or not 0 < p <= _MOST_PARALLEL:
        raise HashNotUnderstood("verifying this scrypt hash would take too much")
    if not salt or not digest or n & (n - 1):
        raise HashNotUnderstood("the hash is damaged")
    length, most = len(digest), 2 * memory + 1024 * 1024
    return lambda password: hmac.compare_digest(
        digest,
        hashlib.scrypt(password, salt=salt.encode(), n=n, r=r, p=p, maxmem=most, dklen=length),
    )


_READERS: Final[Mapping[str, Callable[[str], Callable[[bytes], bool]]]] = {
    "argon2": _argon2,
    "": _bcrypt,
    "bcrypt": _bcrypt,
    "bcrypt_sha256": _bcrypt,
    "pbkdf2": _pbkdf2,
    "pbkdf2_sha256": _pbkdf2,
    "pbkdf2_sha1": _pbkdf2,
    "scrypt": _scrypt,
}
