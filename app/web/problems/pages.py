"""Problems that a person meets on the sign-in pages."""

from collections.abc import Mapping
from typing import Final

from app.accounts.authenticators import AuthenticatorMisconfigured, AuthenticatorUnavailable
from app.accounts.rate_limiter import RateLimited
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
    GraphRefused,
    GraphThrottled,
    GraphUnavailable,
    LinkingTokenRefused,
    RedirectRefused,
    RegionRefused,
)
from app.web.exceptions import (
    CookieAbsent,
    DigitsNotDelivered,
    FormRefused,
    LinkAmbiguous,
    LinkIncomplete,
    NoCookies,
    NotByHttps,
    PageUnknown,
    StateRefused,
)
from app.web.problems.problem import Problem

AGAIN: Final = "Go back to Messenger and tap Log In again."

PAGE_PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    # RFC 9110, 7.4: a request for an https address that did not come by https is misdirected.
    NotByHttps: Problem(
        421,
        "not_by_https",
        "Not secure",
        "We can't see that this page was asked for by https. If you run this server: its log says "
        "why, and so does threadlink doctor.",
    ),
    LinkIncomplete: Problem(
        400,
        "link_incomplete",
        "Something is missing",
        "This link is incomplete. Go back to Messenger and tap Log in again.",
    ),
    LinkAmbiguous: Problem(
        400, "link_ambiguous", "This link is not right", f"Part of it is there twice. {AGAIN}"
    ),
    RedirectRefused: Problem(
        400,
        "redirect_refused",
        "This link is not right",
        f"This link does not come from Messenger. {AGAIN}",
    ),
    PageUnknown: Problem(
        400,
        "page_unknown",
        "This link is not right",
        "This link belongs to a page that is not set up here. Tell the page's owner.",
    ),
    CookieAbsent: Problem(
        400, "cookie_absent", "Let's start again", "Tap Log In again in Messenger."
    ),
    NoCookies: Problem(
        400,
        "no_cookies",
        "Let's start again",
        "Tap Log In again in Messenger. If you then see this page again, this browser keeps no "
        "cookies: allow them first.",
    ),
    AttemptUnknown: Problem(
        400, "attempt_unknown", "Let's start again", f"This link is no longer known. {AGAIN}"
    ),
    FormRefused: Problem(
        400,
        "form_refused",
        "Please try again",
        "This page is out of date. Please try again.",
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
        400,
        "state_refused",
        "Let's start again",
        f"This sign-in was not begun here, or was begun too long ago. {AGAIN}",
    ),
    NotDeparted: Problem(
        409,
        "not_departed",
        "Please sign in again",
        "That sign-in has been used already. Please sign in again.",
        passes=True,
    ),
    NotSignedIn: Problem(409, "not_signed_in", "Sign in first", "Please sign in first."),
    TooManyLinks: Problem(
        409,
        "too_many_links",
        "Too many connections",
        "Your account is connected to as many Messenger profiles as it may have. "
        "Disconnect one, then tap Log In again.",
    ),
    DigitsSentTooOften: Problem(
        409,
        "digits_sent_too_often",
        "Too many messages",
        "We have sent you digits several times. Use the newest, or start again from Messenger.",
    ),
    DigitsNotDelivered: Problem(
        409,
        "digits_not_delivered",
        "Write to us first",
        "We can't send you a message in Messenger yet. Go back, write us one, then tap Log In "
        "again.",
    ),
    RateLimited: Problem(
        429,
        "throttled",
        "Too many tries",
        "Please wait a few minutes, then try again.",
        passes=True,
    ),
    Busy: Problem(
        503,
        "busy",
        "Busy right now",
        "Many people are signing in. Try again in a moment.",
        passes=True,
    ),
    AuthenticatorMisconfigured: Problem(
        503,
        "sign_in_misconfigured",
        "Sign-in is not available",
        "Signing in is not set up correctly here, so trying again does not help. Tell us the "
        "reference below.",
    ),
    AuthenticatorUnavailable: Problem(
        503,
        "sign_in_unavailable",
        "Sign-in is not available",
        "We can't check your details right now. Please try again in a minute.",
        passes=True,
    ),
    GraphUnavailable: Problem(
        503,
        "graph",
        "Messenger does not answer",
        "Messenger does not answer. Please try again in a minute.",
        passes=True,
    ),
    GraphThrottled: Problem(
        503,
        "graph_throttled",
        "Messenger is busy",
        "Messenger asks us to wait. Please try again in a few minutes.",
        passes=True,
    ),
    GraphRefused: Problem(
        503,
        "graph_refused",
        "This does not work right now",
        "This is our fault, not yours: Messenger refuses what we ask of it. It is noted, for us to "
        "put right. If you write to us about it, give the reference below.",
    ),
    RegionRefused: Problem(
        403,
        "region_refused",
        "Not available here",
        "Messenger does not let us connect accounts here: its rules for your region, or for ours, "
        "do not allow it. You can go on chatting with us.",
    ),
    NotCommitted: Problem(
        503, "database_busy", "Busy right now", "Please try again in a moment.", passes=True
    ),
}

TOO_LATE: Final = Problem(
    410,
    "too_late",
    "That took too long",
    "You came back after the five minutes for which a link works, so nothing was connected. "
    f"{AGAIN}",
)
