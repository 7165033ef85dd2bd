"""One attempt at a delivery, under the faults that affect a single attempt."""

from dataclasses import replace
from datetime import timedelta

from app.emulator.clock import MovableClock
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.faults.switches import FaultSwitches
from app.emulator.settings import EmulatorSettings
from app.emulator.state import State
from app.emulator.webhooks.http_sender import (
    Answer,
    AnswerCheck,
    HttpSender,
    OutgoingRequest,
    check_status,
)
from app.emulator.webhooks.payloads import Delivery, TimedEvent, pack, pack_other_object

_OK = 200
_LONG_LIMIT_SECONDS = 20.0


class DeliverySender:
    """Packs and posts deliveries, one attempt each; retries are the dispatcher's."""

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

    @property
    def time_limit(self) -> float:
        """The seconds that Messenger waits for an answer."""
        is_long = "limit-20s" in self._faults.on()
        return _LONG_LIMIT_SECONDS if is_long else self._settings.webhook_timeout_seconds

    def pack(self, events: tuple[TimedEvent, ...]) -> Delivery:
        """Return *events*, all of one page, as one signed delivery."""
        secret = self._settings.app_secret
        return pack(events, app_secret=secret, faults=self._faults, at=self._clock())

    def send(self, delivery: Delivery, *, to: str, retry: int = 0) -> Failure | None:
        """Post *delivery* to the URL *to*; None means that the webhook accepted it."""
        request = webhook_request(delivery.title_of_attempt(retry), faults=delivery.faults)
        if self._faults.fires("outage"):
            request = replace(request, faults=(*request.faults, "outage"))
            self._sender.record_unsent(request, failures.OUTAGE)
            return failures.OUTAGE
        check, faults = self._answer_check(delivery)
        request = replace(
            request,
            url=to,
            headers=delivery.headers,
            body=delivery.body,
            faults=(*request.faults, *faults),
        )
        return self._sender.send(request, seconds=self.time_limit, check=check)

    def send_other_object(self) -> None:
        """Post a signed delivery about an Instagram account; the outcome does not matter."""
        subscription = self._state.app_subscription
        if subscription is None:
            return
        body, headers = pack_other_object(self._settings.app_secret, self._clock())
        request = replace(
            webhook_request("about instagram", faults=("other-objects",)),
            url=subscription.callback_url,
            headers=headers,
            body=body,
        )
        self._sender.send(request, seconds=self.time_limit, check=check_status)

    def _answer_check(self, delivery: Delivery) -> tuple[AnswerCheck, tuple[str, ...]]:
        """Return the check for this attempt's answer, and the fault that replaced it, if any."""
        if delivery.is_forged:
            return _check_refused, ()
        if self._faults.fires("webhook-500"):
            return lambda _answer: failures.not_200(500), ("webhook-500",)
        if self._faults.fires("webhook-timeout"):
            limit = self.time_limit
            self._clock.move_to(self._clock() + timedelta(seconds=limit))
            return lambda _answer: failures.timed_out(limit), ("webhook-timeout",)
        return check_status, ()


def webhook_request(title: str, *, faults: tuple[str, ...] = ()) -> OutgoingRequest:
    """Return a POST to the webhook that has neither URL nor body yet."""
    return OutgoingRequest(
        kind="webhook", title=title, method="POST", url="", headers={}, faults=faults
    )


def _check_refused(answer: Answer) -> Failure | None:
    return failures.FORGERY_ACCEPTED if answer.status == _OK else failures.FORGERY_REFUSED
