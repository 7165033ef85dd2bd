"""The events of an attempt in words, one line each."""

from collections.abc import Callable, Mapping
from typing import Final

from app.linking import words
from app.linking.attempt_events import Kind
from app.linking.models import AttemptEvent
from app.linking.obstacles import (
    CHAT_CODE_PAGE,
    CONFIRM_PAGE,
    NO_COOKIES,
    PROBLEM_PAGE,
    SIGN_IN_PAGE,
    STATUS_PAGE,
)

_PAGES: Final[Mapping[str, str]] = {
    SIGN_IN_PAGE: "sign-in page sent",
    CONFIRM_PAGE: "page that asks whether to connect sent",
    CHAT_CODE_PAGE: "page that asks for the code in the chat sent",
    STATUS_PAGE: "page with the result sent",
    "password": "page that asks for a new password sent",
}
# The calls by which a name is asked for.
_ROADS: Final[Mapping[str, str]] = {
    "profile_name": "the profile",
    "conversations": "the page's conversations",
}
# Which part of a credential was wrong: for support, never for the person.
_CREDENTIALS: Final[Mapping[str, str]] = {
    "no_such_account": "there is no such account",
    "disabled": "the account is disabled",
    "wrong_password": "the account exists, the password is wrong",
    "blocked": "the account is blocked",
    "locked": "the account is locked for a while",
    "expired": "the password or the account has expired",
    "must_change": "the password must be changed first",
    "unspecified": "which of the two is not known",
}


def words_of(event: AttemptEvent) -> str:
    """Return *event* in words, with the number of times."""
    tell = _WORDS.get(event.kind, _of_a_later_version)
    return f"{tell(event)}{_often(event)}"


def public_words_of(event: AttemptEvent) -> str:
    """Return the same without what was wrong with a credential, for those who may not know it."""
    if event.kind != Kind.CREDENTIALS_WRONG:
        return words_of(event)
    return f"wrong name or password ({event.subject}){_often(event)}"


def _often(event: AttemptEvent) -> str:
    return f", {words.times(event.times)}" if event.times > 1 else ""


def _of_a_later_version(event: AttemptEvent) -> str:
    return event.kind.replace("_", " ")


def _because(event: AttemptEvent) -> str:
    return f": {event.detail}" if event.detail else ""


def _page(event: AttemptEvent) -> str:
    name = event.subject
    if name.startswith(PROBLEM_PAGE):
        return f"error page sent: {name.removeprefix(PROBLEM_PAGE).replace('_', ' ')}"
    return _PAGES.get(name, f"page sent: {name}")


def _credentials(event: AttemptEvent) -> str:
    kind = _CREDENTIALS.get(event.detail, event.detail)
    return f"wrong name or password ({event.subject})" + (f": {kind}" if kind else "")


def _limited(event: AttemptEvent) -> str:
    until = f", until {words.clock_time(event.until_at)}" if event.until_at else ""
    return f"refused, too many tries {words.limit(event.subject)}{until}"


def _graph(event: AttemptEvent) -> str:
    if not event.code:
        return f"Graph gave no answer to {event.subject}{_because(event)}"
    detail = f", {event.detail}" if event.detail else ""
    return f"Graph refused {event.subject}: {words.code(event)}{detail}"


def _road(event: AttemptEvent) -> str:
    return _ROADS.get(event.subject, event.subject)


def _name_withheld(event: AttemptEvent) -> str:
    code = f" ({words.code(event)})" if event.code else ""
    return f"Messenger withholds the person's name in {_road(event)}{code}{_because(event)}"


def _name_unavailable(event: AttemptEvent) -> str:
    code = f" ({words.code(event)})" if event.code else ""
    return f"the person's name could not be had from {_road(event)}{code}{_because(event)}"


def _cookie(event: AttemptEvent) -> str:
    if NO_COOKIES in {event.subject, event.detail}:
        return "came without any cookie"
    return "came without the cookie of this attempt"


def _entry(event: AttemptEvent) -> str:
    return f"request refused: {event.subject.replace('_', ' ')}{_because(event)}"


_WORDS: Final[Mapping[str, Callable[[AttemptEvent], str]]] = {
    Kind.PAGE_SHOWN: _page,
    Kind.CREDENTIALS_WRONG: _credentials,
    Kind.RATE_LIMITED: _limited,
    Kind.GRAPH_FAILED: _graph,
    Kind.NAME_WITHHELD: _name_withheld,
    Kind.NAME_UNAVAILABLE: _name_unavailable,
    Kind.NAME_FOUND: lambda event: f"the person's name was found in {_road(event)}",
    Kind.NAME_LIKE_BRAND: lambda _: "the person's name looks like the page's, so they were warned",
    Kind.AUTHENTICATOR_AWAY: lambda event: f"{event.subject} did not answer{_because(event)}",
    Kind.AUTHENTICATOR_MISCONFIGURED: lambda event: (
        f"could not ask {event.subject} as it is set up{_because(event)}"
    ),
    Kind.PROVIDER_LEFT: lambda event: f"went to {event.subject} to sign in",
    Kind.PROVIDER_RETURNED: lambda event: f"came back from {event.subject}",
    Kind.PROVIDER_REFUSED: lambda event: (
        f"came back from {event.subject} without a valid sign-in{_because(event)}"
    ),
    Kind.PROVIDER_DECLINED: lambda event: f"did not finish the sign-in at {event.subject}",
    Kind.PROVIDER_NOT_OFFERED: lambda event: f"{event.subject} cannot be used in this browser",
    Kind.CHAT_CODE_SENT: lambda _: "code sent to the person's chat",
    Kind.CHAT_CODE_NOT_DELIVERED: lambda event: (
        f"Messenger did not deliver the code: {words.code(event)}"
    ),
    Kind.CHAT_CODE_WRONG: lambda _: "wrong code entered",
    Kind.CHAT_CODE_LIMITED: lambda _: "asked for more codes than one attempt may have",
    Kind.QUESTION_CHANGED: lambda _: "pressed Connect on a page that was out of date",
    Kind.TOO_MANY_LINKS: lambda _: "refused, the account has as many links as it may have",
    Kind.TOKEN_SPENT: lambda _: "refused, this Log In was used in another window",
    Kind.TOO_LATE: lambda _: "came back after the five minutes",
    Kind.COOKIE_ABSENT: _cookie,
    Kind.FORM_REFUSED: lambda _: "sent a form of an old page, or of another window",
    Kind.GATE_FULL: lambda _: "turned away, the server was busy",
    Kind.DATABASE_AWAY: lambda _: "turned away, the database was busy or away",
    Kind.INTERNAL_ERROR: lambda event: f"met an error of the program{_because(event)}",
    Kind.ENTRY_REFUSED: _entry,
}
