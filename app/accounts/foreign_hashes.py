"""Password hashes of other systems, so that imported accounts keep their passwords.

New hashes are never made in these forms.
"""

import re
from collections.abc import Callable
from typing import Final

from app.accounts import hash_verifiers, passlib_hashes, php_hashes
from app.accounts.hash_verifiers import UnsupportedHash, Verifier
from app.accounts.unsupported_hashes import name_of

__all__ = ["UnsupportedHash", "import_hash", "is_foreign", "matches"]

_LONGEST: Final = 512
# Dovecot and Spring write the kind before a hash that says it itself.
_REDUNDANT: Final = re.compile(
    r"\{(?:bcrypt|BLF-CRYPT|CRYPT|SHA256-CRYPT|SHA512-CRYPT|ARGON2ID?|argon2)\}(?=\$)"
)
# By the beginning of a hash; the first that fits.
_VERIFIERS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Verifier]], ...]] = (
    # Django's form, in which `import_hash` also stores plain ones.
    (re.compile(r"argon2\$argon2(?:id|i|d)\$v=19\$"), hash_verifiers.argon2),
    (re.compile(r"\$2[aby]\$"), hash_verifiers.plain_bcrypt),
    (re.compile(r"bcrypt(?:_sha256)?\$"), hash_verifiers.django_bcrypt),
    (re.compile(r"pbkdf2:|pbkdf2_sha(?:1|256|512)\$"), hash_verifiers.pbkdf2),
    (re.compile(r"scrypt[:$]"), hash_verifiers.scrypt),
    (re.compile(r"\$P\$"), php_hashes.old_wordpress),
    (re.compile(r"\$wp\$2y\$"), php_hashes.wordpress),
    (re.compile(r"\$H\$"), php_hashes.phpbb),
    (re.compile(r"\$S\$"), php_hashes.drupal),
    (re.compile(r"\$[56]\$"), passlib_hashes.sha_crypt),
    (re.compile(r"\$pbkdf2(?:-sha256|-sha512)?\$"), passlib_hashes.pbkdf2),
    (re.compile(r"\$scrypt\$"), passlib_hashes.scrypt),
    (re.compile(r"\$bcrypt-sha256\$"), passlib_hashes.bcrypt_sha256),
)


def import_hash(foreign: str) -> str:
    """Return the hash to store for *foreign*, a hash of another system.

    Raises:
        UnsupportedHash: Its form is unknown, it is damaged, or would take too long to verify.
    """
    if len(foreign) > _LONGEST:
        raise UnsupportedHash(f"the hash has more than {_LONGEST} characters")
    bare = _REDUNDANT.sub("", foreign)
    # Marked with "argon2" as in Django's form, to tell it from our own Argon2 hashes, which are of
    # normalised text.
    stored = f"argon2{bare}" if bare.startswith("$argon2") else bare
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


def _verifier(stored: str) -> Verifier:
    make = next((make for start, make in _VERIFIERS if start.match(stored)), None)
    if make is None:
        raise _unsupported(stored)
    try:
        return make(stored)
    except ValueError as exc:
        # `from None`: the text of *exc* quotes the hash.
        raise UnsupportedHash(f"the hash is damaged ({type(exc).__name__})") from None


def _unsupported(stored: str) -> UnsupportedHash:
    name = name_of(stored.removeprefix("argon2") if stored.startswith("argon2$") else stored)
    if name is None:
        return UnsupportedHash("this form of hash is unknown")
    return UnsupportedHash(
        f"this is {name}, which cannot be verified here: "
        "give its owner a first password (threadlink accounts add)"
    )
