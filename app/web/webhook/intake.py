"""The intake of one delivery, the same on the fast path and in Flask: checked, stored, reported.

Where the bot reads from a log (BOT_MESSENGER_URL), a delivery is acknowledged once its link events
are committed **and** it is in the log. The commit comes first; then the log; then the 200:

- It ends before the commit: nothing is stored, and Messenger, which got no 200, repeats the
  delivery.
- It ends between the two: the links are changed, the log lacks the delivery. Messenger repeats it;
  its events are found done and change nothing (no second notice), and it is appended.
- It ends after the append and before the 200: Messenger repeats it. Its events change nothing, and
  the log drops an entry whose id, the body's digest, it has seen within its duplicate window.
  Later repeats are in the log twice with the same id, and the bot leaves out the second.
- The database takes nothing: 503 and nothing in the log, so no bot looks for a link that is not
  there. The log takes nothing: 503, and the changed links stay, as between the two.

The other order would let the bot read of a link before it is made.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

import structlog

from app.delivery_log.entries import entry_of
from app.delivery_log.log import Entry
from app.infra.observability import metrics
from app.infra.settings.settings import Settings
from app.linking.delivery_counts import Signer
from app.linking.flow import are_used
from app.linking.handlers import HANDLERS
from app.linking.invitation_outcomes import (
    Answered,
    Claimed,
    InvitationRefused,
    NotACode,
    NothingNew,
)
from app.linking.links import MOST_AHEAD
from app.linking.values import Ended, Made, Outcome, Refused
from app.messenger.events import AccountLinked, AccountUnlinked, Delivery, Event, parse_delivery
from app.messenger.page_integrity import PageIntegrity, read_events
from app.messenger.signature import SIGNATURE, check_signature
from app.outbox.bot_webhooks import Headers, RawDelivery
from app.web import invitation_reports

log = structlog.get_logger()

_MOST_LATE: Final = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parts of a delivery that are acted on: events with a handler, and all of it for the bot.

    The bot gets it by the outbox (*passed_on*) or by the log (*appended*). What it says of our
    pages' standing at Meta is only reported. False where there is nothing to do.
    """

    events: tuple[Event, ...]
    passed_on: RawDelivery | None
    standings: tuple[PageIntegrity, ...] = ()
    appended: Entry | None = None
    # The bot gets it only if an event turns out not to be one of an invitation.
    unless_used: bool = False

    def __bool__(self) -> bool:
        return bool(self.events or self.passed_on or self.standings or self.appended)

    def entry_after(self, outcomes: tuple[Outcome, ...]) -> Entry | None:
        """Return what the log is to have, now that the *outcomes* are known."""
        return None if self.unless_used and are_used(outcomes) else self.appended


def signer(settings: Settings, body: bytes, headers: Headers) -> Signer:
    """Return which of our app secrets *body* is signed with.

    Raises:
        BadSignature: None of them.
    """
    signature = headers.get(SIGNATURE)
    which = check_signature(body, signature, app_secrets=settings.app_secrets)
    return "previous" if which else "current"


def wanted(settings: Settings, body: bytes, headers: Headers) -> Wanted:
    """Return what is to be done with the signed *body*.

    Raises:
        BadPayload: It is not a JSON object, or nested too deeply.
    """
    delivery = parse_delivery(body, with_invitations=settings.invitations.enabled)
    events = tuple(event for event in delivery.events if type(event) in HANDLERS)
    passed_on = RawDelivery(body, headers) if _is_for_the_bot(settings, delivery) else None
    appended = None
    if passed_on and settings.bot.messenger_log:
        appended, passed_on = entry_of(passed_on, page_id=delivery.page_id), None
    unless_used = not settings.bot.messenger_linking and delivery.is_only_invitations
    if not delivery.has_event_of_nobody:
        return Wanted(events, passed_on, appended=appended, unless_used=unless_used)
    ours = {page.id for page in settings.pages}
    told = (integrity for integrity in read_events(body) if integrity.page_id in ours)
    return Wanted(events, passed_on, tuple(told), appended, unless_used)


def report(wanted: Wanted, outcomes: tuple[Outcome, ...], *, at: datetime) -> None:
    """Log and count the outcome of each event, and what Meta says of our pages."""
    for event, outcome in zip(wanted.events, outcomes, strict=True):
        _report_odd_time(event, at)
        _report(outcome)
    for integrity in wanted.standings:
        _report_standing(integrity)


def _report_standing(told: PageIntegrity) -> None:
    metrics.count_page_standing(told.standing)
    match told.standing:
        case "restricted":
            log.error(
                "page.restricted",
                page=told.page_id,
                status=told.status,
                features=told.features,
                violations=told.violations,
                until=told.until and told.until.isoformat(),
            )
        case "warned":
            log.warning(
                "page.warned",
                page=told.page_id,
                status=told.status,
                features=told.features,
                violations=told.violations,
            )
        case "lifted":
            log.info("page.restriction_lifted", page=told.page_id, features=told.features)
        case "other":
            log.info("page.appeal", page=told.page_id, status=told.status)
        case _:
            assert_never(told.standing)


def _is_for_the_bot(settings: Settings, delivery: Delivery) -> bool:
    if not settings.bot.gets_deliveries:
        return False
    return settings.bot.messenger_linking or not delivery.is_only_linking


def _report_odd_time(event: Event, at: datetime) -> None:
    # Acted on all the same: Messenger signs no time of its own, and repeats for long (R38).
    if isinstance(event, AccountLinked | AccountUnlinked):
        ahead = event.event_at - at
        if ahead > MOST_AHEAD or -ahead > _MOST_LATE:
            log.warning("link.odd_event_time", page=event.page_id, ahead_s=ahead.total_seconds())


def _report(outcome: Outcome) -> None:
    match outcome:
        case Made(link, replaced, also_opened_elsewhere):
            metrics.count_link_event("replaced" if replaced else "made")
            log.info(
                "link.made",
                page=link.page_id,
                psid=link.psid,
                reference=link.reference,
                cause=link.cause,
                replaced=replaced is not None,
                also_opened_elsewhere=also_opened_elsewhere,
            )
        case Refused(reason, user, reference):
            metrics.count_link_event("refused")
            level = log.error if reason in {"other person", "spent"} and user else log.warning
            level("link.refused", reason=reason, reference=reference)
        case Ended(link):
            metrics.count_link_event("ended")
            log.info(
                "link.ended",
                page=link.page_id,
                psid=link.psid,
                cause=link.cause,
                reference=link.reference,
            )
        case Claimed() | Answered() | InvitationRefused() | NotACode() | NothingNew():
            invitation_reports.report(outcome)
        case None:
            metrics.count_link_event("unchanged")
            log.info("link.unchanged")
        case _:
            assert_never(outcome)
