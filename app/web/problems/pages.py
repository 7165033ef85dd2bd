"""Problems that a person meets on the pages of an attempt."""

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
    SessionOver,
    SessionUnknown,
    TokenSpent,
    TooManyLinks,
)
from app.linking.invitation_errors import InvitationError
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
    HandoffRefused,
    LinkAmbiguous,
    LinkIncomplete,
    NoCookies,
    NotByHttps,
    PageUnknown,
    SessionAbsent,
    StateRefused,
)
from app.web.languages.message import N_, NN_
from app.web.problems.problem import Problem

START_AGAIN: Final = N_("Tap Log In in the chat to start again.")
TRY_AGAIN_FROM_CHAT: Final = N_("Tap Log In in the chat to try again.")

BAD_LINK: Final = N_("This link doesn’t work")
OPEN_THE_CHAT: Final = N_("Open the chat in Messenger and tap Log In.")

_LETS_START_AGAIN: Final = N_("Let’s start again")
_TAP_LOG_IN: Final = N_("Tap Log In in the chat.")

_OPENED_ELSEWHERE: Final = N_("This page was opened in another browser, or too long ago.")

_EXPIRED: Final = N_("This page has expired")
_WORKS_FIVE_MINUTES: Final = N_("For your safety it works for five minutes. Nothing was connected.")

_BUSY: Final = N_("We’re busy right now")
_IN_A_MOMENT: Final = N_("Try again in a moment.")
_IN_A_MINUTE: Final = N_("Try again in a minute.")

_OURS: Final = N_("We can’t log you in right now")
_OUR_SIDE: Final = N_("Something is wrong on our side, not with your details.")
_LATER: Final = N_("Please try later.")

_NO_MESSENGER: Final = N_("We can’t reach Messenger")
_WAIT: Final = N_("Please wait")

_SESSION_OVER: Final = Problem(
    410,
    "session_over",
    _EXPIRED,
    N_("For your safety you’re logged in here for a few minutes only."),
)

PAGE_PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    # RFC 9110, 7.4: a request for an https address that did not come by https is misdirected.
    NotByHttps: Problem(
        421,
        "not_by_https",
        N_("Not secure"),
        N_("We can’t see that this page was opened over https."),
        N_("If you run this server: its log says why, and so does the command “doctor”."),
    ),
    LinkIncomplete: Problem(400, "link_incomplete", BAD_LINK, OPEN_THE_CHAT),
    LinkAmbiguous: Problem(400, "link_ambiguous", BAD_LINK, OPEN_THE_CHAT),
    RedirectRefused: Problem(400, "redirect_refused", BAD_LINK, OPEN_THE_CHAT),
    PageUnknown: Problem(
        400,
        "page_unknown",
        BAD_LINK,
        N_("It belongs to a Page that isn’t set up here."),
        N_("Tell the business."),
    ),
    CookieAbsent: Problem(400, "cookie_absent", _LETS_START_AGAIN, _TAP_LOG_IN),
    NoCookies: Problem(
        400,
        "no_cookies",
        _LETS_START_AGAIN,
        _TAP_LOG_IN,
        N_("If you see this again, allow cookies for this site first."),
    ),
    AttemptUnknown: Problem(400, "attempt_unknown", _LETS_START_AGAIN, _TAP_LOG_IN),
    StateRefused: Problem(400, "state_refused", _LETS_START_AGAIN, _TAP_LOG_IN),
    FormRefused: Problem(
        400,
        "form_refused",
        _LETS_START_AGAIN,
        N_("This page is out of date. Try again."),
        passes=True,
    ),
    AttemptExpired: Problem(410, "attempt_expired", _EXPIRED, _WORKS_FIVE_MINUTES, START_AGAIN),
    LinkingTokenRefused: Problem(410, "token_refused", _EXPIRED, _WORKS_FIVE_MINUTES, START_AGAIN),
    TokenSpent: Problem(409, "token_spent", N_("This link was already used"), START_AGAIN),
    AttemptOver: Problem(409, "attempt_over", N_("This is already done"), START_AGAIN),
    NotDeparted: Problem(
        409,
        "not_departed",
        N_("Log in again"),
        N_("That log-in was already used. Log in again."),
        passes=True,
    ),
    NotSignedIn: Problem(409, "not_signed_in", N_("Log in"), N_("Log in first.")),
    TooManyLinks: Problem(
        409,
        "too_many_links",
        N_("You’ve reached the limit"),
        NN_(
            "Your account is connected to %(num)d Messenger profile, the most allowed.",
            "Your account is connected to %(num)d Messenger profiles, the most allowed.",
        ),
        N_("Disconnect one of them, then try again."),
    ),
    HandoffRefused: Problem(
        403, "handoff_refused", BAD_LINK, N_("Open this from your account page.")
    ),
    SessionAbsent: Problem(400, "session_absent", _LETS_START_AGAIN, _OPENED_ELSEWHERE),
    SessionUnknown: Problem(400, "session_unknown", _LETS_START_AGAIN, _OPENED_ELSEWHERE),
    SessionOver: _SESSION_OVER,
    InvitationError: _SESSION_OVER,
    DigitsSentTooOften: Problem(
        409,
        "digits_sent_too_often",
        N_("Too many codes"),
        N_("Use the newest code, or tap Log In in the chat to start again."),
    ),
    DigitsNotDelivered: Problem(
        409,
        "digits_not_delivered",
        N_("Write to us first"),
        N_("We can’t message you yet."),
        N_("Send us any message in the chat, then tap Log In."),
    ),
    RateLimited: Problem(
        429,
        "throttled",
        _WAIT,
        NN_(
            "Too many attempts. Try again in %(num)d minute.",
            "Too many attempts. Try again in %(num)d minutes.",
        ),
        passes=True,
    ),
    Busy: Problem(503, "busy", _BUSY, _IN_A_MOMENT, passes=True),
    NotCommitted: Problem(503, "database_busy", _BUSY, _IN_A_MOMENT, passes=True),
    AuthenticatorMisconfigured: Problem(
        503, "sign_in_misconfigured", _OURS, _OUR_SIDE, _LATER, is_ours=True
    ),
    AuthenticatorUnavailable: Problem(
        503,
        "sign_in_unavailable",
        N_("We can’t check your details right now"),
        _IN_A_MINUTE,
        passes=True,
    ),
    GraphUnavailable: Problem(503, "graph", _NO_MESSENGER, _IN_A_MINUTE, passes=True),
    GraphThrottled: Problem(
        503, "graph_throttled", _NO_MESSENGER, N_("Try again in a few minutes."), passes=True
    ),
    GraphRefused: Problem(503, "graph_refused", _OURS, _OUR_SIDE, _LATER, is_ours=True),
    RegionRefused: Problem(
        403,
        "region_refused",
        N_("Not available here"),
        N_("Messenger doesn’t let people connect an account in your country or with this Page."),
        N_("You can keep chatting with us."),
    ),
}

TOO_LATE: Final = Problem(410, "too_late", _EXPIRED, _WORKS_FIVE_MINUTES, START_AGAIN)
# The wait is longer than the attempt lasts: there is nothing to try again on this page.
THROTTLED_TOO_LONG: Final = Problem(
    429,
    "throttled",
    _WAIT,
    NN_(
        "Too many attempts. Wait %(num)d minute, then tap Log In in the chat.",
        "Too many attempts. Wait %(num)d minutes, then tap Log In in the chat.",
    ),
)
