"""The secrets of an invitation: ref and code, nonce and digits of the question, hand-over token.

None of them is stored: the database has SHA-256 of what has 128 bits or more, and a keyed hash of
the code's 40 bits and of the digits, which could be tried.
"""

import base64
import hmac
import itertools
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from app.messenger.chat_tokens import (
    CODE_ALPHABET,
    CODE_LENGTH,
    REF_PREFIX,
    is_code,
    shown,
    without_separators,
)

_CODE_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class Secrets:
    """The two texts that bring a chat to an invitation: in a link, and typed."""

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

    def code_bits(number: int) -> bytes:
        return hmac.digest(key, b"code%d:" % number + message, "sha256")

    ref = REF_PREFIX + _text(hmac.digest(key, b"ref:" + message, "sha256"))
    return Secrets(ref, _first_code(code_bits))


def random() -> Secrets:
    """Return new secrets, for a program that is told them once."""
    ref = REF_PREFIX + secrets.token_urlsafe(32)
    return Secrets(ref, _first_code(lambda _: secrets.token_bytes(_CODE_BYTES)))


def new_handoff_token() -> str:
    """Return a token by which the business's site hands a browser over, once."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """Return the hash by which a ref, a nonce or a hand-over token is stored and found."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def code_hash(code: str, secret_key: str) -> str:
    """Return the hash by which *code* is stored."""
    return _mac(secret_key, "invitation code", code)


def code_hashes(code: str, secret_keys: Sequence[str]) -> tuple[str, ...]:
    """Return every hash by which *code* may have been stored, with the current key or an older."""
    return tuple(code_hash(code, secret_key) for secret_key in secret_keys)


def nonce_for(invitation_id: str, secret_key: str) -> str:
    """Return the nonce of the question, of 128 bits; the same when the question is repeated."""
    key = _key(secret_key, "invitation question")
    return _text(hmac.digest(key, invitation_id.encode(), "sha256")[:16])


def new_digits() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(10**6):06}"


def digits_hash(digits: str, invitation_id: str, secret_key: str) -> str:
    """Return the hash by which the *digits* that were sent, or typed, are stored and compared."""
    plain = "".join(map(_plain_digit, without_separators(digits)))
    return _mac(secret_key, "invitation digits", f"{invitation_id} {plain}")


def digits_hashes(typed: str, invitation_id: str, secret_keys: Sequence[str]) -> tuple[str, ...]:
    """Return every hash by which the digits *typed* may have been stored."""
    return tuple(digits_hash(typed, invitation_id, secret_key) for secret_key in secret_keys)


def _plain_digit(char: str) -> str:
    """Return *char* as a digit from 0 to 9, in whatever script a keyboard has it."""
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def _first_code(bits: Callable[[int], bytes]) -> str:
    """Return the first code of those that *bits*, called with 0, 1, … spells."""
    codes = (_spelt(bits(number)) for number in itertools.count())
    return next(code for code in codes if is_code(code))


def _spelt(bits: bytes) -> str:
    number = int.from_bytes(bits[:_CODE_BYTES])
    shifts = range(5 * (CODE_LENGTH - 1), -1, -5)
    return "".join(CODE_ALPHABET[number >> shift & 31] for shift in shifts)


def _mac(secret_key: str, purpose: str, message: str) -> str:
    key = _key(secret_key, purpose)
    return hmac.digest(key, message.encode("utf-8", "replace"), "sha256").hex()


def _key(secret_key: str, purpose: str) -> bytes:
    return hmac.digest(secret_key.encode(), f"threadlink {purpose}".encode(), "sha256")


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
