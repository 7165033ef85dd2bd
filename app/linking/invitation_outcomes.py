"""Outcomes of the events of invitations, as the webhook reports them."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from app.messenger.invitation_events import Via
from app.messenger.types import PageId


@dataclass(frozen=True, slots=True)
class Claimed:
    """A chat has claimed an invitation, and is asked; *again*: it is the same chat once more."""

    reference: str
    via: Via
    again: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A chat has answered the question of an invitation."""

    reference: str
    is_yes: bool


@dataclass(frozen=True, slots=True)
class InvitationRefused:
    """A chat came to an invitation, and is not to be connected; *reference* None: it is unknown."""

    reason: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class NotACode:
    """A text that has the form of a code: none that is known, or not looked up.

    Not by reason of too many from this chat, or from all chats of the page ("resting").
    """

    page_id: PageId
    outcome: Literal["unknown", "too many", "resting"]


@dataclass(frozen=True, slots=True)
class NothingNew:
    """An event of an invitation that changed nothing: a repeat, or out of date."""


InvitationOutcome: TypeAlias = Claimed | Answered | InvitationRefused | NotACode | NothingNew
NOTHING: Final = NothingNew()
