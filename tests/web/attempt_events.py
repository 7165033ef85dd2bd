"""Events of attempts as they are stored, for tests of pages."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.services.container import Services
from tests.browsers import Answer


def reference_on(answer: Answer) -> str:
    """Return the reference that the page *answer* shows."""
    found = re.search(r"Reference <bdi[^>]*>([^<]*)<", answer.text)
    assert found, answer.text
    return found[1]


def events_under(services: Services, reference: str) -> list[Mapping[str, Any]]:
    """Return what is stored under *reference*, by the order in which it last happened.

    By plain SQL, so that a test does not ask the code under test.
    """
    services.events.flush()
    return [row for row in all_events(services) if row["reference"] == reference]


def all_events(services: Services) -> list[Mapping[str, Any]]:
    """Return all that is stored of events."""
    services.events.flush()

    def ask(session: Session) -> list[Mapping[str, Any]]:
        rows = session.execute(text("SELECT * FROM attempt_event ORDER BY last_at, first_at"))
        return [dict(row) for row in rows.mappings()]

    return services.read(ask)


def obstacles_under(services: Services, reference: str) -> list[tuple[str, str, str]]:
    """Return kind, subject and detail of what was no page."""
    return [
        (row["kind"], row["subject"], row["detail"])
        for row in events_under(services, reference)
        if row["kind"] != "page_shown"
    ]
