"""The check of a page's access token, by what Meta says about it (Graph's debug_token)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from app.messenger.graph.setup import NEEDED_SCOPES, TokenFacts
from app.setup.findings import Finding, ok, problem, warning
from app.setup.graph_refusals import NEW_TOKEN

EXPIRES_SOON: Final = timedelta(days=7)
# To renew it takes the person who made the token, who may be away.
DATA_ACCESS_ENDS_SOON: Final = timedelta(days=14)
_LASTING: Final = f"{NEW_TOKEN}; one that was made from a short-lived user token ends with it"
_AGAIN: Final = f"whoever made the token authorises the app again: {NEW_TOKEN}"


def check_token(facts: TokenFacts, *, app_id: str, page_id: str, at: datetime) -> Iterator[Finding]:
    """Yield everything that is wrong with the token of page *page_id*, or that it is good."""
    subject = f"token of page {page_id}"
    if not facts.is_valid:
        words = f"is not valid: {facts.reason or 'Meta does not say why'}"
        yield problem(subject, words, NEW_TOKEN)
        return
    found = [
        *_owner(subject, facts, app_id, page_id),
        *_permissions(subject, facts, page_id),
        *_ends(subject, facts, at),
    ]
    yield from found
    if not found:
        yield ok(subject, "is valid, of this page and of this app, with every permission")


def _owner(subject: str, facts: TokenFacts, app_id: str, page_id: str) -> Iterator[Finding]:
    if facts.kind.upper() != "PAGE":
        kind = facts.kind.lower() or "nameless"
        yield problem(subject, f"is a {kind} token: a page token is needed", NEW_TOKEN)
    if facts.app_id != app_id:
        words = f"belongs to the app {facts.app_id}, not to {app_id}"
        yield problem(subject, words, f"APP_ID, or of the app {app_id}: {NEW_TOKEN}")
    if facts.page_id and facts.page_id != page_id:
        words = f"is the token of page {facts.page_id}"
        yield problem(subject, words, f"PAGE_ID, or of the page {page_id}: {NEW_TOKEN}")


def _permissions(subject: str, facts: TokenFacts, page_id: str) -> Iterator[Finding]:
    missing = [scope for scope in NEEDED_SCOPES if scope not in facts.scopes]
    if missing:
        yield problem(subject, f"lacks the permission {', '.join(missing)}", NEW_TOKEN)
    elsewhere = [
        scope for scope in NEEDED_SCOPES if page_id not in facts.granted_for.get(scope, (page_id,))
    ]
    if elsewhere:
        # A warning: the calls that the other checks make say whether Graph refuses anything.
        words = f"was given {', '.join(elsewhere)} for other pages only"
        yield warning(subject, words, f"choose this page as well in: {NEW_TOKEN}")


def _ends(subject: str, facts: TokenFacts, at: datetime) -> Iterator[Finding]:
    ends_at = facts.expires_at
    if ends_at is not None and ends_at <= at:
        yield problem(subject, f"ended on {_moment(ends_at)}", _LASTING)
    elif ends_at is not None and ends_at - at < EXPIRES_SOON:
        yield warning(subject, f"ends on {_moment(ends_at)}", _LASTING)
    ends_at = facts.data_access_expires_at
    if ends_at is not None and ends_at - at < DATA_ACCESS_ENDS_SOON:
        # Whether Graph then refuses a page token is not documented ("Debug token", November 2026).
        verb = "ended" if ends_at <= at else "ends"
        words = f"the app's access to the data of the token's owner {verb} on {_moment(ends_at)}"
        yield warning(subject, words, _AGAIN)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
