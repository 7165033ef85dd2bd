"""The parts of a running emulator, built once per app, and how views find them."""

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
    """One simulated Messenger: its state, journal, faults and webhook dispatcher."""

    settings: EmulatorSettings
    clock: MovableClock
    state: State
    journal: Journal
    faults: FaultSwitches
    rate_limits: RateLimits
    sender: HttpSender
    dispatcher: WebhookDispatcher
    # The origin that browsers use; None means that of the request.
    origin: str | None

    def attach(self, app: Flask) -> None:
        app.extensions[_KEY] = self

    def return_to_now(self) -> None:
        """Set the clock back to this computer's; scheduled deliveries keep their times."""
        self.dispatcher.settle()
        self.clock.reset()

    def reset(self) -> None:
        """Return to the state after the start: no faults, messages or links, and the real time."""
        self.faults.clear()
        self.dispatcher.clear()
        self.clock.reset()
        self.state.reset()
        self.rate_limits.clear()
        self.journal.clear()

    def public_origin(self) -> str:
        """Return the origin of every redirect_uri."""
        return self.origin or request.host_url.rstrip("/")


def emulator_of(app: Flask) -> Emulator:
    """Return the emulator of *app*, which `create_emulator` made."""
    emulator: Emulator = app.extensions[_KEY]
    return emulator


def current_emulator() -> Emulator:
    """Return the emulator of the current request."""
    return emulator_of(current_app)
