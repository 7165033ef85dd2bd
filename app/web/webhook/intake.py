"""One delivery of Messenger's, whichever way it has come in: checked, taken in, told of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.orm import Session

from app.infra.observability import metrics
from app.infra.settings.settings import Settings
from app.linking.delivery_counts import Signer
from app.linking.handlers import Outcome, Policy, on_linked, on_unlinked, on_unusable
from app.linking.links import MOST_AHEAD
from app.linking.values import Made, Refused
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
from app.outbox.bot_webhooks import Headers, RawDelivery, enqueue_delivery

log = structlog.get_logger()

_MOST_LATE: Final = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody needs of a delivery: the links its *linking* events, the bot all of it."""

    linking: tuple[Event, ...]
    passed_on: RawDelivery | None

    def __bool__(self) -> bool:
        return bool(self.linking or self.passed_on)


def signer(settings: Settings, body: bytes, headers: Headers) -> Signer:
    """Return by which of our app secrets *body* is signed.

    Raises:
        BadSignature: By none of them.
    """
    given = headers.get("X-Hub-Signature-256")
    which = check_signature(body, given, app_secrets=settings.app_secrets)
    return "previous" if which else "current"


def wanted(settings: Settings, body: bytes, headers: Headers) -> Wanted:
    """Return what is to be kept of the signed *body*.

    Raises:
        BadPayload: It is no JSON object, or too deep to be read.
    """
    delivery = parse_delivery(body)
    linking = tuple(event for event in delivery.events if not isinstance(event, Other))
    is_passed_on = _is_for_the_bot(settings, delivery)
    return Wanted(linking, RawDelivery(body, headers) if is_passed_on else None)


def take_in(
    session: Session, wanted: Wanted, *, policy: Policy, at: datetime
) -> tuple[Outcome, ...]:
    """Do what each linking event asks for, in their order, and put down what is the bot's."""
    outcomes: list[Outcome] = []
    for event in wanted.linking:
        match event:
            case AccountLinked():
                outcomes.append(on_linked(session, event, policy=policy, at=at))
            case AccountUnlinked():
                outcomes.append(on_unlinked(session, event, policy=policy, at=at))
            case Unusable():
                outcomes.append(on_unusable(session, event, policy=policy, at=at))
            case Other():
                pass  # the bot's: it goes with the whole delivery
    if wanted.passed_on:
        enqueue_delivery(session, wanted.passed_on, at=at)
    return tuple(outcomes)


def tell(wanted: Wanted, outcomes: tuple[Outcome, ...], *, at: datetime) -> None:
    """Log and count what has become of each linking event."""
    for event, outcome in zip(wanted.linking, outcomes, strict=True):
        _tell_odd_time(event, at)
        _tell(outcome)


def _is_for_the_bot(settings: Settings, delivery: Delivery) -> bool:
    if settings.bot.messenger_url is None:
        return False
    return settings.bot.messenger_linking or not delivery.is_only_linking


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
