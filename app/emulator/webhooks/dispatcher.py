"""The webhook dispatcher: which events are delivered, when, and how often they are retried."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

from app.emulator.clock import MovableClock
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.faults.switches import FaultSwitches
from app.emulator.settings import EmulatorSettings
from app.emulator.state import State
from app.emulator.webhooks import verification
from app.emulator.webhooks.delivery_sender import DeliverySender, webhook_request
from app.emulator.webhooks.events import Event
from app.emulator.webhooks.http_sender import HttpSender, OutgoingRequest, check_status
from app.emulator.webhooks.payloads import Delivery, TimedEvent
from app.emulator.webhooks.schedule import (
    DISABLE_AFTER,
    RETRY_AFTER,
    Schedule,
    ScheduledDelivery,
    WebhookHealth,
)
from app.emulator.webhooks.worker import Worker

_LATE = timedelta(hours=1)
_REORDERED_ALONE = timedelta(minutes=1)
# A Graph client that never reads its answer must not block the webhooks of all others.
_LONGEST_ANSWER_SECONDS = 10


class WebhookDispatcher:
    """Delivers events to the webhook: at once with `deliver`, in the background with `enqueue`.

    Retries follow the emulator's clock: `advance` makes hours of them in no time.
    """

    def __init__(
        self,
        settings: EmulatorSettings,
        state: State,
        sender: HttpSender,
        faults: FaultSwitches,
        clock: MovableClock,
    ) -> None:
        self._state = state
        self._sender = sender
        self._faults = faults
        self._clock = clock
        self._deliveries = DeliverySender(settings, state, sender, faults, clock)
        self._schedule = Schedule()
        self._health = WebhookHealth()
        self._worker = Worker(self._schedule, clock)
        self._last_delivered: dict[str, TimedEvent] = {}

    def deliver(self, event: Event, *, at: datetime | None = None) -> Failure | None:
        """Post *event*, which happened just now or at *at*; None means that it was accepted.

        An event that a fault delays returns None too: nothing has failed yet.
        """
        missing, faults = self._missing_subscription(event)
        if missing is not None:
            self._sender.record_unsent(webhook_request(event.title, faults=faults), missing)
            return missing
        timed = TimedEvent(event, at or self._clock())
        reorders = "reordered" in self._faults.on()
        earlier = self._schedule.pop_page(event.page_id, only_new=True) if reorders else []
        is_ref_late = "ref-late" in event.faults
        if is_ref_late or self._faults.fires("late"):
            self._delay(timed, _LATE, "ref-late" if is_ref_late else "late")
            return None
        if not earlier and self._faults.fires("reordered"):
            self._delay(timed, _REORDERED_ALONE, "reordered")
            return None
        failure = self._send_new((timed,))
        for scheduled in earlier:
            scheduled.run(scheduled)
        return failure

    def enqueue(
        self,
        event: Event,
        *,
        at: datetime | None = None,
        after: threading.Event | None = None,
    ) -> None:
        """Deliver *event* in the background, in order, and not before *after* is set."""

        def deliver() -> None:
            if after is not None:
                after.wait(_LONGEST_ANSWER_SECONDS)
            self.deliver(event, at=at)

        self._worker.enqueue(deliver)

    def resend(self, request: OutgoingRequest) -> None:
        """Send *request* unchanged in the background, once: it is not retried."""

        def send() -> None:
            self._sender.send(request, seconds=self._deliveries.time_limit, check=check_status)

        self._worker.enqueue(send)

    def verify(self, callback_url: str, verify_token: str) -> Failure | None:
        """Verify that *callback_url* echoes a challenge; None means that it does."""
        seconds = self._deliveries.time_limit
        return verification.verify(self._sender, callback_url, verify_token, seconds=seconds)

    def settle(self) -> None:
        """Wait until the queue is empty; deliveries scheduled for later stay scheduled."""
        self._worker.settle()

    def advance(self, by: timedelta) -> None:
        """Move Messenger's clock forward, and make every delivery that falls due on the way."""
        self.settle()
        end, ahead = self._clock() + by, self._clock.ahead + by
        while (scheduled := self._schedule.pop_due(end)) is not None:
            self._clock.move_to(scheduled.at)
            scheduled.run(scheduled)
            self.settle()
        self._clock.ensure_ahead(ahead)

    def clear(self) -> None:
        """Drop every scheduled delivery and the record of failures."""
        self.settle()
        self._schedule.clear()
        self._health.clear()
        self._last_delivered.clear()

    def close(self) -> None:
        """Stop the background thread once its queue is empty."""
        self._worker.close()

    def _missing_subscription(self, event: Event) -> tuple[Failure | None, tuple[str, ...]]:
        """Return why *event* is not subscribed, if so, and the fault that caused it."""
        subscription = self._state.app_subscription
        if subscription is None or not subscription.is_active:
            return failures.APP_NOT_SUBSCRIBED, ()
        for fault, missing in (
            ("app-field-missing", failures.app_field_missing(event.field)),
            ("page-field-missing", failures.page_field_missing(event.field)),
        ):
            if self._faults.fires(fault):
                return missing, (fault,)
        if event.field not in subscription.fields:
            return failures.app_field_missing(event.field), ()
        if event.field not in self._state.page_fields(event.page_id):
            return failures.page_field_missing(event.field), ()
        return None, ()

    def _delay(self, timed: TimedEvent, by: timedelta, fault: str) -> None:
        now = self._clock()
        until = f"{now + by:%H:%M:%S}"
        request = webhook_request(timed.event.title, faults=(fault,))
        self._sender.record_delayed(request, until=until)
        scheduled = ScheduledDelivery(
            at=now + by,
            events=(timed,),
            since=now,
            retries=0,
            run=lambda scheduled: _discard(self._send_new(scheduled.events)),
        )
        self._worker.schedule(scheduled)

    def _send_new(self, events: tuple[TimedEvent, ...]) -> Failure | None:
        delivery = self._deliveries.pack(events)
        if self._faults.fires("other-objects"):
            self._deliveries.send_other_object()
        failure = self._attempt(delivery)
        if "ref-twice" in delivery.faults or self._faults.fires("twice"):
            self._attempt(replace(delivery, faults=(*delivery.faults, "twice")))
        if failure is not None and not delivery.is_forged:
            self._schedule_retry(delivery, since=self._clock(), retries=0)
        return failure

    def _attempt(self, delivery: Delivery, *, retry: int = 0) -> Failure | None:
        """Send *delivery* once, as retry number *retry*, and record the outcome."""
        subscription = self._state.app_subscription
        if subscription is None:
            request = webhook_request(delivery.title_of_attempt(retry), faults=delivery.faults)
            self._sender.record_unsent(request, failures.APP_NOT_SUBSCRIBED)
            return failures.APP_NOT_SUBSCRIBED
        failure = self._deliveries.send(delivery, to=subscription.callback_url, retry=retry)
        if not delivery.is_forged:
            self._record_outcome(delivery, failure)
        return failure

    def _record_outcome(self, delivery: Delivery, failure: Failure | None) -> None:
        """Keep count of failures in a row: alert after 15 minutes, unsubscribe after an hour."""
        page_id = delivery.page_id
        if failure is None:
            self._health.succeeded(page_id)
            self._last_delivered[page_id] = delivery.events[-1]
            return
        threshold = self._health.failed(page_id, self._clock())
        if threshold is None:
            return
        name = self._state.pages[page_id].name
        notice = replace(webhook_request(f"Alert to developers, {name}"), kind="notice")
        if threshold != DISABLE_AFTER:
            self._sender.record_unsent(notice, failures.FAILING_FOR_15_MINUTES)
            return
        self._state.set_page_fields(page_id, ())
        self._schedule.pop_page(page_id)
        notice = replace(notice, title=f"Webhooks disabled, {name}")
        self._sender.record_unsent(notice, failures.DISABLED)

    def _schedule_retry(self, delivery: Delivery, *, since: datetime, retries: int) -> None:
        if not self._state.page_fields(delivery.page_id):
            return
        if retries >= len(RETRY_AFTER):
            self._sender.record_unsent(webhook_request(delivery.title), failures.GIVEN_UP)
            return

        def run(scheduled: ScheduledDelivery) -> None:
            self._retry(scheduled, delivery)

        scheduled = ScheduledDelivery(
            at=since + RETRY_AFTER[retries],
            events=delivery.events,
            since=since,
            retries=retries + 1,
            run=run,
        )
        if retries == 0:
            self._worker.enqueue(lambda: run(scheduled))
        else:
            self._worker.schedule(scheduled)

    def _retry(self, scheduled: ScheduledDelivery, delivery: Delivery) -> None:
        for again in self._repack(scheduled) or (delivery,):
            if self._attempt(again, retry=scheduled.retries) is not None:
                self._schedule_retry(again, since=scheduled.since, retries=scheduled.retries)

    def _repack(self, scheduled: ScheduledDelivery) -> tuple[Delivery, ...]:
        """Return the deliveries that replace a retry under the fault “recut”; empty without it.

        One event is packed together with all that wait for its page; several become one each.
        """
        if not self._faults.fires("recut"):
            return ()
        if len(scheduled.events) > 1:
            return tuple(self._deliveries.pack((timed,)) for timed in scheduled.events)
        page_id = scheduled.page_id
        others = [timed for each in self._schedule.pop_page(page_id) for timed in each.events]
        if not others and page_id in self._last_delivered:
            others = [self._last_delivered[page_id]]
        together = self._deliveries.pack((*scheduled.events, *others))
        return (replace(together, faults=(*together.faults, "recut")),)


def _discard(_failure: Failure | None) -> None:
    """Discard a result that no caller waits for: the journal has it."""
