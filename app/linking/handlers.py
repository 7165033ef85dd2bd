"""The effects of Messenger's events on links, and what follows from them.

One delivery is one transaction; what follows is rows of the outbox. A new kind of event is a class
in `app.messenger.events` and a row of `HANDLERS`; if the bot is to hear of it, also a notice in
`app.linking.notices`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.linking import (
    invitation_answers,
    invitation_claims,
    invitation_links,
    link_queries,
    link_rows,
    links,
    notices,
    resume,
    sign_in_names,
    voiding,
)
from app.linking.graph_unlink import enqueue_unlink
from app.linking.invitation_claims import ChatRules
from app.linking.invitation_outcomes import NOTHING, NotACode
from app.linking.values import (
    ENDED_BY_US,
    Ended,
    Endings,
    LinkValue,
    Made,
    Outcome,
    Refused,
    User,
)
from app.messenger.events import AccountLinked, AccountUnlinked, Event, Unusable
from app.messenger.invitation_events import (
    Answer,
    Claim,
    Disconnect,
    InvitationEvent,
    UnusableClaim,
)
from app.messenger.types import PageId, Psid

# Texts that may be codes, looked up of one delivery: each takes five statements while everybody
# waits for the writer. Who typed one of the rest can type it again.
MOST_TYPED: Final = 20


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's settings that decide what happens to links."""

    pages: frozenset[PageId]
    # Whether BOT_WEBHOOK_URL is set.
    tells_bot: bool
    # Where people see and end their own links, up to the page's id; None: nowhere.
    connections_url: str | None = None
    # None: INVITATIONS is off.
    invitations: ChatRules | None = None


def handle(session: Session, event: Event, *, policy: Policy, at: datetime) -> Outcome:
    """Apply *event*, which is of a class in `HANDLERS`; return what became of it."""
    return HANDLERS[type(event)](session, event, policy=policy, at=at)


def handle_all(
    session: Session, events: Sequence[Event], *, policy: Policy, at: datetime
) -> tuple[Outcome, ...]:
    """Apply the *events* of one delivery in their order; return what became of each."""
    typed = 0
    outcomes: list[Outcome] = []
    for event in events:
        is_typed = isinstance(event, Claim) and event.code is not None
        typed += is_typed
        if isinstance(event, Claim) and is_typed and typed > MOST_TYPED:
            outcomes.append(NotACode(event.page_id, "too many"))
        else:
            outcomes.append(handle(session, event, policy=policy, at=at))
    return tuple(outcomes)


def on_linked(session: Session, event: AccountLinked, *, policy: Policy, at: datetime) -> Outcome:
    """Make the link of *event*, or refuse it and have Messenger show Log In again."""
    outcome = _made_or_refused(session, event, policy=policy, at=at)
    if not policy.tells_bot:
        return outcome
    person = (event.page_id, event.psid)
    match outcome:
        case Made(state_ref=ref):
            text = resume.take(session, ref, *person)
            url = policy.connections_url
            notices.on_made(session, outcome, resume=text, connections_url=url, at=at)
        case Refused(state_ref=ref):
            text = resume.take(session, ref, *person)
            notices.on_refused(session, outcome, person, event.event_at, resume=text, at=at)
    return outcome


def on_unlinked(
    session: Session, event: AccountUnlinked, *, policy: Policy, at: datetime
) -> Outcome:
    """End the link of *event*, if the person is linked."""
    _burn(session, event.authorization_code, "unlinked", policy=policy, at=at)
    if event.page_id not in policy.pages:
        return Refused("foreign page", None, None)
    link = links.end_by_event(session, event, at=at)
    if link is None:
        return None
    if policy.tells_bot:
        notices.on_ended(session, link, at=at)
    return Ended(link)


def on_unusable(session: Session, event: Unusable, *, policy: Policy, at: datetime) -> Refused:
    """Make no link of *event*, but burn the code in it: the sender of the event knows it now."""
    return _burn(session, event.authorization_code, event.reason, policy=policy, at=at)


def on_invitation(
    session: Session, event: InvitationEvent, *, policy: Policy, at: datetime
) -> Outcome:
    """Apply an event of an invitation: what a chat brings, answers, or ends."""
    rules = policy.invitations
    if rules is None:
        return NOTHING
    outcome: Outcome = NOTHING
    match event:
        case UnusableClaim():
            outcome = invitation_claims.burn(session, event, rules=rules, at=at)
        case Claim(page_id=page_id, ref=str(ref)) if page_id not in policy.pages:
            unusable = UnusableClaim("page", ref)
            outcome = invitation_claims.burn(session, unusable, rules=rules, at=at)
        case _ if event.page_id not in policy.pages:
            pass
        case Claim():
            outcome = invitation_claims.claim(session, event, rules=rules, at=at)
        case Answer():
            outcome = invitation_answers.answer(session, event, rules=rules, at=at)
        case Disconnect():
            link = invitation_answers.disconnect(session, event, rules=rules, at=at)
            outcome = NOTHING if link is None else Ended(link)
    return outcome


# What happens on each class of event. Events without a handler go to the bot only.
HANDLERS: Final[Mapping[type, Callable[..., Outcome]]] = {
    AccountLinked: on_linked,
    AccountUnlinked: on_unlinked,
    Unusable: on_unusable,
    Answer: on_invitation,
    Claim: on_invitation,
    Disconnect: on_invitation,
    UnusableClaim: on_invitation,
}


def end_one(  # noqa: PLR0913 - two of the seven are one key
    session: Session,
    page_id: PageId,
    psid: Psid,
    *,
    cause: str,
    policy: Policy,
    but: str | None = None,
    at: datetime,
) -> Endings:
    """End a link for the business, and every attempt of the person; have Messenger informed.

    An attempt that was confirmed would become the link again when Messenger's event arrives. The
    attempt with the id *but* goes on.
    """
    # Before the links: an event that is being handled has its attempt first, and is waited for.
    attempts = voiding.void_of_person(session, page_id, psid, ENDED_BY_US, but=but, at=at)
    ended = _end(session, page_id, psid, cause=cause, policy=policy, at=at)
    return Endings(() if ended is None else (ended,), attempts)


def end_all(  # noqa: PLR0913 - whose, why, where, when
    session: Session,
    user: User,
    *,
    cause: str,
    policy: Policy,
    page: PageId | None = None,
    at: datetime,
) -> Endings:
    """End every link of *user* and every attempt, or those on *page*; have Messenger informed."""
    attempts = voiding.void_of_user(session, user, ENDED_BY_US, page=page, at=at)
    if page is None:
        sign_in_names.forget(session, user)
    ended = (
        _end(session, link.page_id, link.psid, cause=cause, policy=policy, at=at)
        for link in link_queries.links_of_user(session, user, page=page)
    )
    return Endings(tuple(link for link in ended if link is not None), attempts)


def _end(  # noqa: PLR0913 - two of the six are one key
    session: Session, page_id: PageId, psid: Psid, *, cause: str, policy: Policy, at: datetime
) -> LinkValue | None:
    # Read before the cause of the end takes its place: Messenger knows nothing of some links.
    before = link_rows.lock(session, page_id, psid)
    ended = links.end(session, page_id, psid, cause=cause, at=at)
    if ended is not None:
        if not invitation_links.is_made_here(before):
            enqueue_unlink(session, page_id, psid, at=at)
        if policy.tells_bot:
            notices.on_ended(session, ended, at=at)
    return ended


def _burn(
    session: Session, code: str | None, reason: str, *, policy: Policy, at: datetime
) -> Refused:
    refused = links.burn(session, code, reason, at=at)
    if policy.tells_bot:
        notices.on_refused(session, refused, None, None, at=at)
    return refused


def _made_or_refused(
    session: Session, event: AccountLinked, *, policy: Policy, at: datetime
) -> Made | Refused | None:
    if event.page_id not in policy.pages:
        return links.burn(session, event.authorization_code, "foreign page", at=at)
    outcome = links.redeem(session, event, at=at)
    if (
        isinstance(outcome, Refused)
        and link_queries.find_link(session, event.page_id, event.psid) is None
    ):
        # Else Messenger shows a Log Out button to a person who is not linked.
        enqueue_unlink(session, event.page_id, event.psid, at=at)
    return outcome
