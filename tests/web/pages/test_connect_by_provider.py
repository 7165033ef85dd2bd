"""A sign-in at a provider on our own pages, and the state that says whose it is."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import URL

from app.infra import clock
from app.services.container import Services, build
from app.web.pages.provider_state import ATTEMPT, signed_state
from app.web.signing import signer
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.actors import Graph, log_in
from tests.installation import ANA, settings_for
from tests.web.page_visitor import PageVisitor
from tests.web.pages.test_oidc import BUTTON, there
from tests.web.second_road import SETTINGS, Shopper
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
        **SETTINGS,
        AUTHENTICATORS="oidc:stub",
        OIDC_STUB_ISSUER=stub.issuer,
        OIDC_STUB_CLIENT_ID=CLIENT_ID,
        OIDC_STUB_CLIENT_SECRET=CLIENT_SECRET,
    )
    services = build(settings, limit_seconds=60)
    yield services
    services.close()


def leaves(shopper: Shopper) -> str:
    """Press the provider's button; return where the page leads by itself."""
    shopper.presses(BUTTON)
    assert 200 == shopper.sees.status
    (url,) = re.findall(r'http-equiv="refresh" content="0;url=([^"]*)"', shopper.sees.text)
    return unescape(url)


def returned(stub: Provider, url: str) -> str:
    """Return the address at which the provider sends back who came by *url*."""
    return f"/authorize/oidc/stub/callback?{urlencode(stub.sends_back(url), doseq=True)}"


@pytest.mark.usefixtures("graph")
@pytest.mark.parametrize("door", ["/connect", "/connections"])
def test_a_provider_signs_in_on_our_own_pages(
    app: Flask, stub: Provider, services: Services, door: str
) -> None:
    """The page leads there without a redirect, which form-action 'self' would stop."""
    shopper = Shopper(app)
    shopper.comes(door)
    assert "form-action 'self'" in shopper.sees.headers["content-security-policy"]
    callback = returned(stub, leaves(shopper))

    shopper.opens(callback)
    again = shopper.opens(callback)
    shopper.reloads()

    assert 409 == again.status
    expected = "Connect Messenger to" if door == "/connect" else "Your connections"
    assert expected in shopper.reads
    assert 1 == StoredRows(services).count("browser_session", "subject IS NOT NULL")


@pytest.mark.usefixtures("graph")
def test_an_answer_is_of_no_use_in_another_browser(app: Flask, stub: Provider) -> None:
    shopper, thief = Shopper(app), Shopper(app)
    shopper.comes()
    callback = returned(stub, leaves(shopper))

    thief.opens(callback)

    assert 400 == thief.sees.status
    assert "set-cookie" not in thief.sees.headers


def test_a_state_for_an_attempt_is_as_the_version_before_reads_it(
    app: Flask, services: Services
) -> None:
    """During an upgrade a browser may come back to a process that is still of that version."""
    with app.test_request_context():
        state = signed_state(ATTEMPT, "an-attempt", "shop")

    old = signer(services.settings.secret_keys, purpose="provider state")
    assert ["an-attempt", "shop"] == old.loads(state)[:2]


def test_a_state_of_the_version_before_is_still_taken(
    app: Flask, graph: Graph, stub: Provider, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that is at the provider while the server is upgraded comes back."""

    def old(_kind: str, its_id: str, name: str) -> str:
        keys = services.settings.secret_keys
        return str(signer(keys, purpose="provider state").dumps([its_id, name, "x" * 22]))

    monkeypatch.setattr("app.web.pages.signing_in.signed_state", old)
    login, person = log_in(), PageVisitor(app)
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.presses(BUTTON)

    person.opens(there(person, stub))
    person.follows()

    assert "Is this you on Messenger?" in person.reads
