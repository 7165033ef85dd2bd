"""The findings about calls to Graph that did not succeed: the cause, and the fix that fits it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from app.messenger.errors import (
    BAD_PARAMETER,
    GraphError,
    GraphThrottled,
    GraphUnavailable,
    GraphUnreachable,
    PageRestricted,
    PermissionMissing,
    TokenDead,
)
from app.messenger.graph.setup import NEEDED_SCOPES
from app.setup.findings import Finding, problem, unchecked

NEW_TOKEN: Final = (
    "App dashboard > Messenger > Messenger API settings > Generate token, into PAGE_ACCESS_TOKEN"
)
PAGE_ADMIN: Final = (
    "an admin of the Page: its status and its alerts in Meta Business Suite (terms to accept, a "
    "restriction, an appeal)"
)
APP_SECRET: Final = "App settings > Basic > App secret, into APP_SECRET"

_NOT_A_PAGE_TOKEN: Final = 210
_SERVER_ERROR: Final = 500
_AGAIN: Final = "then: threadlink doctor"


def checked(subject: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """Return the findings of *check*; a call of it that fails is one of them."""
    try:
        return [*check()]
    except GraphError as exc:
        return [refusal(subject, exc)]


def refusal(subject: str, exc: GraphError) -> Finding:
    """Return what *exc*, the failure of a call about *subject*, says and how it is fixed."""
    match exc:
        case GraphThrottled():
            words = f"Graph's rate limit is reached: {exc}"
            return unchecked(subject, words, f"wait {_minutes(exc.retry_after_seconds)}, {_AGAIN}")
        case GraphUnreachable():
            return unchecked(subject, f"the way to Graph is blocked: {exc}", exc.fix)
        case GraphUnavailable():
            return _unavailable(subject, exc)
        case _:
            return problem(subject, *_refused(exc))


def _refused(exc: GraphError) -> tuple[str, str]:
    if exc.code == _NOT_A_PAGE_TOKEN:
        return f"the token is not a page's: {exc}", NEW_TOKEN
    if isinstance(exc, TokenDead):
        return f"the token is no longer good: {exc}", NEW_TOKEN
    if is_about_proof(exc):
        words = "appsecret_proof is refused: the token belongs to an app with another secret"
        return f"{words} ({exc})", APP_SECRET
    return f"Graph refuses the check: {exc}", _FIXES.get(type(exc), _UNKNOWN)


def is_about_proof(exc: GraphError) -> bool:
    """Tell whether *exc* refuses the proof of the app secret that each call has."""
    return exc.code == BAD_PARAMETER and "proof" in exc.reason


def _unavailable(subject: str, exc: GraphUnavailable) -> Finding:
    if exc.code is None and exc.status is None:
        return unchecked(
            subject,
            f"Graph does not answer: {exc}",
            "https://metastatus.com; from this machine: curl -I https://graph.facebook.com",
        )
    if exc.code is None and exc.status is not None and exc.status < _SERVER_ERROR:
        return unchecked(
            subject,
            f"what answers is not Graph: {exc}",
            "a proxy on the way to https://graph.facebook.com, or GRAPH_URL",
        )
    words = f"Graph has trouble of its own: {exc}"
    return unchecked(subject, words, f"wait a few minutes (https://metastatus.com), {_AGAIN}")


def _minutes(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"


_FIXES: Final[Mapping[type[GraphError], str]] = {
    PermissionMissing: "App dashboard > Alerts, and App Review > Permissions and Features: the "
    f"app needs {' and '.join(NEEDED_SCOPES)}. Then: {NEW_TOKEN}",
    PageRestricted: PAGE_ADMIN,
}
_UNKNOWN: Final = (
    "the words above are Meta's; the code: "
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes"
    "; Meta's support asks for the fbtrace_id"
)
