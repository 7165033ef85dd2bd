"""The shop of examples/site hands a signed-in browser over, by a form that names no person."""

import json
import re
import runpy
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Final

import pytest
import responses
from flask.testing import FlaskClient

from tests.installation import PAGE

ROOT: Final = Path(__file__).parents[2]
SHOP: Final = ROOT / "examples/site/shop.py"
INVITATIONS: Final = "http://threadlink.test/api/v1/invitations"


@pytest.fixture
def shop() -> FlaskClient:
    settings = {
        "THREADLINK_URL": "http://threadlink.test",
        "THREADLINK_KEY": "a key",
        "PAGE_ID": PAGE,
        "SESSION_SECRET": "a secret",
    }
    client: FlaskClient = runpy.run_path(str(SHOP))["create_app"](settings).test_client()
    return client


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as api:
        api.post(INVITATIONS, status=201, json={"handoff_token": '"<a token>'})
        yield api


def test_a_customer_gets_a_form_with_the_token_alone(
    shop: FlaskClient, api: responses.RequestsMock
) -> None:
    with shop.session_transaction() as session:
        session.update(subject="10042", name="jane@example.com")

    page = shop.get("/messenger")

    (call,) = api.calls
    assert {
        "page_id": PAGE,
        "issuer": "local",
        "subject": "10042",
        "display_name": "jane@example.com",
    } == json.loads(call.request.body or "")
    assert "Bearer a key" == call.request.headers["Authorization"]
    assert 'action="http://threadlink.test/connect/handoff"' in page.text
    assert '"<a token>' in unescape(page.text)
    assert "<a token>" not in page.text
    assert "10042" not in page.text


def test_nobody_is_invited_who_has_not_signed_in(
    shop: FlaskClient, api: responses.RequestsMock
) -> None:
    page = shop.get("/messenger")

    assert 403 == page.status_code
    assert 0 == len(api.calls)


def test_the_shop_has_forty_lines_at_most() -> None:
    assert 40 >= len(SHOP.read_text(encoding="utf-8").splitlines())


def test_the_page_names_the_field_that_the_example_posts() -> None:
    """R130: whoever writes another site has nothing but the page."""
    (field,) = re.findall(r'<input type="hidden" name="(\w+)"', SHOP.read_text("utf-8"))

    assert f"field `{field}`" in " ".join((ROOT / "docs/m-me-links.md").read_text("utf-8").split())
