"""The log and the counters of invitations, whichever way their steps come."""

from typing import assert_never

import structlog

from app.infra.observability import metrics
from app.linking.invitation_links import Confirmed, Refusal
from app.linking.invitation_outcomes import (
    Answered,
    Claimed,
    InvitationOutcome,
    InvitationRefused,
    NotACode,
    NothingNew,
)
from app.linking.invitation_status import CLAIMED_TWICE, SPENT

log = structlog.get_logger()

# The secret of an invitation is in other hands.
_ALARMING = frozenset({CLAIMED_TWICE, SPENT})


def report(outcome: InvitationOutcome) -> None:
    """Log and count the outcome of one event of Messenger's."""
    match outcome:
        case Claimed(reference, via, again):
            if via == "typed":
                metrics.count_typed_code("known")
            if not again:
                metrics.count_claim(via)
                metrics.count_invitation("claimed")
            log.info("invitation.claimed", reference=reference, via=via, again=again)
        case Answered(reference, is_yes):
            if is_yes:
                accepted(reference)
            else:
                metrics.count_invitation("declined")
                log.info("invitation.declined", reference=reference)
        case InvitationRefused(reason, reference):
            _refused(reason, reference)
        case NotACode(page_id, result):
            metrics.count_typed_code(result)
            if result == "resting":
                log.warning("invitation.typing_suspended", page=page_id)
            else:
                log.info("invitation.code_unknown", page=page_id, reason=result)
        case NothingNew():
            log.info("link.unchanged")
        case _:
            assert_never(outcome)


def created(reference: str, *, source: str, key: str | None = None) -> None:
    """Log and count a new invitation of *source*: "page", "handoff", or "api" with the *key*."""
    metrics.count_invitation("created")
    log.info("invitation.created", reference=reference, source=source, key=key)


def accepted(reference: str) -> None:
    """Log and count the chat's consent."""
    metrics.count_invitation("accepted")
    log.info("invitation.accepted", reference=reference)


def refused(refusal: Refusal, reference: str) -> None:
    """Log and count a refusal of what the page or the site has sent."""
    _refused(refusal.name.lower().replace("_", " "), reference)


def confirmed(done: Confirmed) -> None:
    """Log and count a link that was just made; nothing where it was there before."""
    if not done.is_new:
        return
    metrics.count_link_event("made")
    metrics.count_invitation("linked")
    log.info(
        "link.made",
        page=done.link.page_id,
        psid=done.link.psid,
        reference=done.link.reference,
        cause=done.link.cause,
        replaced=False,
        also_opened_elsewhere=False,
    )


def _refused(reason: str, reference: str | None) -> None:
    metrics.count_invitation("refused")
    level = log.error if reason in _ALARMING else log.warning
    level("invitation.refused", reason=reason, reference=reference)
