"""Six digits in the chat, for businesses that need more than consent (CONFIRM_IN_CHAT)."""

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.orm import Session

from app.accounts import rate_limiter
from app.accounts.rate_limits import Counter
from app.infra import clock
from app.infra.network.http_client import Deadline
from app.linking import chat_code
from app.linking.attempts import AttemptStatus, Ticket
from app.messenger.errors import GraphRefused, TokenDead
from app.web.current import services
from app.web.exceptions import DigitsNotDelivered
from app.web.pages.attempt_cookie import AttemptCookie

log = structlog.get_logger()

# As long as for Graph's other answers (security.md R103).
PATIENCE_S: Final = 4.0
TEXT: Final = (
    "{digits} are your digits. Enter them on the page that asks for them, to connect this "
    "Messenger profile. Give them to nobody who asks you for them."
)


def are_needed(standing: AttemptStatus) -> bool:
    """Tell whether this attempt is confirmed only with digits out of the chat."""
    match services().settings.confirm_in_chat:
        case "always":
            return True
        case "unnamed":
            return standing.messenger_name is None
        case _:
            return False


def send(held: AttemptCookie, standing: AttemptStatus) -> None:
    """Send new digits to the profile of the attempt. Slow: only within the gate.

    Raises:
        DigitsNotDelivered: Messenger refuses the message.
        DigitsSentTooOften: They have been sent as often as may be in one attempt.
        RateLimited: … or to one profile.
        AttemptError: There is nobody to send them to, or no use in it any more.
        GraphError: Messenger does not answer, or knows us no more.
    """
    if standing.psid is None:
        return
    messages = services().rate_limit_keys.digits_sent(standing.page_id, standing.psid)
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
    services().write(chat_code.remember, held.ticket, digits_hash(held, new), at=clock.now())
    log.info("digits.sent", reference=standing.reference)


def _count_sending(
    session: Session, ticket: Ticket, messages: Sequence[Counter], *, at: datetime
) -> None:
    chat_code.count_sending(session, ticket, at=at)
    rate_limiter.hit(session, messages, at=at)


def digits_hash(held: AttemptCookie, typed: str) -> str:
    """Return what is kept of digits; keyed twice, since a million can be tried at once."""
    plain = re.sub(r"\s", "", typed)
    message = f"{held.ticket.secret} digits {plain}"
    return hmac.digest(held.code_key, message.encode("utf-8", "replace"), "sha256").hex()
