"""Passwords: the rules for new ones, their hashes, and the verification.

The rules follow NIST SP 800-63B-4, section 3.1.1.2: a minimum length, any characters, no
truncation, no composition rules, and a blocklist of common passwords. No password is part of any
message or error here.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from zxcvbn_rs_py import zxcvbn

from app.accounts import foreign_hashes
from app.accounts.foreign_hashes import UnsupportedHash

MINIMUM: Final = 15
LOWEST_MINIMUM: Final = 8
MAXIMUM: Final = 256

_SHORTEST_WORD: Final = 3
_PRODUCT: Final = "threadlink"
_INSTEAD: Final = "Please choose another; four or five unrelated words make a good one."


class PasswordRefused(Exception):
    """The new password is not allowed; the text tells an operator why.

    *reason* is "name", "guessable", "stolen", "not_text", "too_long" or "too_short", *num* the
    number of characters of the last two.
    """

    def __init__(self, reason: str, text: str, *, num: int = 0) -> None:
        super().__init__(f"{text} {_INSTEAD}")
        self.reason, self.num = reason, num


class HashUnusable(Exception):
    """The stored hash cannot be used to verify a password."""


def check_new_password(
    password: str,
    *,
    forbidden: Iterable[str] = (),
    minimum: int = MINIMUM,
    is_stolen: Callable[[str], bool] | None = None,
) -> None:
    """Raise unless *password* may be set.

    *forbidden* are names that an attacker tries first: of the site, the person, the account.
    Common passwords of any length (30,000, in zxcvbn's own list; a test tries them all) score
    below the required minimum. *is_stolen* is asked for the SHA-1 of the password, in hex.

    Raises:
        PasswordRefused: It is too short, too long, common, stolen, easy to guess, or mostly
            such a name.
        ValueError: *minimum* is below LOWEST_MINIMUM.
    """
    if minimum < LOWEST_MINIMUM:
        raise ValueError(f"the minimum length of passwords cannot be below {LOWEST_MINIMUM}")
    _check_form(password, minimum)
    normal = _normal(password)
    words = _parts([_PRODUCT, *forbidden])
    if _is_mostly(normal, words, minimum):
        raise PasswordRefused("name", "This password is little more than a name.")
    # 100 characters are enough, and take 30 ms at worst; 256 would take ten times as long.
    estimate = zxcvbn(normal[:100], words)
    if int(estimate.score) < _score_needed(minimum):
        warning = estimate.feedback and estimate.feedback.warning
        why = str(warning) if warning else "This password is easy to guess."
        raise PasswordRefused("guessable", why)
    if is_stolen and any(is_stolen(_sha1(form)) for form in {password, normal}):
        raise PasswordRefused("stolen", "This password is in a list of stolen passwords.")


def are_same(password: str, other: str) -> bool:
    """Return whether *other* is *password*, perhaps typed in other code points."""
    return _normal(password) == _normal(other)


def _sha1(password: str) -> str:
    # What such lists hold; nothing is protected by it.
    return sha1(password.encode(), usedforsecurity=False).hexdigest()


def _score_needed(minimum: int) -> int:
    # Eight characters never score 3, even random ones; all common passwords score below 2.
    return 3 if minimum >= MINIMUM else 2


def _check_form(password: str, minimum: int) -> None:
    if len(password) > MAXIMUM:
        text = f"A password may have {MAXIMUM} characters at most."
        raise PasswordRefused("too_long", text, num=MAXIMUM)
    if len(password) < minimum:
        text = f"A password needs {minimum} characters or more."
        raise PasswordRefused("too_short", text, num=minimum)
    if not _is_text(password):
        raise PasswordRefused("not_text", "This password holds something that is no character.")


def _is_mostly(password: str, words: Iterable[str], minimum: int) -> bool:
    whole = left = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != whole and len(re.sub(r"[\W_]", "", left)) * 2 < minimum


def _parts(names: Iterable[str]) -> list[str]:
    """Return *names*, their words, and their words joined, in the form in which they compare."""
    parts: set[str] = set()
    for name in names:
        normal = _normal(name).casefold()
        for whole in (normal, normal.rpartition("@")[0]):
            words = re.findall(r"[^\W_]+", whole)
            parts |= {whole, "".join(words), *words}
    return sorted(part for part in parts if len(part) >= _SHORTEST_WORD)


def _normal(text: str) -> str:
    # The same password typed on two keyboards may arrive as different code points.
    return unicodedata.normalize("NFKC", text)


def _is_text(password: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in password)


def _owasp() -> PasswordHasher:
    # OWASP's Password Storage Cheat Sheet; more memory would only make storms of sign-ins worse.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@dataclass(frozen=True, slots=True)
class Hasher:
    """Argon2id with the current parameters; *slots* bounds how many run at the same time."""

    argon2: PasswordHasher = field(default_factory=_owasp)
    slots: AbstractContextManager[object] = field(default_factory=nullcontext)

    def hash(self, password: str) -> str:
        """Return the hash of *password*, which `check_new_password` has accepted."""
        with self.slots:
            return self.argon2.hash(_normal(password))

    def matches(self, stored: str, password: str) -> bool:
        """Return whether the hash *stored* was made from *password*, by exactly one verification.

        A password that is not possible costs as much as any other, and never matches.

        Raises:
            HashUnusable: *stored* is damaged, or memory is short.
        """
        is_possible = len(password) <= MAXIMUM and _is_text(password)
        verified = password if is_possible else ""
        with self.slots:
            try:
                if foreign_hashes.is_foreign(stored):
                    return foreign_hashes.matches(stored, verified) and is_possible
                self.argon2.verify(stored, _normal(verified))
            except VerifyMismatchError:
                return False
            except (VerificationError, InvalidHashError, UnsupportedHash) as exc:
                raise HashUnusable(type(exc).__name__) from exc
        return is_possible

    def is_outdated(self, stored: str) -> bool:
        """Return whether *stored* is imported, or was made with less work than now required."""
        if foreign_hashes.is_foreign(stored):
            return True
        made_with, now = extract_parameters(stored), self.argon2
        return made_with.time_cost < now.time_cost or made_with.memory_cost < now.memory_cost
