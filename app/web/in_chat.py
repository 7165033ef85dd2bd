"""Six digits in the chat, for businesses that need more than consent (CONFIRM_IN_CHAT)."""

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.orm import Session

from app import clock
from app.accounts import throttle
from app.accounts.limits import Counter
from app.linking import digits
from app.linking.attempts import Standing, Ticket
from app.messenger.errors import GraphRefused, TokenDead
from app.outbound import Deadline
from app.services import services
from app.web.attempt_cookie import Held

log = structlog.get_logger()

# As long as for Graph's other answers (security.md R103).
PATIENCE_S: Final = 4.0
TEXT: Final = (
    "{digits} are your digits. Enter them on the page that asks for them, to connect this "
    "Messenger profile. Give them to nobody who asks you for them."
)


class DigitsNotDelivered(Exception):
    """Messenger does not let us write to this person now."""


def are_needed(standing: Standing) -> bool:
    """Tell whether this attempt is confirmed only with digits out of the chat."""
    match services().settings.confirm_in_chat:
        case "always":
            return True
        case "unnamed":
            return standing.messenger_name is None
        case _:
            return False


def send(held: Held, standing: Standing) -> None:
    """Send new digits to the profile of the attempt. Slow: only within the gate.

    Raises:
        DigitsNotDelivered: Messenger refuses the message.
        DigitsSentTooOften: They have been sent as often as may be in one attempt.
        Throttled: … or to one profile.
        AttemptError: There is nobody to send them to, or no use in it any more.
        GraphError: Messenger does not answer, or knows us no more.
    """
    if standing.psid is None:
        return
    messages = services().keyring.digits_sent(standing.page_id, standing.psid)
    services().write(_count_sending, held.ticket, messages, at=clock.now())
    new = f"{secrets.randbelow(10**6):06}"
    text = TEXT.format(digits=f"{new[:3]} {new[3:]}")
    try:
        graph = services().graph[standing.page_id]
        graph.send_text(standing.psid, text, deadline=Deadline(PATIENCE_S))
    except TokenDead:
        raise
    except GraphRefused as exc:
        # Outside the hours in which a page may write (10, 2018278), or blocked by the person.
        log.warning("digits.not_delivered", reference=standing.reference, code=exc.code)
        raise DigitsNotDelivered from exc
    services().write(digits.remember, held.ticket, digits_hash(held, new), at=clock.now())
    log.info("digits.sent", reference=standing.reference)


def _count_sending(
    session: Session, ticket: Ticket, messages: Sequence[Counter], *, at: datetime
) -> None:
    digits.count_sending(session, ticket, at=at)
    throttle.take(session, messages, at=at)


def digits_hash(held: Held, typed: str) -> str:
    """Return what is kept of digits; keyed twice, since a million can be tried at once."""
    plain = re.sub(r"\s", "", typed)
    message = f"{held.ticket.secret} digits {plain}"
    return hmac.digest(held.code_key, message.encode("utf-8", "replace"), "sha256").hex()
