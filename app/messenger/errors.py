"""Errors in the exchange with Messenger: webhook deliveries, redirect_uri, Graph calls.

MessengerError
├── BadSignature                 the delivery is not signed with our app secret
│   └── BadSignedRequest         nor is the request of a privacy callback (`signed_request`)
├── BadPayload                   the signature is good, but the body is not a webhook delivery
├── RedirectRefused              redirect_uri is not Messenger's, or does not hold the token
└── GraphError                   a Graph call did not succeed
    ├── GraphUnavailable         no usable answer: retry later
    │   ├── GraphUnreachable     the way from here to Graph is blocked
    │   └── GraphThrottled       Graph's rate limit is reached: retry, but not at once
    └── GraphRefused             understood and refused: do not retry
        ├── LinkingTokenRefused  the account_linking_token is unknown or expired (10303)
        ├── PersonUnknown        no person has this PSID on our page
        ├── WindowClosed         the person has to write to the page first
        ├── NameWithheld         Messenger does not tell this person's name
        ├── RegionRefused        Meta's privacy rules for Europe and Japan
        ├── PageRestricted       an admin of the page has to act at Meta
        ├── PermissionMissing    our app lacks a permission, or is not live
        └── TokenDead            our page token is no longer valid (190): no call will succeed

app.messenger.graph.error_rows has the codes of each.
"""

from typing import Final, Literal

RedirectFault = Literal[
    "token", "length", "origin", "grammar", "repeated name", "code inside", "token inside"
]


# Graph error codes: developers.facebook.com, "Error codes" (25 June 2026).
BAD_PARAMETER: Final = 100

# Usage headers count in minutes, and those of an app state no time at all.
SHORTEST_WAIT_S: Final = 60


class MessengerError(Exception):
    """Base class of all errors in the exchange with Messenger."""


class BadSignature(MessengerError):
    """The delivery is not signed with our app secret."""


class BadPayload(MessengerError):
    """The signature is good, but the body is not a webhook delivery."""


class RedirectRefused(MessengerError):
    """redirect_uri is not Messenger's, or does not hold the account_linking_token.

    *origin* is where it leads instead, if it is an origin in plain letters: for the log alone.
    """

    def __init__(self, reason: RedirectFault, *, origin: str | None = None) -> None:
        super().__init__(reason)
        self.origin = origin
        # Labels a counter: one of few values, and never a part of the refused text.
        self.reason = reason


class GraphError(MessengerError):
    """A Graph call did not succeed; *reason* holds no token and no address.

    *call* is the name of the call, as in logs and metrics, None where that is not known.
    """

    def __init__(  # noqa: PLR0913 - what Graph says, by name
        self,
        reason: str = "",
        *,
        call: str | None = None,
        code: int | None = None,
        subcode: int | None = None,
        trace_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.call = call
        self.code = code
        self.subcode = subcode
        self.trace_id = trace_id
        self.status = status

    @property
    def retry_after_seconds(self) -> int:
        """The time before which another call makes no sense."""
        return SHORTEST_WAIT_S

    def __str__(self) -> str:
        """Return the reason, with the codes and the trace id that Meta's support asks for."""
        details = {
            "code": self.code,
            "subcode": self.subcode,
            "fbtrace_id": self.trace_id,
            "HTTP": self.status,
        }
        known = [f"{name} {value}" for name, value in details.items() if value is not None]
        return f"{self.reason} ({', '.join(known)})" if known else self.reason


class GraphUnavailable(GraphError):
    """There was no usable answer, or one that asks us to wait: a retry may succeed later."""


class GraphUnreachable(GraphUnavailable):
    """The way from here to Graph is blocked, by the outgoing proxy or for a certificate.

    *fix* is the setting or the step that helps.
    """

    def __init__(self, reason: str = "", *, fix: str = "") -> None:
        super().__init__(reason)
        self.fix = fix


class GraphThrottled(GraphUnavailable):
    """Graph asks us to wait; *wait_s* is the time in seconds, if it states one."""

    wait_s: int | None = None

    @property
    def retry_after_seconds(self) -> int:
        """The time that Graph states, and a minute at least."""
        return max(self.wait_s or 0, SHORTEST_WAIT_S)


class GraphRefused(GraphError):
    """Graph understood the call and refused it: a retry will be refused too."""


class LinkingTokenRefused(GraphRefused):
    """The account_linking_token is unknown, used or older than its five minutes (10303)."""


class PersonUnknown(GraphRefused):
    """No person has this PSID on our page, or the person cannot be reached."""


class WindowClosed(GraphRefused):
    """The page may not write to the person now: nothing has come from them for 24 hours."""


class NameWithheld(GraphRefused):
    """Messenger does not tell the person's name, or the person has no profile."""


class RegionRefused(GraphRefused):
    """Meta's privacy rules for Europe and Japan refuse the person or the page."""


class PageRestricted(GraphRefused):
    """Meta restricts the page, or waits for an admin of it."""


class PermissionMissing(GraphRefused):
    """Our app lacks a permission or a feature, is not live or is deactivated."""


class TokenDead(GraphRefused):
    """The page token is expired, revoked or wrong (102, 190, 210): no call will succeed with it."""
