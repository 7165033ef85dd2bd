"""The services of the console, built once, and the operator of the present request."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from flask import current_app, g

from app.accounts.passwords import Hasher
from app.infra import clock
from app.operators.provider import OperatorProvider
from app.operators.sessions import SignedIn
from app.web.console.pace import Pace

EXTENSION: Final = "threadlink-console"
# Of a process: the other threads stay with Messenger and with people.
MOST_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleParts:
    """The parts of one console."""

    # With a slot of its own: neither locks a storm of customers operators out, nor the reverse.
    hasher: Hasher = field(repr=False)
    # A hash of nobody's password, for names that do not exist.
    decoy_hash: str = field(repr=False)
    provider: OperatorProvider | None = field(repr=False)
    pace: Pace = field(repr=False)
    places: threading.BoundedSemaphore = field(repr=False)


def parts() -> ConsoleParts:
    """Return the parts of the console that serves this request."""
    built: ConsoleParts = current_app.extensions[EXTENSION]
    return built


def now() -> datetime:
    """Return the time of the present request: one for all that it does."""
    if "at" not in g:
        g.at = clock.now()
    at: datetime = g.at
    return at


def signed_in_if_any() -> SignedIn | None:
    """Return the operator of the present request; None before the sign-in."""
    found: SignedIn | None = g.get("signed_in")
    return found


def signed_in() -> SignedIn:
    """Return the operator of the present request, which the gate has let through."""
    found = signed_in_if_any()
    assert found is not None  # noqa: S101 - the gate answers everybody else
    return found
