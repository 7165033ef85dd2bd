"""A row of the table of causes."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The furthest point that an attempt has reached; NONE: a request without an attempt."""

    NONE = "none"
    OPENED = "opened"
    SIGNED_IN = "signed_in"
    CONFIRMED = "confirmed"
    LINKED = "linked"


class FixedBy(StrEnum):
    """Those who can do something about a cause."""

    NOBODY = "nobody"
    PERSON = "person"
    WAIT = "wait"
    SUPPORT = "support"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The reason why an attempt stands where it stands.

    *sentence* says what happened, and *fix* what to do; both hold names of facts in braces, which
    `conclusion.conclude` fills in. *answer* is for the customer. *stage* is where it happens, None
    where that can be anywhere.
    """

    slug: str
    stage: Stage | None
    fixed_by: FixedBy
    sentence: str
    fix: str = ""
    answer: str
