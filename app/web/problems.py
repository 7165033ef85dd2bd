"""Our error -> status and sentence, in one table.

The answer is a fixed sentence and a reference, never the text of the exception: a stranger chose
parts of that. The sentence says what happened and what to do now.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

from werkzeug.exceptions import HTTPException

from app.accounts.authenticators import AuthenticatorUnavailable
from app.accounts.rate_limiter import RateLimited
from app.api_keys.service import KeyRefused
from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted
from app.linking.errors import (
    AttemptExpired,
    AttemptOver,
    AttemptUnknown,
    DigitsSentTooOften,
    NotDeparted,
    NotSignedIn,
    TokenSpent,
    TooManyLinks,
)
from app.messenger.errors import (
    BadPayload,
    BadSignature,
    GraphError,
    LinkingTokenRefused,
    RedirectRefused,
)
from app.web.exceptions import (
    CookieAbsent,
    DigitsNotDelivered,
    FormRefused,
    InputRefused,
    KeyExposed,
    LinkAmbiguous,
    LinkIncomplete,
    MessengerRefused,
    NoCookies,
    PageUnknown,
    ResourceNotFound,
    ScopeMissing,
    StateRefused,
)

AGAIN: Final = "Go back to Messenger and tap Log In again."


@dataclass(frozen=True, slots=True)
class Problem:
    """What is answered when something goes wrong: to persons as a page, to machines by *name*."""

    status: int
    name: str
    title: str
    sentence: str
    # Whether the same request may succeed in a moment.
    passes: bool = False
    # Whether it lies in what the person typed.
    is_typed: bool = False

    def about(self, label: str) -> Self:
        """Return this problem, told of the provider that people know as *label*."""
        return replace(self, sentence=self.sentence.format(label))


PROBLEMS: Final[dict[type[Exception], Problem]] = {
    LinkIncomplete: Problem(
        400, "link_incomplete", "Something is missing",
        "This link is incomplete. Go back to Messenger and tap Log in again.",
    ),
    LinkAmbiguous: Problem(
        400, "link_ambiguous", "This link is not right", f"Part of it is there twice. {AGAIN}"
    ),
    RedirectRefused: Problem(
        400, "redirect_refused", "This link is not right",
        f"This link does not come from Messenger. {AGAIN}",
    ),
    PageUnknown: Problem(
        400, "page_unknown", "This link is not right",
        "This link belongs to a page that is not set up here. Tell the page's owner.",
    ),
    CookieAbsent: Problem(
        400, "cookie_absent", "Let's start again", "Tap Log In again in Messenger."
    ),
    NoCookies: Problem(
        400, "no_cookies", "Let's start again",
        "Tap Log In again in Messenger. If you then see this page again, this browser keeps no "
        "cookies: allow them first.",
    ),
    AttemptUnknown: Problem(
        400, "attempt_unknown", "Let's start again", f"This link is no longer known. {AGAIN}"
    ),
    FormRefused: Problem(
        400, "form_refused", "Please try again", "This page is out of date. Please try again.",
        passes=True,
    ),
    AttemptExpired: Problem(
        410, "attempt_expired", "This link has expired", f"This link has expired. {AGAIN}"
    ),
    LinkingTokenRefused: Problem(
        410, "token_refused", "This link has expired", f"This link has expired. {AGAIN}"
    ),
    TokenSpent: Problem(
        409, "token_spent", "This link has been used", f"This link has been used. {AGAIN}"
    ),
    AttemptOver: Problem(
        409, "attempt_over", "This is finished", f"There is nothing more to do here. {AGAIN}"
    ),
    StateRefused: Problem(
        400, "state_refused", "Let's start again",
        f"This sign-in was not begun here, or was begun too long ago. {AGAIN}",
    ),
    NotDeparted: Problem(
        409, "not_departed", "Please sign in again",
        "That sign-in has been used already. Please sign in again.", passes=True,
    ),
    NotSignedIn: Problem(409, "not_signed_in", "Sign in first", "Please sign in first."),
    TooManyLinks: Problem(
        409, "too_many_links", "Too many connections",
        "Your account is connected to as many Messenger profiles as it may have. "
        "Disconnect one, then tap Log In again.",
    ),
    DigitsSentTooOften: Problem(
        409, "digits_sent_too_often", "Too many messages",
        "We have sent you digits several times. Use the newest, or start again from Messenger.",
    ),
    DigitsNotDelivered: Problem(
        409, "digits_not_delivered", "Write to us first",
        "We can't send you a message in Messenger yet. Go back, write us one, then tap Log In "
        "again.",
    ),
    RateLimited: Problem(
        429, "throttled", "Too many tries", "Please wait a few minutes, then try again.",
        passes=True,
    ),
    Busy: Problem(
        503, "busy", "Busy right now",
        "Many people are signing in. Try again in a moment.", passes=True,
    ),
    AuthenticatorUnavailable: Problem(
        503, "sign_in_unavailable", "Sign-in is not available",
        "We can't check your details right now. Please try again in a minute.", passes=True,
    ),
    GraphError: Problem(
        503, "graph", "Messenger does not answer",
        "Messenger does not answer. Please try again in a minute.", passes=True,
    ),
    NotCommitted: Problem(
        503, "database_busy", "Busy right now", "Please try again in a moment.", passes=True
    ),
    BadSignature: Problem(
        403, "bad_signature", "Not allowed", "Not signed with our app secret."
    ),
    KeyRefused: Problem(
        401, "key_refused", "Not allowed",
        "Send a valid API key as Authorization: Bearer. See: threadlink keys create",
    ),
    ScopeMissing: Problem(
        403, "scope_missing", "Not allowed", "This key lacks the scope. See: threadlink keys list"
    ),
    KeyExposed: Problem(
        400, "key_exposed", "Key exposed",
        "The URL contains a key, and logs keep URLs. Revoke the key, create another, and send "
        "that as Authorization: Bearer.",
    ),
    ResourceNotFound: Problem(
        404, "not_found", "Nothing here",
        "There is no such link, Messenger does not know the person, or the key may not see it.",
    ),
    InputRefused: Problem(
        400, "input_refused", "Not understood",
        "The query or body does not match the API specification: /api/docs",
    ),
    MessengerRefused: Problem(
        422, "messenger_refused", "Messenger refused",
        "Messenger understood the message and will not deliver it.",
    ),
    BadPayload: Problem(400, "bad_payload", "Not understood", "Not a delivery of Messenger's."),
}  # fmt: skip

WRONG_CREDENTIALS: Final = Problem(
    422, "wrong_credentials", "Sign in",
    "That sign-in didn't work. Check your details and try again.", is_typed=True,
)  # fmt: skip
QUESTION_CHANGED: Final = Problem(
    409, "question_changed", "Connect", "This has changed meanwhile. Please read it again."
)
WRONG_DIGITS: Final = Problem(
    422, "wrong_digits", "Connect", "Those digits don't match. Please look again.", is_typed=True
)
PROVIDER_REFUSED: Final = Problem(
    422, "provider_refused", "Sign in",
    "Signing in with {} didn't work. Please try again, or sign in another way.",
)  # fmt: skip
PROVIDER_DECLINED: Final = Problem(
    422, "provider_declined", "Sign in",
    "You did not finish signing in with {}. Try again, or sign in another way.",
)  # fmt: skip
PROVIDER_AWAY: Final = Problem(
    503, "provider_away", "Sign in",
    "{} does not answer right now. Try again in a minute, or sign in another way.", passes=True,
)  # fmt: skip
PROVIDER_NOT_HERE: Final = Problem(
    422, "provider_not_here", "Sign in",
    "{} can't be used inside this app. Please sign in another way.",
)  # fmt: skip
PROVIDER_NOWHERE: Final = Problem(
    422, "provider_nowhere", "Sign in",
    "{} can't be used inside this app, and there is no other way to sign in here yet.",
)  # fmt: skip
TOO_LATE: Final = Problem(
    410, "too_late", "That took too long",
    "You came back after the five minutes for which a link works, so nothing was connected. "
    f"{AGAIN}",
)  # fmt: skip
UNFORESEEN: Final = Problem(
    500, "internal", "Something went wrong", "Something went wrong on our side. Please try again."
)
_HTTP: Final = {
    400: Problem(400, "bad_request", "Not understood", "This request is not right."),
    403: Problem(403, "forbidden", "Not allowed", "This is not allowed here."),
    404: Problem(404, "not_found", "Nothing here", "There is no such page."),
    405: Problem(405, "method_not_allowed", "Not allowed", "This method is not allowed here."),
    415: Problem(415, "unsupported_media_type", "Not understood", "Send JSON as application/json."),
    413: Problem(413, "too_large", "Too large", "This is larger than anything expected here."),
}


def problem_of(exc: Exception) -> Problem:
    """Return the answer to *exc*; a subclass gets its base's where it has none of its own."""
    if isinstance(exc, HTTPException) and exc.code is not None:
        return _HTTP.get(exc.code) or Problem(
            exc.code, "http_error", "Not understood", "This request is not right."
        )
    known = (PROBLEMS[kind] for kind in type(exc).__mro__ if kind in PROBLEMS)
    return next(known, UNFORESEEN)


def problems_for_bots() -> tuple[Problem, ...]:
    """Return what the API may answer, for its page to explain."""
    kinds = (
        ResourceNotFound, Busy, GraphError, InputRefused, KeyExposed, KeyRefused, MessengerRefused,
        NotCommitted, ScopeMissing, RateLimited,
    )  # fmt: skip
    known = (*(PROBLEMS[kind] for kind in kinds), *(_HTTP[code] for code in (413, 415)))
    return tuple(sorted((*known, UNFORESEEN), key=lambda problem: (problem.status, problem.name)))
