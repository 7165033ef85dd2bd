"""The check of a page's standing at Meta, which may keep it from messaging."""

from collections.abc import Iterator

from app.messenger.errors import GraphError, PageRestricted
from app.messenger.graph.setup import PageClient
from app.messenger.page_integrity import PageIntegrity
from app.messenger.types import PageId
from app.setup.findings import Finding, ok, problem, warning
from app.setup.graph_refusals import PAGE_ADMIN, refusal


def check_standing(page_id: PageId, client: PageClient) -> Iterator[Finding]:
    """Report what Meta holds against the page; nothing where it does not tell.

    Meta documents the call since 30 January 2026 and nobody could try it: that it fails is no
    finding of its own, and the other checks ask the same Graph.
    """
    subject = f"standing of page {page_id}"
    try:
        integrity = client.page_status(page_id)
    except PageRestricted as exc:
        yield refusal(subject, exc)
        return
    except GraphError:
        return
    match integrity.standing:
        case "restricted":
            yield problem(subject, f"Meta restricts it: {_details(integrity)}", PAGE_ADMIN)
        case "warned":
            yield warning(subject, f"Meta warns: {_details(integrity)}", PAGE_ADMIN)
        case "lifted":
            yield ok(subject, "Meta restricts nothing")


def _details(integrity: PageIntegrity) -> str:
    names = ", ".join(dict.fromkeys((*integrity.features, *integrity.violations)))
    until = f", until {integrity.until:%Y-%m-%d %H:%M} UTC" if integrity.until else ""
    return f"{names or integrity.status}{until}"


def check_published(page_id: PageId, client: PageClient) -> Iterator[Finding]:
    """Warn of a page that is not published; nothing where Graph does not tell.

    "The Page … must be published to receive the referral parameter for all users": Messenger
    Platform, "m.me Links". The field may need a permission that a token for Messenger lacks.
    """
    try:
        is_published = client.is_published()
    except GraphError:
        return
    if is_published is False:
        words = "is not published: links tell their ref for people with a role alone"
        yield warning(f"page {page_id}", words, "publish it in its settings at Facebook")
