"""Why a person cannot go on with an attempt.

AttemptError
├── AttemptUnknown     no such attempt, or not this browser's
├── AttemptExpired     five minutes have passed since it was opened
├── AttemptOver        it has ended, or is confirmed: there is nothing left to do
├── NotSignedIn        nobody has signed in during it
├── NotDeparted        nobody is away at a provider, or has been back already
├── TokenSpent         another attempt was confirmed with the same account_linking_token
├── DigitsSentTooOften six digits were sent as often as may be
└── TooManyLinks       the user has as many links as the operator allows
"""


class AttemptError(Exception):
    """The person cannot go on with this attempt."""


class AttemptUnknown(AttemptError):
    """There is no such attempt, or it belongs to another browser."""


class AttemptExpired(AttemptError):
    """Five minutes have passed since the attempt was opened."""


class AttemptOver(AttemptError):
    """The attempt has ended, or is confirmed: there is nothing left for the person to do."""


class NotSignedIn(AttemptError):
    """Nobody has signed in during this attempt."""


class NotDeparted(AttemptError):
    """Nobody is away at a provider during this attempt, or has been back already."""


class TokenSpent(AttemptError):
    """Another attempt was confirmed with the same account_linking_token."""


class TooManyLinks(AttemptError):
    """The user has as many links as the operator allows."""


class DigitsSentTooOften(AttemptError):
    """Six digits were sent to the person's chat as often as may be in one attempt."""
