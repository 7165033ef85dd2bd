"""Six digits in the chat after a sign-in at a provider: they cannot be avoided (R13)."""

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from app.infra import clock
from app.services.container import Services, build
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.actors import Graph, digits_in, log_in
from tests.installation import ANA, settings_for
from tests.web.page_visitor import PageVisitor
from tests.web.pages.test_oidc import BUTTON, there
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.real_peers,
]


@pytest.fixture
def stub() -> Iterator[Provider]:
    with providing(clock.now()) as provider:
        yield provider


@pytest.fixture
def services(database: URL, stub: Provider) -> Iterator[Services]:
    settings = settings_for(
        database,
        AUTHENTICATORS="oidc:stub",
        CONFIRM_IN_CHAT="always",
        OIDC_STUB_ISSUER=stub.issuer,
        OIDC_STUB_CLIENT_ID=CLIENT_ID,
        OIDC_STUB_CLIENT_SECRET=CLIENT_SECRET,
    )
    services = build(settings)
    yield services
    services.close()


@pytest.fixture
def back(app: Flask, graph: Graph, stub: Provider) -> PageVisitor:
    """Return a person who has just come back from the provider, signed in."""
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(app)
    person.taps_log_in(login)
    person.presses(BUTTON)
    person.opens(there(person, stub))
    person.follows()
    return person


def test_coming_back_signed_in_is_not_enough(
    back: PageVisitor, graph: Graph, services: Services
) -> None:
    """R13: no digits have left yet, so there is nothing to confirm, with or without a form."""
    form = back.sees.form("Send a code")
    address = form.action.removesuffix("/digits")

    forged = back.browser("POST", f"{address}/confirm", body={**form.fields, "code": ""})

    assert "Is this your Messenger?" in back.reads
    assert "Connect" not in {one.button for one in back.sees.forms}
    assert 409 == forged.status
    assert "location" not in forged.headers
    assert [] == graph.messages
    assert 0 == StoredRows(services).count("attempt", "code_hash IS NOT NULL")


def test_the_digits_of_the_chat_connect(
    back: PageVisitor, graph: Graph, services: Services
) -> None:
    """R13: with them, and with no others."""
    back.presses("Send a code")
    back.follows()
    sent = json.loads(graph.messages[-1])
    digits = digits_in(sent)
    others = f"{(int(digits.replace(' ', '')) + 1) % 10**6:06}"

    back.presses("Connect", code=others)
    wrong = back.sees.status
    back.presses("Connect", code=digits)

    assert {"id": ANA} == sent["recipient"]
    assert (422, 303) == (wrong, back.sees.status)
    assert "authorization_code=tl_" in back.sees.location
    assert 1 == StoredRows(services).count("attempt", "code_hash IS NOT NULL")


def test_going_to_the_provider_again_does_not_lead_past_the_digits(
    back: PageVisitor, graph: Graph, stub: Provider
) -> None:
    """R13: neither a second sign-in nor the back button makes the question go away."""
    back.presses("Send a code")
    back.follows()
    back.presses("Use a different account")
    back.follows()
    back.presses(BUTTON)
    back.opens(there(back, stub))
    back.follows()

    assert 1 == len(graph.messages)
    back.presses("Connect", code="")
    assert 422 == back.sees.status
