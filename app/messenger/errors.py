"""What can go wrong when Messenger and this server talk.

MessengerError
├── BadSignature                 the delivery was not signed with our app secret
├── BadPayload                   the delivery is signed, and no delivery
├── RedirectRefused              redirect_uri is not Messenger's, or does not hold the token
└── GraphError                   a Graph call did not succeed
    ├── GraphUnavailable         no usable answer: again, later
    │   └── GraphThrottled       asked to wait: again, but not at once
    └── GraphRefused             understood and refused: not again
        ├── LinkingTokenRefused  the account_linking_token is unknown or too old (10303)
        ├── PersonUnknown        Messenger knows nobody by this PSID on our page
        └── TokenDead            our page token is no longer good (190): nothing will succeed
"""

from typing import Final, Literal

RedirectFault = Literal[
    "token", "length", "origin", "grammar", "repeated name", "code inside", "token inside"
]


# Graph error codes: developers.facebook.com, "Error codes" (25 June 2026).
BAD_PARAMETER: Final = 100


class MessengerError(Exception):
    """Something between Messenger and this server went wrong."""


class BadSignature(MessengerError):
    """The delivery was not signed with our app secret."""


class BadPayload(MessengerError):
    """The delivery is signed, and no delivery."""


class RedirectRefused(MessengerError):
    """redirect_uri is not Messenger's, or does not hold the account_linking_token."""

    def __init__(self, reason: RedirectFault) -> None:
        super().__init__(reason)
        # One of few, and never a part of what was refused: it labels a counter.
        self.reason = reason


class GraphError(MessengerError):
    """A Graph call did not succeed; *reason* holds no token and no address."""

    def __init__(
        self,
        reason: str = "",
        *,
        code: int | None = None,
        subcode: int | None = None,
        trace_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.subcode = subcode
        self.trace_id = trace_id
        self.status = status

    def __str__(self) -> str:
        """Return the reason with what Meta's support will ask for."""
        known = {
            "code": self.code,
            "subcode": self.subcode,
            "fbtrace_id": self.trace_id,
            "HTTP": self.status,
        }
        details = ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)
        return f"{self.reason} ({details})" if details else self.reason


class GraphUnavailable(GraphError):
    """No usable answer, or one that asks us to wait: the same call may succeed later."""


class GraphThrottled(GraphUnavailable):
    """Graph asks us to wait; *wait_s* is for how long, where it says so."""

    wait_s: int | None = None


class GraphRefused(GraphError):
    """Graph understood the call and refused it: the same call will be refused again."""


class LinkingTokenRefused(GraphRefused):
    """The account_linking_token is unknown, used up or older than its five minutes (10303)."""


class PersonUnknown(GraphRefused):
    """Messenger knows nobody by this PSID on our page, or nobody who can be reached."""


class TokenDead(GraphRefused):
    """The page token is expired, revoked or wrong (190): no call will succeed with it."""
