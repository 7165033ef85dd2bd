"""Messenger's side of the conversation: the handshake, and deliveries."""

import hmac
import re
from datetime import datetime, timedelta
from typing import Final

import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import clock, metrics
from app.config import Settings
from app.linking.handlers import Outcome, on_linked, on_unlinked, on_unusable
from app.linking.links import MOST_AHEAD, Made, Refused
from app.linking.policy import Policy
from app.messenger.errors import BadSignature
from app.messenger.events import (
    AccountLinked,
    AccountUnlinked,
    Delivery,
    Event,
    Other,
    Unusable,
    parse_delivery,
)
from app.messenger.signature import check_signature
from app.outbox.bot import Delivered, add_delivery
from app.services import Services, services

log = structlog.get_logger()
bp = Blueprint("webhook", __name__, url_prefix="/webhook")

# Echoed only when it cannot be markup.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_MOST_LATE: Final = timedelta(hours=48)


@bp.get("")
def handshake() -> ResponseReturnValue:
    """Show Meta that the address is ours (Meta, "Webhooks, Getting Started")."""
    given = request.args.get("hub.verify_token", "").encode()
    known = services().settings.verify_token.encode()
    if request.args.get("hub.mode") != "subscribe" or not hmac.compare_digest(given, known):
        log.warning("webhook.handshake_refused")
        return "", 403
    challenge = request.args.get("hub.challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        return "", 400
    log.info("webhook.handshake")
    return Response(challenge, mimetype="text/plain")


@bp.post("")
def receive() -> ResponseReturnValue:
    """Take in one delivery; 200 says that it is committed."""
    built = services()
    body = request.get_data(cache=False)
    _check_signature(built, body)
    delivery = parse_delivery(body)
    linking = tuple(event for event in delivery.events if not isinstance(event, Other))
    is_passed_on = _is_for_the_bot(built.settings, delivery)
    passed_on = Delivered(body, request.headers) if is_passed_on else None
    if linking or passed_on:
        policy, at = built.policy, clock.now()
        outcomes = built.write(_take_in, linking, passed_on, policy=policy, at=at)
        for event, outcome in zip(linking, outcomes, strict=True):
            _tell_odd_time(event, at)
            _tell(outcome)
    # Nothing to be shown: what a page would carry is not sent.
    return Response(status=200, mimetype="text/plain")


def _check_signature(built: Services, body: bytes) -> None:
    """Make sure that Messenger has sent *body*, and have it counted either way.

    Raises:
        BadSignature: None of our app secrets signed it.
    """
    signature = request.headers.get("X-Hub-Signature-256")
    try:
        which = check_signature(body, signature, app_secrets=built.settings.app_secrets)
    except BadSignature:
        built.tally.note("refused", at=clock.now())
        raise
    built.tally.note("previous" if which else "current", at=clock.now())


def _is_for_the_bot(settings: Settings, delivery: Delivery) -> bool:
    if settings.bot_messenger_url is None:
        return False
    return settings.bot_messenger_linking or not delivery.is_only_linking


def _take_in(
    session: Session,
    events: tuple[Event, ...],
    passed_on: Delivered | None,
    *,
    policy: Policy,
    at: datetime,
) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    for event in events:
        match event:
            case AccountLinked():
                outcomes.append(on_linked(session, event, policy=policy, at=at))
            case AccountUnlinked():
                outcomes.append(on_unlinked(session, event, policy=policy, at=at))
            case Unusable():
                outcomes.append(on_unusable(session, event, policy=policy, at=at))
            case Other():
                pass  # the bot's: it goes with the whole delivery
    if passed_on:
        add_delivery(session, passed_on, at=at)
    return tuple(outcomes)


def _tell_odd_time(event: Event, at: datetime) -> None:
    # Acted on all the same: Messenger signs no time of its own, and repeats for long (R38).
    if isinstance(event, AccountLinked | AccountUnlinked):
        ahead = event.event_at - at
        if ahead > MOST_AHEAD or -ahead > _MOST_LATE:
            log.warning("link.odd_event_time", page=event.page_id, ahead_s=ahead.total_seconds())


def _tell(outcome: Outcome) -> None:
    match outcome:
        case Made(link, replaced, also_opened_elsewhere):
            metrics.count_link_event("replaced" if replaced else "made")
            log.info(
                "link.made",
                page=link.page_id,
                reference=link.reference,
                replaced=replaced is not None,
                also_opened_elsewhere=also_opened_elsewhere,
            )
        case Refused(reason, user, reference):
            metrics.count_link_event("refused")
            level = log.error if reason in {"other person", "spent"} and user else log.warning
            level("link.refused", reason=reason, reference=reference)
        case None:
            metrics.count_link_event("unchanged")
            log.info("link.unchanged")
        case ended:
            metrics.count_link_event("ended")
            log.info("link.ended", page=ended.page_id, cause=ended.cause, reference=ended.reference)
