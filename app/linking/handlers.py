"""What each event of a delivery does to links, and what follows from it.

Nothing here commits; one delivery is one transaction. What follows is rows of the outbox.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.linking import link_queries, links, notices
from app.linking.graph_unlink import enqueue_unlink
from app.linking.values import LinkValue, Made, Refused, User
from app.messenger.events import AccountLinked, AccountUnlinked, Unusable
from app.messenger.types import PageId, Psid

Outcome = Made | Refused | LinkValue | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator's settings mean for what happens to links."""

    pages: frozenset[PageId]
    # Whether there is a bot that wants to be told.
    tells_bot: bool


def on_linked(session: Session, event: AccountLinked, *, policy: Policy, at: datetime) -> Outcome:
    """Make the link of *event*, or refuse it and have Messenger show Log In again."""
    outcome = _outcome(session, event, policy=policy, at=at)
    if not policy.tells_bot:
        return outcome
    match outcome:
        case Made():
            notices.on_made(session, outcome, at=at)
        case Refused():
            person = (event.page_id, event.psid)
            notices.on_refused(session, outcome, person, event.event_at, at=at)
    return outcome


def on_unlinked(
    session: Session, event: AccountUnlinked, *, policy: Policy, at: datetime
) -> Outcome:
    """End the link of *event*, if one stands."""
    _burn(session, event.authorization_code, "unlinked", policy=policy, at=at)
    if event.page_id not in policy.pages:
        return Refused("foreign page", None, None)
    ended = links.end_by_event(session, event, at=at)
    if ended is not None and policy.tells_bot:
        notices.on_ended(session, ended, at=at)
    return ended


def on_unusable(session: Session, event: Unusable, *, policy: Policy, at: datetime) -> Refused:
    """Make nothing of *event*, but burn the code it shows: whoever sent it knows it now."""
    return _burn(session, event.authorization_code, event.reason, policy=policy, at=at)


def end_one(  # noqa: PLR0913 - two of the six are one key
    session: Session, page_id: PageId, psid: Psid, *, cause: str, policy: Policy, at: datetime
) -> LinkValue | None:
    """End a link because the business says so, and tell Messenger; None where none stood."""
    ended = links.end(session, page_id, psid, cause=cause, at=at)
    if ended is not None:
        enqueue_unlink(session, page_id, psid, at=at)
        if policy.tells_bot:
            notices.on_ended(session, ended, at=at)
    return ended


def end_all(  # noqa: PLR0913 - whose, why, where, when
    session: Session,
    user: User,
    *,
    cause: str,
    policy: Policy,
    page: PageId | None = None,
    at: datetime,
) -> tuple[LinkValue, ...]:
    """End every link of *user*, or those on *page*, and tell Messenger; return those that stood."""
    ended = (
        end_one(session, link.page_id, link.psid, cause=cause, policy=policy, at=at)
        for link in link_queries.links_of_user(session, user)
        if page in {None, link.page_id}
    )
    return tuple(link for link in ended if link is not None)


def _burn(
    session: Session, code: str | None, reason: str, *, policy: Policy, at: datetime
) -> Refused:
    refused = links.burn(session, code, reason, at=at)
    if policy.tells_bot:
        notices.on_refused(session, refused, None, None, at=at)
    return refused


def _outcome(
    session: Session, event: AccountLinked, *, policy: Policy, at: datetime
) -> Made | Refused | None:
    if event.page_id not in policy.pages:
        return links.burn(session, event.authorization_code, "foreign page", at=at)
    outcome = links.redeem(session, event, at=at)
    if (
        isinstance(outcome, Refused)
        and link_queries.find_link(session, event.page_id, event.psid) is None
    ):
        # Else Messenger shows a Log Out that means nothing.
        enqueue_unlink(session, event.page_id, event.psid, at=at)
    return outcome
