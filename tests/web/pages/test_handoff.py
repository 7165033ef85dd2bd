"""The hand-over of a browser from the business's own site (R130)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import URL, update
from sqlalchemy.orm import Session

from app.infra import clock
from app.linking import invitations
from app.linking.invitation_models import Invitation
from app.linking.invitations import Created, Offer
from app.linking.values import User
from app.services.container import Services, build
from tests.actors import Graph, Messenger
from tests.installation import ANA, PAGE, settings_for
from tests.web.second_road import Chat, Shopper, named
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SHOP: Final = "https://shop.example"
FROM_SHOP: Final = {"Origin": SHOP, "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    settings = settings_for(database, INVITATIONS="1", CONNECT_ORIGINS=SHOP)
    services = build(settings, limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def made(services: Services, jane: str) -> Created:
    """Return an invitation that the business's site has made for Jane."""
    return services.write(
        invitations.create_for_key,
        Offer(
            page_id=PAGE,
            user=User("local", jane),
            display_name="j•••@example.com",
            language="en",
        ),
        services.rate_limit_keys.invitations("local", jane),
        api_key_id="k1",
        secret_key=services.settings.secret_key,
        at=clock.now(),
    )


def handed_over(
    app: Flask, made: Created, headers: Mapping[str, str] | None = None
) -> tuple[Shopper, str]:
    shopper, token = Shopper(app), made.handoff_token or ""
    shopper.posts("/connect/handoff", {"token": token}, **(headers or FROM_SHOP))
    return shopper, token


def test_the_browser_goes_on_signed_in(
    app: Flask, made: Created, services: Services, graph: Graph, messenger: Messenger
) -> None:
    """R130: without a password form, and with secrets that the site has never seen."""
    shopper, _ = handed_over(app, made)
    assert 303 == shopper.sees.status
    shopper.address = shopper.sees.location
    shopper.follows()
    assert "Connect Messenger to j•••@example.com" in shopper.reads
    assert made.secrets.ref != shopper.ref
    assert made.secrets.shown_code != shopper.code
    named(graph, ANA, "Ana Berg")
    ana = Chat(ANA, messenger, graph, services)

    ana.opens(made.secrets.ref)
    assert not ana.offers("Yes")
    ana.opens(shopper.ref)
    ana.taps("Yes")
    shopper.reloads()
    shopper.presses("Connect")
    shopper.follows()

    assert "Connected to Ana Berg." in shopper.reads


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": f"{SHOP}.evil.example"},
        {"Origin": f"{SHOP}:8443"},
        {"Origin": "http://shop.example"},
        {"Referer": f"{SHOP}/account"},
    ],
    ids=["foreign", "null", "absent", "suffix", "port", "scheme", "referer alone"],
)
def test_only_the_page_of_the_business_hands_over(
    app: Flask, made: Created, stored: StoredRows, headers: dict[str, str]
) -> None:
    """R130: a form in a letter, in a chat or on a foreign page is refused, and uses nothing up."""
    shopper, _ = handed_over(app, made, headers)

    assert 403 == shopper.sees.status
    assert "Open this from your account page." in shopper.reads
    assert "set-cookie" not in shopper.sees.headers
    assert 0 == stored.count("browser_session")
    assert 1 == stored.count("invitation", "handoff_hash IS NOT NULL")


def test_a_link_hands_nobody_over(app: Flask, made: Created, stored: StoredRows) -> None:
    """R130: a GET is what a letter can make a browser send."""
    shopper = Shopper(app)

    shopper.opens(f"/connect/handoff?token={made.handoff_token}", Origin=SHOP)

    assert 403 == shopper.sees.status
    assert "Open this from your account page." in shopper.reads
    assert 0 == stored.count("browser_session")


def test_a_token_serves_once(app: Flask, made: Created, stored: StoredRows) -> None:
    handed_over(app, made)

    second, _ = handed_over(app, made)

    assert 403 == second.sees.status
    assert 1 == stored.count("browser_session")


def test_a_token_is_dead_after_ten_minutes(
    app: Flask, made: Created, services: Services, stored: StoredRows
) -> None:
    services.write(_earlier, timedelta(minutes=10))

    late, _ = handed_over(app, made)

    assert 403 == late.sees.status
    assert 0 == stored.count("browser_session")


def test_without_a_door_nobody_signs_in_here(app: Flask, made: Created) -> None:
    """CONNECT_PAGE is off: whoever leaves the account comes to no password form."""
    shopper, _ = handed_over(app, made)
    shopper.address = shopper.sees.location
    shopper.follows()

    shopper.presses("Use a different account")
    shopper.follows()

    assert 404 == shopper.sees.status
    assert "password" not in shopper.sees.text


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": "x" * 5000}])
def test_a_body_without_a_token_is_refused(app: Flask, body: dict[str, str]) -> None:
    shopper = Shopper(app)

    shopper.posts("/connect/handoff", body, **FROM_SHOP)

    assert shopper.sees.status in {400, 403}


def _earlier(session: Session, by: timedelta) -> None:
    row = session.query(Invitation).one()
    session.execute(update(Invitation).values(created_at=row.created_at - by))
