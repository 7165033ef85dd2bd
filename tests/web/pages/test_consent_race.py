"""A race of a sign-in with a consent: it cannot skip the checks before the consent."""

from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.services.container import Services
from tests.actors import Graph, log_in
from tests.installation import ANA
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

# SQLite has one writer at a time: there, nobody comes in between.
pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

_SIGNED_IN = """
    UPDATE attempt
    SET issuer = 'local', subject = :who, display_name = 'J', signed_in_at = opened_at
"""


def test_a_sign_in_during_the_consent_passes_no_digits_by(
    services: Services, jane: str, graph: Graph
) -> None:
    """R13, R33: what was asked and what is confirmed are one state of the attempt.

    Else a confirmation that finds nobody signed in, asks for no digits, and then finds somebody.
    """
    settings = replace(services.settings, confirm_in_chat="always")
    person, login = PageVisitor(create_app(replace(services, settings=settings))), log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    consent = person.sees.form("Connect")
    person.presses("Use a different account")
    token = person.follows().form("Log in").fields["form_token"]

    _signs_in_after_the_first_look(services, jane)
    answer = person.sends(consent, form_token=token)

    assert 409 == answer.status
    assert "location" not in answer.headers
    assert StoredRows(services).column("attempt", "code_hash") is None


def _signs_in_after_the_first_look(services: Services, subject: str) -> None:
    """Let another request sign in as soon as the first has looked at the attempt."""
    looks = count()

    def after_reading(*of: Any) -> None:
        if "FROM attempt" not in of[2] or next(looks):
            return
        with suppress(OperationalError), services.engine.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '20ms'"))
            other.execute(text(_SIGNED_IN), {"who": subject})

    event.listen(services.engine, "after_cursor_execute", after_reading)
