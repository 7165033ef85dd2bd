"""The secrets of an invitation: ref and code, nonce and digits of the question, hand-over token.

A *ref* goes into an m.me link, whose alphabet is letters, digits and ``-_=`` (Meta, "m.me Links",
updated 2025-07-01); a *code* is its short form, to be typed. None of them is stored: the database
has SHA-256 of what has 128 bits or more, and a keyed hash of the code and the digits, which could
be tried.

Code grammar: eight characters of Crockford's base 32 (crockford.com/base32) with two digits of 2 to
9 and two letters at least. No word and no telephone number is one, so that ordinary messages cost
nothing.
"""

import base64
import hmac
import itertools
import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

PREFIX: Final = "tli-"
CODE_LENGTH: Final = 8
# Without I, L, O and U.
CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LEAST_OF_EACH: Final = 2
_DIGITS: Final = frozenset("23456789")
_LOOKALIKES: Final = str.maketrans("OIL", "011")
# What people put into a code or copy with it: spaces, the hyphens of all keyboards, and the marks
# around a text of the other direction.
_BETWEEN: Final = re.compile(r"[\s\-\u2010-\u2015\u2066-\u2069]")
_REF: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What brings a chat to an invitation: by link, or typed."""

    ref: str = field(repr=False)
    code: str = field(repr=False)

    @property
    def shown_code(self) -> str:
        """The code as people read it, such as ``K7F2-M9QA``."""
        return shown(self.code)


def derived(secret_key: str, browser_secret: str, invitation_id: str) -> Secrets:
    """Return the secrets of the browser that holds *browser_secret*.

    Not random: a page that is loaded again shows the same ones, and no row may hold them.
    """
    key = _key(secret_key, "invitation")
    message = f"{len(browser_secret)}:{browser_secret}{invitation_id}".encode()
    ref = PREFIX + _text(hmac.digest(key, b"ref" + message, "sha256"))

    def candidate(number: int) -> bytes:
        return hmac.digest(key, b"code%d:" % number + message, "sha256")

    return Secrets(ref, _first_code(candidate))


def random() -> Secrets:
    """Return new secrets, for a program that is told them once."""
    return Secrets(
        PREFIX + _text(secrets.token_bytes(32)), _first_code(lambda _: secrets.token_bytes(8))
    )


def is_ref(text: str) -> bool:
    """Return whether *text* has the form of a ref; there need be none like it."""
    return _REF.fullmatch(text) is not None


def shown(code: str) -> str:
    """Return *code* in two halves."""
    return f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"


def code_in(text: str) -> str | None:
    """Return the code that the whole of *text* is, in any spelling; None where it is none."""
    code = _BETWEEN.sub("", text).upper().translate(_LOOKALIKES)
    return code if len(code) == CODE_LENGTH and code.isascii() and _is_code(code) else None


def ref_hash(ref: str) -> str:
    """Return the hash by which *ref*, or a hand-over token, is stored and found."""
    return sha256(ref.encode()).hexdigest()


def code_hash(code: str, secret_key: str) -> str:
    """Return the hash by which *code* is stored."""
    return hmac.digest(_key(secret_key, "invitation code"), code.encode(), "sha256").hex()


def code_hashes(code: str, secret_keys: Sequence[str]) -> tuple[str, ...]:
    """Return every hash by which *code* may have been stored, with the current key or an older."""
    return tuple(code_hash(code, secret_key) for secret_key in secret_keys)


def nonce_for(invitation_id: str, secret_key: str) -> str:
    """Return the nonce of the question, of 128 bits; the same when the question is repeated."""
    return _text(hmac.digest(_key(secret_key, "question"), invitation_id.encode(), "sha256")[:16])


def is_nonce(text: str) -> bool:
    """Return whether *text* has the form of a nonce."""
    return _NONCE.fullmatch(text) is not None


def nonce_hash(nonce: str) -> str:
    """Return the hash by which *nonce* is stored and found."""
    return sha256(nonce.encode()).hexdigest()


def new_digits() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(10**6):06}"


def digits_hashes(typed: str, invitation_id: str, secret_keys: Sequence[str]) -> tuple[str, ...]:
    """Return the keyed hashes of the digits *typed*, the one by which they are stored first."""
    plain = "".join(map(_plain_digit, _BETWEEN.sub("", typed)))
    message = f"{invitation_id} digits {plain}".encode("utf-8", "replace")
    return tuple(
        hmac.digest(_key(secret_key, "invitation digits"), message, "sha256").hex()
        for secret_key in secret_keys
    )


def new_handoff_token() -> str:
    """Return a token by which the business's site hands a browser over, once."""
    return secrets.token_urlsafe(32)


def _plain_digit(char: str) -> str:
    """Return *char* as a digit from 0 to 9, in whatever script a keyboard has it."""
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def _first_code(candidate: Callable[[int], bytes]) -> str:
    """Return the first code that *candidate*, called with 0, 1, …, gives 40 bits for."""
    codes = (_spelt(candidate(number)) for number in itertools.count())
    return next(code for code in codes if _is_code(code))


def _spelt(random_bytes: bytes) -> str:
    number = int.from_bytes(random_bytes[:5])
    shifts = range(5 * (CODE_LENGTH - 1), -1, -5)
    return "".join(CODE_ALPHABET[number >> shift & 31] for shift in shifts)


def _is_code(code: str) -> bool:
    if any(char not in CODE_ALPHABET for char in code):
        return False
    letters = sum(char.isalpha() for char in code)
    return letters >= _LEAST_OF_EACH and sum(char in _DIGITS for char in code) >= _LEAST_OF_EACH


def _key(secret_key: str, purpose: str) -> bytes:
    return hmac.digest(secret_key.encode(), f"threadlink {purpose}".encode(), "sha256")


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
