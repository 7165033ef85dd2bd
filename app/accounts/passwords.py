"""Passwords: which new ones are good enough, how they are kept, how one is proved.

NIST SP 800-63B-4 §3.1.1.2 rules: long, any characters, never cut, no recipe for what must be in
them, and none that everybody tries first. No password is part of any message or error here.
"""

import re
import unicodedata
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from zxcvbn_rs_py import zxcvbn

from app.accounts import foreign_hashes
from app.accounts.foreign_hashes import HashNotUnderstood

MINIMUM: Final = 15
LOWEST_MINIMUM: Final = 8
MAXIMUM: Final = 256

_SHORTEST_WORD: Final = 3
_PRODUCT: Final = "threadlink"
_INSTEAD: Final = "Please choose another; four or five unrelated words make a good one."


class PasswordRefused(Exception):
    """The new password is not good enough; the text says why, in words for its owner."""


class HashUnusable(Exception):
    """Whether a password is right cannot be told from what is kept of it."""


def check_new_password(
    password: str, *, forbidden: Iterable[str] = (), minimum: int = MINIMUM
) -> None:
    """Raise unless *password* may be set.

    *forbidden* are names that a stranger tries first: of the site, of the person, of the account.
    The common passwords (30,000, in zxcvbn's own list; a test goes through them) score below what
    is asked, whatever their length.

    Raises:
        PasswordRefused: It is too short, too long, common, easily guessed, or made of such a name.
        ValueError: *minimum* is lower than any operator may set it.
    """
    if minimum < LOWEST_MINIMUM:
        raise ValueError(f"the minimum length of passwords cannot be below {LOWEST_MINIMUM}")
    _check_form(password, minimum)
    normal = _normal(password)
    words = _parts([_PRODUCT, *forbidden])
    if _is_mostly(normal, words, minimum):
        raise PasswordRefused(f"This password is little more than a name. {_INSTEAD}")
    # 100 characters tell enough, and take 30 ms at worst; 256 would take ten times as long.
    estimate = zxcvbn(normal[:100], words)
    if int(estimate.score) < _score_needed(minimum):
        warning = estimate.feedback and estimate.feedback.warning
        why = str(warning) if warning else "This password is easy to guess."
        raise PasswordRefused(f"{why} {_INSTEAD}")


def _score_needed(minimum: int) -> int:
    # Eight characters never score 3, however random; all common passwords score below 2.
    return 3 if minimum >= MINIMUM else 2


def _check_form(password: str, minimum: int) -> None:
    if len(password) > MAXIMUM:
        raise PasswordRefused(f"A password may have {MAXIMUM} characters at most. {_INSTEAD}")
    if len(password) < minimum:
        raise PasswordRefused(f"A password needs {minimum} characters or more. {_INSTEAD}")
    if not _is_text(password):
        raise PasswordRefused(f"This password holds something that is no character. {_INSTEAD}")


def _is_mostly(password: str, words: Iterable[str], minimum: int) -> bool:
    whole = left = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != whole and len(re.sub(r"[\W_]", "", left)) * 2 < minimum


def _parts(names: Iterable[str]) -> list[str]:
    """Return *names*, their words, and their words run together, as they compare."""
    parts: set[str] = set()
    for name in names:
        normal = _normal(name).casefold()
        for whole in (normal, normal.rpartition("@")[0]):
            words = re.findall(r"[^\W_]+", whole)
            parts |= {whole, "".join(words), *words}
    return sorted(part for part in parts if len(part) >= _SHORTEST_WORD)


def _normal(text: str) -> str:
    # The same password typed on two keyboards may arrive as two sequences of code points.
    return unicodedata.normalize("NFKC", text)


def _is_text(password: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in password)


def _owasp() -> PasswordHasher:
    # OWASP's password storage sheet; more memory would only make log-in storms worse.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@dataclass(frozen=True, slots=True)
class Hasher:
    """Argon2id with the present parameters; *slots* bounds how many run at once."""

    argon2: PasswordHasher = field(default_factory=_owasp)
    slots: AbstractContextManager[object] = field(default_factory=nullcontext)

    def hash(self, password: str) -> str:
        """Return what to keep of *password*; only one that was checked can come here."""
        with self.slots:
            return self.argon2.hash(_normal(password))

    def matches(self, kept: str, password: str) -> bool:
        """Tell whether *kept* was made of *password*: one verification, whatever is wrong.

        A password that nobody can have set costs as much as any other, and matches nothing.

        Raises:
            HashUnusable: It cannot be told: *kept* is damaged, or memory is short.
        """
        possible = len(password) <= MAXIMUM and _is_text(password)
        given = password if possible else ""
        with self.slots:
            try:
                if foreign_hashes.is_foreign(kept):
                    return foreign_hashes.matches(kept, given) and possible
                self.argon2.verify(kept, _normal(given))
            except VerifyMismatchError:
                return False
            except (VerificationError, InvalidHashError, HashNotUnderstood) as exc:
                raise HashUnusable(type(exc).__name__) from exc
        return possible

    def is_outdated(self, kept: str) -> bool:
        """Tell whether *kept* is another system's, or was made with less work than is asked now."""
        if foreign_hashes.is_foreign(kept):
            return True
        before = extract_parameters(kept)
        work = (self.argon2.time_cost, self.argon2.memory_cost)
        return before.time_cost < work[0] or before.memory_cost < work[1]
