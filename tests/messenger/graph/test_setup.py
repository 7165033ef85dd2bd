"""The set-up clients: an app, its pages and their tokens, read from Meta's answers."""

import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from responses import matchers

from app.messenger.errors import GraphUnavailable
from app.messenger.graph.setup import AppClient, GraphEndpoint, PageClient, Webhook

GRAPH = "https://graph.facebook.com/v26.0"
APP = "100200300400500"
SUBSCRIPTIONS = f"{GRAPH}/{APP}/subscriptions"
HOOK = "https://shop.example/webhook"


@pytest.fixture
def platform() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def app_client() -> AppClient:
    return AppClient(GraphEndpoint(), app_id=APP, app_secret="app secret")


@pytest.fixture
def page_client() -> PageClient:
    return PageClient(GraphEndpoint(), token="PAGE", app_id=APP, app_secret=None)


def row(**changed: Any) -> dict[str, Any]:
    return {
        "object": "page",
        "callback_url": HOOK,
        "active": True,
        "fields": [{"name": "messages", "version": "v26.0"}],
        **changed,
    }


def test_the_app_asks_with_its_own_token(
    app_client: AppClient, platform: responses.RequestsMock
) -> None:
    own = matchers.header_matcher({"Authorization": f"Bearer {APP}|app secret"})
    platform.get(SUBSCRIPTIONS, json={"data": []}, match=[own])

    assert app_client.webhook() is None


@pytest.mark.parametrize(
    ("rows", "webhook"),
    [
        ([row()], Webhook(HOOK, ("messages",))),
        ([row(fields=["messages"])], Webhook(HOOK, ("messages",))),
        ([row(active=False)], Webhook(HOOK, ("messages",), is_active=False)),
        ([row(object="instagram")], None),
        ([row(object="user"), row()], Webhook(HOOK, ("messages",))),
    ],
    ids=["fields as objects", "fields as names", "switched off", "no pages", "behind another"],
)
def test_the_webhook_of_pages_is_found(
    rows: list[Any],
    webhook: Webhook | None,
    app_client: AppClient,
    platform: responses.RequestsMock,
) -> None:
    platform.get(SUBSCRIPTIONS, json={"data": rows})

    assert webhook == app_client.webhook()


def test_a_webhook_is_set_with_what_the_handshake_needs(
    app_client: AppClient, platform: responses.RequestsMock
) -> None:
    body = {
        "object": "page",
        "callback_url": HOOK,
        "verify_token": "meatyhamhock",
        "fields": "messages,messaging_account_linking",
        "include_values": True,
    }
    platform.post(SUBSCRIPTIONS, json={"success": True}, match=[matchers.json_params_matcher(body)])

    app_client.set_webhook(
        HOOK, verify_token="meatyhamhock", fields=("messages", "messaging_account_linking")
    )


@pytest.mark.parametrize(
    ("expires", "expires_at"),
    [(0, None), (1795000000, datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC))],
    ids=["never", "some day"],
)
def test_a_token_s_end_is_told_as_a_moment(
    expires: int,
    expires_at: datetime | None,
    app_client: AppClient,
    platform: responses.RequestsMock,
) -> None:
    data = {"is_valid": True, "type": "PAGE", "expires_at": expires, "scopes": ["a"]}
    # Also with the app's own token: an app may require the proof of every call.
    proof = hmac.new(b"app secret", f"{APP}|app secret".encode(), "sha256").hexdigest()
    platform.get(
        f"{GRAPH}/debug_token",
        json={"data": data},
        match=[matchers.query_param_matcher({"input_token": "PAGE", "appsecret_proof": proof})],
    )

    assert expires_at == app_client.inspect("PAGE").expires_at


def test_only_our_app_s_fields_count(
    page_client: PageClient, platform: responses.RequestsMock
) -> None:
    apps = [
        {"id": "9", "subscribed_fields": ["messages"]},
        {"id": APP, "subscribed_fields": ["messaging_account_linking"]},
    ]
    platform.get(f"{GRAPH}/me/subscribed_apps", json={"data": apps})

    assert ("messaging_account_linking",) == page_client.subscribed_fields()


def test_to_subscribe_nothing_is_to_unsubscribe(
    page_client: PageClient, platform: responses.RequestsMock
) -> None:
    platform.delete(f"{GRAPH}/me/subscribed_apps", json={"success": True})

    page_client.subscribe(())


def test_an_answer_of_another_shape_is_none(
    app_client: AppClient, page_client: PageClient, platform: responses.RequestsMock
) -> None:
    for path in (f"{APP}/subscriptions", "debug_token", "me", "me/subscribed_apps"):
        platform.get(f"{GRAPH}/{path}", json={"other": 1})
    platform.post(SUBSCRIPTIONS, json={"success": False})

    for ask in (
        app_client.webhook,
        lambda: app_client.inspect("PAGE"),
        page_client.page_id,
        page_client.subscribed_fields,
        lambda: app_client.set_webhook(HOOK, verify_token="v", fields=("messages",)),
    ):
        with pytest.raises(GraphUnavailable):
            ask()


@pytest.mark.parametrize("told", [True, "true"])
def test_success_is_read_as_graph_s_examples_have_it(
    told: object, app_client: AppClient, page_client: PageClient, platform: responses.RequestsMock
) -> None:
    """Older examples of Graph's documentation have it as text."""
    platform.post(SUBSCRIPTIONS, json={"success": told})
    platform.post(f"{GRAPH}/me/subscribed_apps", json={"success": told})

    app_client.set_webhook(HOOK, verify_token="v", fields=("messages",))
    page_client.subscribe(("messages",))


@pytest.mark.parametrize("told", [False, "false", "1", None])
def test_anything_else_is_no_success(
    told: object, page_client: PageClient, platform: responses.RequestsMock
) -> None:
    platform.post(f"{GRAPH}/me/subscribed_apps", json={"success": told})

    with pytest.raises(GraphUnavailable, match="without success"):
        page_client.subscribe(("messages",))


def test_no_more_is_asked_of_a_page_than_its_id(
    page_client: PageClient, platform: responses.RequestsMock
) -> None:
    """
    Its name needs pages_read_engagement, which a token for Messenger may lack.
    """
    asked = matchers.query_param_matcher({"fields": "id"})
    platform.get(f"{GRAPH}/me", json={"id": "1"}, match=[asked])

    assert "1" == page_client.page_id()


@pytest.mark.parametrize(
    ("told", "ends_at"),
    [
        (1800000000, datetime(2027, 1, 15, 8, tzinfo=UTC)),
        (0, None),
        (None, None),
        ("soon", None),
        (-1, None),
        (10**30, None),
    ],
)
def test_when_a_token_ends_is_read_or_unknown(
    told: object, ends_at: datetime | None, app_client: AppClient, platform: responses.RequestsMock
) -> None:
    platform.get(
        f"{GRAPH}/debug_token", json={"data": {"expires_at": told, "data_access_expires_at": told}}
    )

    facts = app_client.inspect("PAGE")

    assert (ends_at, ends_at) == (facts.expires_at, facts.data_access_expires_at)


def test_the_pages_that_a_permission_is_limited_to_are_read(
    app_client: AppClient, platform: responses.RequestsMock
) -> None:
    scopes = [
        {"scope": "pages_messaging", "target_ids": ["8", 9]},
        {"scope": "pages_manage_metadata"},
        {"scope": "pages_show_list", "target_ids": []},
        "pages_messaging",
    ]
    platform.get(f"{GRAPH}/debug_token", json={"data": {"granular_scopes": scopes}})

    assert {"pages_messaging": ("8", "9")} == app_client.inspect("PAGE").granted_for
