"""Errors that mean: the person cannot go on with the attempt, or with the browser session.

AttemptError
├── AttemptUnknown     there is no such attempt, or it is of another browser
├── AttemptExpired     five minutes have passed since it was opened
├── AttemptOver        it has ended, or is confirmed: there is nothing left to do
├── NotSignedIn        no user has signed in during it
├── NotDeparted        no sign-in at a provider is under way, or it has been used already
├── TokenSpent         another attempt was confirmed with the same account_linking_token
├── DigitsSentTooOften six digits were sent as often as the limit allows
└── TooManyLinks       the user has as many links as the operator allows

SessionError
├── SessionUnknown     there is no such browser session, or it is of another browser
└── SessionOver        its minutes have passed, it has ended, or nobody has signed in
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
    """No user has signed in during this attempt."""


class NotDeparted(AttemptError):
    """No sign-in at a provider is under way in this attempt, or it has been used already."""


class TokenSpent(AttemptError):
    """Another attempt was confirmed with the same account_linking_token."""


class TooManyLinks(AttemptError):
    """The user has as many links as the operator allows."""


class DigitsSentTooOften(AttemptError):
    """Six digits were sent to the person's chat as often as one attempt allows."""


class SessionError(Exception):
    """The person cannot go on with this browser session."""


class SessionUnknown(SessionError):
    """There is no such browser session, or it belongs to another browser."""


class SessionOver(SessionError):
    """The browser session has ended, or its minutes have passed: the person has to sign in anew."""
