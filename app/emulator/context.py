"""What the views of the emulator work with: built once, found again through the app."""

from dataclasses import dataclass

from flask import Flask, current_app, request

from app.emulator.clock import MovableClock
from app.emulator.faults.switches import FaultSwitches
from app.emulator.rate_limits import RateLimits
from app.emulator.settings import EmulatorSettings
from app.emulator.state import State
from app.emulator.webhooks.dispatcher import WebhookDispatcher
from app.emulator.webhooks.http_sender import HttpSender
from app.emulator.webhooks.journal import Journal

_KEY = "emulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """One pretended Messenger with its memory, its journal and its dispatcher."""

    settings: EmulatorSettings
    clock: MovableClock
    state: State
    journal: Journal
    faults: FaultSwitches
    rate_limits: RateLimits
    sender: HttpSender
    dispatcher: WebhookDispatcher
    # Where the browser finds us; None is wherever the request was sent.
    origin: str | None

    def attach(self, app: Flask) -> None:
        app.extensions[_KEY] = self

    def return_to_now(self) -> None:
        """Put the clock back to this machine's; what is due later is due at its moment still."""
        self.dispatcher.settle()
        self.clock.reset()

    def reset(self) -> None:
        """Be as on the first day: no faults, no messages, no links, the clock of the machine."""
        self.faults.clear()
        self.dispatcher.clear()
        self.clock.reset()
        self.state.reset()
        self.rate_limits.clear()
        self.journal.clear()

    def public_origin(self) -> str:
        """Return the origin that stands in redirect_uri: whatever name the browser used."""
        return self.origin or request.host_url.rstrip("/")


def emulator_of(app: Flask) -> Emulator:
    """Return the emulator behind *app*, which `create_emulator` made."""
    emulator: Emulator = app.extensions[_KEY]
    return emulator


def current_emulator() -> Emulator:
    """Return the emulator that serves the present request."""
    return emulator_of(current_app)
