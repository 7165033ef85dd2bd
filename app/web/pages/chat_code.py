"""The six digits that are sent to the person's chat where CONFIRM_IN_CHAT asks for them."""

import hmac
import re
import secrets
import unicodedata
from typing import Final

import structlog

from app.infra import clock
from app.infra.network.http_client import Deadline
from app.linking import attempts, chat_code, flow
from app.linking.attempt_events import Kind
from app.linking.attempt_status import AttemptStatus
from app.linking.values import REGION
from app.messenger.errors import GraphError, PersonUnknown, RegionRefused, WindowClosed
from app.web import obstacles
from app.web.current import services
from app.web.exceptions import DigitsNotDelivered
from app.web.languages import translation
from app.web.languages.message import NP_
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.brands import shown_brand
from app.web.pages.recognition import GRAPH_PATIENCE_S

log = structlog.get_logger()

# The person can do something about these; every other refusal is the operator's.
HELPED_BY_WRITING: Final = (WindowClosed, PersonUnknown)

# The code first: a notification shows it, and the page can stay open.
TEXT: Final = NP_(
    "security",
    "%(code)s is your %(page)s code. It connects this Messenger profile to an account. Don’t share "
    "it with anyone.",
)
# What a person copies with the code: spaces, and the marks around it.
_AROUND: Final = re.compile(r"[\s\u2066-\u2069]")


def is_needed(status: AttemptStatus) -> bool:
    """Return whether this attempt is confirmed only with digits from the chat."""
    return chat_code.is_needed(status, services().settings.confirm_in_chat)


def send(cookie: AttemptCookie, status: AttemptStatus, *, is_first: bool = False) -> None:
    """Send new digits to the profile of the attempt. Slow: call it with admission only.

    With *is_first* only if none are asked for: a form that was sent twice sends one message.

    Raises:
        RegionRefused: Meta's rules do not allow the link; the attempt is ended.
        DigitsNotDelivered: The person has to write to the page first.
        DigitsSentTooOften: The attempt has had as many messages as it may have.
        RateLimited: The profile has.
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
        GraphError: Messenger does not answer, asks us to wait, or refuses what is ours.
    """
    if status.psid is None:
        return
    counters = services().rate_limit_keys.digits_sent(status.page_id, status.psid)
    digits = f"{secrets.randbelow(10**6):06}"
    sending = services().write(
        flow.begin_sending_digits,
        cookie.ticket,
        counters,
        digits_hash(cookie, digits),
        is_first=is_first,
        at=clock.now(),
    )
    if sending is None:
        return
    text = text_of(digits, shown_brand(status.page_id).name, translation.language())
    try:
        graph = services().graph[status.page_id]
        graph.send_text(status.psid, text, deadline=Deadline(GRAPH_PATIENCE_S))
    except GraphError as exc:
        services().write(chat_code.take_back, sending)
        if isinstance(exc, RegionRefused):
            services().write(attempts.refuse, cookie.ticket, REGION, at=clock.now())
        if isinstance(exc, HELPED_BY_WRITING):
            log.warning("digits.not_delivered", told=str(exc))
            raise DigitsNotDelivered(exc) from exc
        raise
    obstacles.note(Kind.CHAT_CODE_SENT)
    log.info("digits.sent")


def text_of(digits: str, page: str, language: str) -> str:
    """Return the message with *digits* to a person who reads *language*."""
    shown = TEXT.with_values(code=f"{digits[:3]} {digits[3:]}", page=page)
    return translation.plain(shown, language)


def _plain_digit(char: str) -> str:
    """Return *char* as a digit from 0 to 9, in whatever script a keyboard has it."""
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def digits_hash(cookie: AttemptCookie, typed: str) -> str:
    """Return the hash, in hex, by which digits are stored and compared.

    Keyed, since a million can be tried at once; for the attempt, not for its present secret: the
    digits stay good when another user signs in.
    """
    plain = "".join(map(_plain_digit, _AROUND.sub("", typed)))
    message = f"{cookie.ticket.attempt_id} digits {plain}"
    return hmac.digest(cookie.code_key, message.encode("utf-8", "replace"), "sha256").hex()
