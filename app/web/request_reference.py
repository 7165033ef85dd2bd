"""The reference of the present request: on its pages, in all its log lines, and with its events.

It is that of the attempt where the browser has proved that it is in one, else a random one.
"""

from typing import Final

import structlog
from flask import g

from app.linking.attempt_status import AttemptStatus
from app.linking.references import new_reference, reference_of

_NAME: Final = "reference"


def begin() -> None:
    """Give the request a reference of its own."""
    bind(new_reference())


def bind(reference: str) -> None:
    """Let *reference* be that of the request from now on."""
    structlog.contextvars.bind_contextvars(**{_NAME: reference})


def bind_attempt(attempt_id: str) -> None:
    """Let the request belong to the attempt of *attempt_id*, whose cookie it has brought."""
    if g.get("reference_of") != attempt_id:
        g.reference_of = attempt_id
        bind(reference_of(attempt_id))


def bind_stored(attempt_id: str, reference: str) -> None:
    """Do the same for an attempt whose row has *reference*."""
    g.reference_of = attempt_id
    bind(reference)


def adopt(status: AttemptStatus) -> None:
    """Take the reference that is stored: an attempt opened by an older version has another."""
    g.page_id = status.page_id
    bind(status.reference)


def is_of_attempt() -> bool:
    """Return whether the request belongs to an attempt."""
    return "reference_of" in g


def current() -> str:
    """Return the reference of the request; of one that has none yet, a new one."""
    known: str | None = structlog.contextvars.get_contextvars().get(_NAME)
    if known is None:
        known = new_reference()
        bind(known)
    return known
