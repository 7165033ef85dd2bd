"""The check of an operator's password: the same work for a wrong, a disabled and an unknown name.

The sign-in and the audit know which it was; the page does not (R136).
"""

from dataclasses import dataclass

from app.accounts.passwords import Hasher
from app.operators.accounts import OperatorValue


@dataclass(frozen=True, slots=True)
class Checked:
    """The operator whose name was typed, None for nobody's, and whether the sign-in is right."""

    operator: OperatorValue | None
    is_right: bool


def check(
    operator: OperatorValue | None, password: str, *, hasher: Hasher, decoy_hash: str
) -> Checked:
    """Return whether *operator* may sign in by *password*, after exactly one verification.

    Raises:
        HashUnusable: The stored hash is damaged, or memory is short.
    """
    matches = hasher.matches(operator.password_hash if operator else decoy_hash, password)
    is_active = operator is not None and operator.disabled_at is None
    return Checked(operator, matches and is_active)
