"""The log and the counters of invitations' events."""

from typing import assert_never

import structlog

from app.infra.observability import metrics
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
    """Log and count what became of one event."""
    match outcome:
        case Claimed(reference, via, again):
            if via == "typed":
                metrics.count_typed_code("known")
            if not again:
                metrics.count_claim(via)
                metrics.count_invitation("claimed")
            log.info("invitation.claimed", reference=reference, via=via, again=again)
        case Answered(reference, is_yes):
            metrics.count_invitation("accepted" if is_yes else "declined")
            if is_yes:
                log.info("invitation.accepted", reference=reference)
            else:
                log.info("invitation.declined", reference=reference)
        case InvitationRefused(reason, reference):
            metrics.count_invitation("refused")
            level = log.error if reason in _ALARMING else log.warning
            level("invitation.refused", reason=reason, reference=reference)
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
