"""Values that the functions of linking take and return; they outlive the session."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.linking.invitation_outcomes import InvitationOutcome
from app.messenger.types import PageId, Psid

# Reasons of refusals where no event of Messenger's was at fault; `conclusion` explains each.
TOKEN_REFUSED: Final = "token refused"
REGION: Final = "region"
WRONG_DIGITS: Final = "wrong digits"
ACCOUNT_CLOSED: Final = "account closed"
ENDED_BY_US: Final = "ended by us"
PASSWORD_CHANGED: Final = "password changed"
# The reasons of attempts that were void before Messenger brought their code.
VOID: Final = frozenset({ACCOUNT_CLOSED, ENDED_BY_US, PASSWORD_CHANGED})


@dataclass(frozen=True, slots=True)
class User:
    """A user of the business: a subject means nothing without its issuer."""

    issuer: str
    subject: str


def user_of(issuer: str | None, subject: str | None) -> User | None:
    """Return the user of *issuer* and *subject*; None where a row names none."""
    return None if issuer is None or subject is None else User(issuer, subject)


class NameOutcome(StrEnum):
    """The outcome of asking Messenger for the name of a person."""

    NAMED = "named"
    # Named, and like the page: somebody may pose as the business.
    LIKE_BRAND = "like_brand"
    WITHHELD = "withheld"
    # Messenger did not answer, or asked us to wait.
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Recognised:
    """The person to whom an account_linking_token was given, as Messenger shows them."""

    psid: Psid
    messenger_name: str | None
    outcome: NameOutcome
    picture_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Ticket:
    """The id of an attempt, and the secret by which its browser proves that it opened it.

    Or the id and the secret of a browser session.
    """

    attempt_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkValue:
    """One row of the table of links; `app.linking.models.Link` explains each column.

    A new column is named here and in the model; `link_rows` reads and writes every field.
    """

    page_id: PageId
    psid: Psid
    issuer: str | None = None
    subject: str | None = None
    display_name: str | None = None
    messenger_name: str | None = None
    state: str
    version: int
    change: int | None = None
    event_at: datetime
    ended_by_us_at: datetime | None = None
    cause: str
    reference: str | None = None

    @property
    def user(self) -> User | None:
        """The user that the person is linked to, None in a bare tombstone."""
        return user_of(self.issuer, self.subject)


@dataclass(frozen=True, slots=True)
class Made:
    """A link was made; *replaced* is the other user who had it before, if one did."""

    link: LinkValue
    replaced: User | None
    # The same Log In was opened more than once before the person confirmed (R21).
    also_opened_elsewhere: bool
    # The attempt's `state_ref`.
    state_ref: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A ``linked`` event made no link; its code, if it was one of ours, is burnt.

    *user* is the user who had confirmed with the code, None where the code is unknown.
    """

    reason: str
    user: User | None
    reference: str | None
    # The attempt's `state_ref`, if whoever came is the person of the attempt.
    state_ref: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """A link was ended; *link* is its last state, with the names that the row no longer holds."""

    link: LinkValue


@dataclass(frozen=True, slots=True)
class Endings:
    """The ends that the business asked for: *links*, in their last state, and a number of attempts.

    The attempts were under way, or confirmed and not yet brought back by Messenger.
    """

    links: tuple[LinkValue, ...]
    attempts: int

    def __bool__(self) -> bool:
        return bool(self.links or self.attempts)


# What became of one event; None: nothing changed, because it was a repeat or out of date.
Outcome = Made | Refused | Ended | InvitationOutcome | None
