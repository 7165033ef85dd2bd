"""What Meta tells of a page's standing is logged and counted, and passed on to the bot."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from app.infra.observability import logs, metrics
from app.services.container import Services
from tests.actors import Messenger
from tests.browsers import Browser, InProcess
from tests.conftest import on_sqlite
from tests.installation import OTHER_PAGE, PAGE, PUBLIC_URL
from tests.web.gateway_client import GatewayClient, gateway_of

pytestmark = on_sqlite
RESTRICTION = {
    "feature": "page_messaging_api",
    "status": "RESTRICTED",
    "description": "canary-words-of-meta",
    "expiration_time": 1761064276,
}


@pytest.fixture(params=["Flask", "gateway"])
def messenger(request: pytest.FixtureRequest, app: Flask, services: Services) -> Messenger:
    """Return Messenger before each of the two ways to the webhook."""
    client: Browser = InProcess(app, PUBLIC_URL)
    if request.param == "gateway":
        client = GatewayClient(gateway_of(app, services, threads=4), PUBLIC_URL)
    return Messenger(client)


def standing(page_id: str, **told: Any) -> bytes:
    """Return a delivery of business_integrity, as in Meta's examples."""
    entry = {"time": 1760978707275, "id": page_id, "messaging": [{"timestamp": 1, **told}]}
    return json.dumps({"object": "page", "entry": [entry]}).encode()


def told_of_pages(ask: Callable[[], object]) -> list[Any]:
    logs.configure(level="info", form="json")
    with capture_logs() as lines:
        ask()
    return [line for line in lines if line["event"].startswith("page.")]


def counted() -> float:
    for line in metrics.exposition([]).decode().splitlines():
        if line.startswith('threadlink_page_standings_total{standing="restricted"}'):
            return float(line.split()[-1])
    raise AssertionError("no such series: an alert on it would never fire")


def test_a_restriction_is_an_error_with_what_and_until(messenger: Messenger) -> None:
    """Nobody can be sent Log In while it lasts."""
    before = counted()
    body = standing(PAGE, status="restricted", restrictions=[RESTRICTION])

    (line,) = told_of_pages(lambda: messenger.posts(body))

    assert ("page.restricted", "error", PAGE) == (line["event"], line["log_level"], line["page"])
    assert ("page_messaging_api",) == line["features"]
    assert "2025-10-21T16:31:16+00:00" == line["until"]
    assert "canary" not in str(line)
    assert before + 1 == counted()


@pytest.mark.parametrize(
    ("told", "event", "level"),
    [
        ({"status": "warning", "violations": [{"type": "SPAM"}]}, "page.warned", "warning"),
        (
            {"status": "ok", "restrictions": [RESTRICTION | {"status": "UNRESTRICTED"}]},
            "page.restriction_lifted",
            "info",
        ),
        ({"status": "restricted", "action_events": [{}]}, "page.appeal", "info"),
    ],
)
def test_what_stops_nothing_is_no_error(
    told: dict[str, Any], event: str, level: str, messenger: Messenger
) -> None:
    before = counted()

    (line,) = told_of_pages(lambda: messenger.posts(standing(PAGE, **told)))

    assert (event, level) == (line["event"], line["log_level"])
    assert before == counted()


def test_of_pages_that_are_not_ours_nothing_is_said(messenger: Messenger) -> None:
    before = counted()
    body = standing("999", status="restricted", restrictions=[RESTRICTION])

    assert [] == told_of_pages(lambda: messenger.posts(body))
    assert before == counted()
    assert "999" not in {PAGE, OTHER_PAGE}


def test_without_a_signature_nothing_is_believed(messenger: Messenger) -> None:
    before = counted()
    body = standing(PAGE, status="restricted", restrictions=[RESTRICTION])

    assert [] == told_of_pages(
        lambda: messenger.posts(body, **{"X-Hub-Signature-256": "sha256=" + "0" * 64})
    )
    assert before == counted()


def test_no_row_is_written_for_it(messenger: Messenger, services: Services) -> None:
    body = standing(PAGE, status="restricted", restrictions=[RESTRICTION])
    before = rows(services.engine)

    assert 200 == messenger.posts(body).status
    assert before == rows(services.engine)


def rows(engine: Engine) -> int:
    with engine.connect().execution_options(reading=True) as connection:
        return connection.scalar(text("SELECT count(*) FROM link_event")) or 0
