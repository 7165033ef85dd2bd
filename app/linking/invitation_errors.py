"""Errors that mean: nobody can go on with the invitation like this.

InvitationError
├── InvitationUnknown      there is no such invitation, or it is another browser's or key's
├── InvitationOver         it has ended, has expired, or was handed over to a browser
├── NotAccepted            the chat has not agreed yet, so there is nothing to confirm
├── QuestionChanged        the question that was answered is not the one that is asked now
├── WrongDigits            these are not the digits that were sent to the chat
├── AskedTooOften          the question was repeated as often as it may be
├── NothingToAsk           no chat has claimed it, or it has agreed already
├── NobodyToInvite         there is no active account of this subject
└── TooManyLinks           the user has as many links as the operator allows
"""


class InvitationError(Exception):
    """Nobody can go on with this invitation like this."""


class InvitationUnknown(InvitationError):
    """There is no such invitation, or it belongs to another browser or key."""


class InvitationOver(InvitationError):
    """The invitation has ended, has expired, or was handed over to a browser."""


class NotAccepted(InvitationError):
    """The chat has not agreed yet, so there is nothing to confirm."""


class QuestionChanged(InvitationError):
    """The question that was answered is not the one that is asked now."""


class WrongDigits(InvitationError):
    """These are not the digits that were sent to the chat."""


class AskedTooOften(InvitationError):
    """The question was repeated in the chat as often as it may be."""


class NothingToAsk(InvitationError):
    """No chat has claimed the invitation, or it has agreed already."""


class NobodyToInvite(InvitationError):
    """There is no active built-in account of this subject."""


class TooManyLinks(InvitationError):
    """The user has as many links as the operator allows."""
