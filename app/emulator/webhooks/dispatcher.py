"""Brings events to the webhook: who is to hear of what, and in how many tries."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from app.emulator import ids
from app.emulator.clock import MovableClock
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.faults.switches import FaultSwitches
from app.emulator.settings import EmulatorSettings
from app.emulator.state import State
from app.emulator.webhooks.events import Event
from app.emulator.webhooks.http_sender import Answer, HttpSender, Judge, Post, accepted, echoes
from app.emulator.webhooks.payloads import Delivery, TimedEvent, about_another_object, pack
from app.emulator.webhooks.schedule import (
    DISABLE_AFTER,
    REPEAT_AFTER,
    Health,
    Schedule,
    ScheduledDelivery,
)
from app.emulator.webhooks.worker import Worker

_HANDSHAKE_AGENT = "facebookplatform/1.0 (+http://developers.facebook.com)"
_SHORT_LIMIT_SECONDS = 5.0
_LATE = timedelta(hours=1)
_ALONE = timedelta(minutes=1)
_OK = 200
# A caller that never takes its answer must not hold up the webhooks of all others.
_LONGEST_ANSWER_SECONDS = 10


class WebhookDispatcher:
    """Delivers events at once (`deliver`), and in the background whatever can wait or comes again.

    The repeats follow the clock of the emulator: `advance` lets hours of them pass in no time.
    """

    def __init__(
        self,
        settings: EmulatorSettings,
        state: State,
        sender: HttpSender,
        faults: FaultSwitches,
        clock: MovableClock,
    ) -> None:
        self._settings = settings
        self._state = state
        self._sender = sender
        self._faults = faults
        self._clock = clock
        self._schedule = Schedule()
        self._health = Health()
        self.worker = Worker(self._schedule, clock)
        self._last_delivered: dict[str, TimedEvent] = {}

    def deliver(self, event: Event, *, at: datetime | None = None) -> Failure | None:
        """Post *event*, which happened just now or at *at*; None means that the webhook took it.

        Under the faults that hold an event back it is None as well: nothing has failed yet.
        """
        missing, fault = self._missing_subscription(event)
        if missing is not None:
            self._sender.record_unsent(_post(event.title, faults=fault), missing)
            return missing
        happened = TimedEvent(event, at or self._clock())
        earlier = (
            self._schedule.pop_page(event.page_id, only_new=True) if self._is_reordering else []
        )
        if self._faults.fires("late"):
            self._hold_back(happened, _LATE, "late")
            return None
        if not earlier and self._faults.fires("reordered"):
            self._hold_back(happened, _ALONE, "reordered")
            return None
        failure = self._post_new((happened,))
        for due in earlier:
            due.run(due)
        return failure

    def enqueue(
        self,
        event: Event,
        *,
        at: datetime | None = None,
        after: threading.Event | None = None,
    ) -> None:
        """Post *event* soon, behind those that wait already, and not before *after* is set."""

        def deliver() -> None:
            if after is not None:
                after.wait(_LONGEST_ANSWER_SECONDS)
            self.deliver(event, at=at)

        self.worker.put(deliver)

    def resend(self, post: Post) -> None:
        """Send *post* as it is, with no repeats, behind what waits already."""
        self.worker.put(
            lambda: _nothing(self._sender.send(post, seconds=self._limit, judge=accepted))
        )

    def settle(self) -> None:
        """Return when nothing waits to be delivered any more; what is due later still is."""
        self.worker.settle()

    def advance(self, by: timedelta) -> None:
        """Let *by* pass on Messenger's clock, with everything that is due meanwhile."""
        self.settle()
        end, ahead = self._clock() + by, self._clock.ahead + by
        while (due := self._schedule.pop_due(end)) is not None:
            self._clock.move_to(due.at)
            due.run(due)
            self.settle()
        self._clock.ensure_ahead(ahead)

    def clear(self) -> None:
        """Drop everything that waits, and the memory of what failed."""
        self.settle()
        self._schedule.clear()
        self._health.clear()
        self._last_delivered.clear()

    def handshake(self, callback_url: str, verify_token: str) -> Failure | None:
        """Ask *callback_url* to echo a challenge; None means that it did, exactly."""
        challenge = ids.challenge()
        query = urlencode(
            {
                "hub.mode": "subscribe",
                "hub.challenge": challenge,
                "hub.verify_token": verify_token,
            }
        )
        separator = "&" if "?" in callback_url else "?"
        post = Post(
            kind="handshake",
            title="Webhook verification",
            method="GET",
            url=f"{callback_url}{separator}{query}",
            headers={"User-Agent": _HANDSHAKE_AGENT, "Accept": "*/*"},
        )
        return self._sender.send(post, seconds=self._limit, judge=echoes(challenge))

    @property
    def _limit(self) -> float:
        is_short = "limit-5s" in self._faults.on()
        return _SHORT_LIMIT_SECONDS if is_short else self._settings.webhook_timeout_seconds

    @property
    def _is_reordering(self) -> bool:
        return "reordered" in self._faults.on()

    def _missing_subscription(self, event: Event) -> tuple[Failure | None, tuple[str, ...]]:
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

    def _hold_back(self, happened: TimedEvent, by: timedelta, fault: str) -> None:
        now = self._clock()
        until = f"{now + by:%H:%M:%S}"
        self._sender.record_delayed(_post(happened.event.title, faults=(fault,)), until=until)
        due = ScheduledDelivery(
            now + by, (happened,), now, 0, lambda due: _nothing(self._post_new(due.events))
        )
        self.worker.add(due)

    def _post_new(self, events: tuple[TimedEvent, ...]) -> Failure | None:
        delivery = self._pack(events)
        if self._faults.fires("other-objects"):
            self._post_another_object()
        failure = self._attempt(delivery)
        if self._faults.fires("twice"):
            self._attempt(replace(delivery, faults=(*delivery.faults, "twice")))
        if failure is not None and not delivery.is_forged:
            self._repeat_later(delivery, since=self._clock(), tried=0)
        return failure

    def _pack(self, events: tuple[TimedEvent, ...]) -> Delivery:
        secret = self._settings.app_secret
        return pack(events, app_secret=secret, faults=self._faults, at=self._clock())

    def _post_another_object(self) -> None:
        subscription = self._state.app_subscription
        if subscription is None:
            return
        body, headers = about_another_object(self._settings.app_secret, self._clock())
        post = _post("about instagram", faults=("other-objects",))
        post = replace(post, url=subscription.callback_url, headers=headers, body=body)
        self._sender.send(post, seconds=self._limit, judge=accepted)

    def _attempt(self, delivery: Delivery, *, tried: int = 0) -> Failure | None:
        """Post *delivery*, which failed *tried* times, and let what comes of it count."""
        subscription = self._state.app_subscription
        title = f"{delivery.title}, repeat {tried}" if tried else delivery.title
        post = _post(title, faults=delivery.faults)
        if subscription is None:
            self._sender.record_unsent(post, failures.APP_NOT_SUBSCRIBED)
            return failures.APP_NOT_SUBSCRIBED
        if self._faults.fires("outage"):
            failure: Failure | None = failures.OUTAGE
            self._sender.record_unsent(
                replace(post, faults=(*post.faults, "outage")), failures.OUTAGE
            )
        else:
            judge, fault = self._judge(delivery)
            post = replace(
                post,
                url=subscription.callback_url,
                headers=delivery.headers,
                body=delivery.body,
                faults=(*post.faults, *fault),
            )
            failure = self._sender.send(post, seconds=self._limit, judge=judge)
        self._count(delivery, failure)
        return failure

    def _judge(self, delivery: Delivery) -> tuple[Judge, tuple[str, ...]]:
        if delivery.is_forged:
            return _forgery, ()
        if self._faults.fires("webhook-500"):
            return lambda _answer: failures.not_200(500), ("webhook-500",)
        if self._faults.fires("webhook-timeout"):
            limit = self._limit
            self._clock.move_to(self._clock() + timedelta(seconds=limit))
            return lambda _answer: failures.timed_out(limit), ("webhook-timeout",)
        return accepted, ()

    def _count(self, delivery: Delivery, failure: Failure | None) -> None:
        page_id = delivery.page_id
        if delivery.is_forged:
            return
        if failure is None:
            self._health.succeeded(page_id)
            self._last_delivered[page_id] = delivery.events[-1]
            return
        passed = self._health.failed(page_id, self._clock())
        if passed is None:
            return
        name = self._state.pages[page_id].name
        notice = replace(_post(f"Alert to developers, {name}"), kind="notice")
        if passed != DISABLE_AFTER:
            self._sender.record_unsent(notice, failures.FAILING_FOR_A_QUARTER)
            return
        self._state.set_page_fields(page_id, ())
        self._schedule.pop_page(page_id)
        self._sender.record_unsent(
            replace(notice, title=f"Webhooks disabled, {name}"), failures.DISABLED
        )

    def _repeat_later(self, delivery: Delivery, *, since: datetime, tried: int) -> None:
        if not self._state.page_fields(delivery.page_id):
            return
        if tried >= len(REPEAT_AFTER):
            self._sender.record_unsent(_post(delivery.title), failures.GIVEN_UP)
            return

        def run(due: ScheduledDelivery) -> None:
            self._repeat(due, delivery)

        due = ScheduledDelivery(since + REPEAT_AFTER[tried], delivery.events, since, tried + 1, run)
        if tried == 0:
            self.worker.put(lambda: run(due))
        else:
            self.worker.add(due)

    def _repeat(self, due: ScheduledDelivery, delivery: Delivery) -> None:
        for again in self._cut_anew(due) or (delivery,):
            if self._attempt(again, tried=due.tried) is not None:
                self._repeat_later(again, since=due.since, tried=due.tried)

    def _cut_anew(self, due: ScheduledDelivery) -> tuple[Delivery, ...]:
        """Return what a repeat becomes under “recut”: all in one, or one by one; else nothing."""
        if not self._faults.fires("recut"):
            return ()
        if len(due.events) > 1:
            return tuple(self._pack((happened,)) for happened in due.events)
        others = [event for each in self._schedule.pop_page(due.page_id) for event in each.events]
        if not others and due.page_id in self._last_delivered:
            others = [self._last_delivered[due.page_id]]
        together = self._pack((*due.events, *others))
        return (replace(together, faults=(*together.faults, "recut")),)


def _post(title: str, *, faults: tuple[str, ...] = ()) -> Post:
    return Post(kind="webhook", title=title, method="POST", url="", headers={}, faults=faults)


def _forgery(answer: Answer) -> Failure | None:
    return failures.FORGERY_TAKEN if answer.status == _OK else failures.FORGERY_REFUSED


def _nothing(_failure: Failure | None) -> None:
    """Drop a verdict that nobody waits for: the journal has it."""
