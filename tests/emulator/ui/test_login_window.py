from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from app.emulator import EmulatorSettings, create_emulator
from app.emulator.state import AppSubscription
from app.emulator.ui.login_window import login_url
from tests.emulator.conftest import NOON, ORIGIN, PAGE, ManualClock, Person
from tests.emulator.webhook_server import Webhook

FAILED = "Account Linking Failed"
CODE = "&authorization_code=tl_4f"


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("https://shop.example/login", "https://shop.example/login?"),
        ("https://shop.example/l.html?rid=15780724", "https://shop.example/l.html?rid=15780724&"),
    ],
    ids=["without a query", "with a query of its own"],
)
def test_log_in_adds_two_parameters_after_the_urls_own_query(url: str, start: str) -> None:
    """
    As in a captured request: /login.html?rid=…&account_linking_token=…&redirect_uri=….
    """
    address = login_url(url, token="AR1", origin="https://facebook.com")

    added = (
        "account_linking_token=AR1"
        "&redirect_uri=https%3A%2F%2Ffacebook.com%2Fmessenger_platform%2Faccount_linking%2F"
        "%3Faccount_linking_token%3DAR1"
    )
    assert start + added == address


def test_log_in_leads_the_browser_away_with_one_token_inside_and_outside(ana: Person) -> None:
    ana.emulator.state.set_linking_url(PAGE, "https://shop.example/authorize")

    answer = ana.submits("log-in")

    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    token = query["account_linking_token"][0]
    way_back = f"{ORIGIN}/messenger_platform/account_linking/?account_linking_token={token}"
    assert 303 == answer.status_code
    assert [way_back] == query["redirect_uri"]


@pytest.mark.parametrize("end", ["/?", "?"], ids=["with the slash", "without"])
def test_a_return_with_a_code_links_when_the_webhook_says_200(
    end: str, ana: Person, webhook: Webhook
) -> None:
    redirect_uri = ana.taps_log_in().replace("/?", end)

    page = ana.opens(f"{redirect_uri}&authorization_code=tl_4f%2F%40")

    linked = {
        "sender": {"id": ana.psid},
        "recipient": {"id": PAGE},
        "timestamp": int(NOON.timestamp() * 1000),
        "account_linking": {"status": "linked", "authorization_code": "tl_4f/@"},
    }
    assert 200 == page.status_code
    assert ana.thread.linked
    assert [linked] == webhook.events()


def test_a_return_without_a_code_links_nobody_and_sends_nothing(
    ana: Person, webhook: Webhook
) -> None:
    page = ana.comes_back(added="")

    assert "Not logged in" in page.text
    assert FAILED not in page.text
    assert not ana.thread.linked
    assert [] == webhook.received


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (500, "Look at your server"),
        (403, "signature"),
        (302, "no redirect"),
        (204, "answer exactly 200"),
    ],
)
def test_any_other_answer_than_200_fails_the_linking(
    status: int, hint: str, ana: Person, webhook: Webhook
) -> None:
    webhook.status = status

    page = ana.comes_back()

    assert FAILED in page.text
    assert f"answered {status}" in page.text
    assert hint in page.text
    assert not ana.thread.linked


def test_a_webhook_that_does_not_answer_in_time_fails_the_linking(
    settings: EmulatorSettings, webhook: Webhook
) -> None:
    app = create_emulator(replace(settings, webhook_timeout_seconds=0.1), origin=ORIGIN)
    ana = Person(app, "Ana Berg")
    webhook.open.clear()

    page = ana.comes_back()

    assert "did not answer within 0.1 seconds" in page.text
    assert not ana.thread.linked


def test_a_webhook_that_is_not_there_fails_the_linking(ana: Person, webhook: Webhook) -> None:
    webhook.close()

    page = ana.comes_back()

    assert "could not be reached" in page.text
    assert not ana.thread.linked


def test_a_missing_subscription_is_named_by_its_level(ana: Person, webhook: Webhook) -> None:
    """
    The usual cause: https://github.com/fbsamples/messenger-platform-samples/issues/27.
    """
    state = ana.emulator.state

    state.set_page_fields(PAGE, ("messages",))
    page_level = ana.comes_back()
    state.app_subscription = AppSubscription(webhook.url, ("messages",))
    app_level = ana.comes_back()
    state.app_subscription = None
    nothing = ana.comes_back()

    assert "The Page is not subscribed to the field messaging_account_linking" in page_level.text
    assert "The app is not subscribed to the field messaging_account_linking" in app_level.text
    assert "No webhook is set for this app" in nothing.text
    assert [] == webhook.received


def test_a_token_is_good_for_five_minutes(
    ana: Person, clock: ManualClock, webhook: Webhook
) -> None:
    in_time, too_late = ana.taps_log_in(), ana.taps_log_in()

    clock.advance(timedelta(minutes=4, seconds=59))
    linked = ana.opens(in_time + CODE)
    clock.advance(timedelta(seconds=1))
    refused = ana.opens(too_late + CODE)

    assert 200 == linked.status_code
    assert "older than five minutes" in refused.text
    assert 1 == len(webhook.received)


def test_a_token_is_good_for_one_return(ana: Person, webhook: Webhook) -> None:
    address = ana.taps_log_in() + CODE
    ana.opens(address)

    again = ana.opens(address)

    assert "has been used already" in again.text
    assert 1 == len(webhook.received)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "no account_linking_token"),
        ("?account_linking_token=AR1&authorization_code=x", "not issued by this Messenger"),
        ("?account_linking_token=&authorization_code=x", "no account_linking_token"),
    ],
    ids=["nothing at all", "a token of nobody", "an empty token"],
)
def test_a_return_without_a_live_token_is_explained(
    query: str, reason: str, ana: Person, webhook: Webhook
) -> None:
    page = ana.opens(f"/messenger_platform/account_linking/{query}")

    assert 400 == page.status_code
    assert reason in page.text
    assert [] == webhook.received


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        ("&code=tl_4f", "but no “authorization_code”"),
        ("&authorization_code=", "authorization_code is empty"),
        ("&authorization_code=a&authorization_code=b", "more than once"),
    ],
    ids=["named code", "empty", "twice"],
)
def test_a_malformed_code_is_explained_and_not_delivered(
    added: str, reason: str, ana: Person, webhook: Webhook
) -> None:
    page = ana.comes_back(added)

    assert FAILED in page.text
    assert reason in page.text
    assert [] == webhook.received


def test_a_preview_of_the_return_uses_up_no_token(ana: Person, webhook: Webhook) -> None:
    address = ana.taps_log_in() + CODE

    ana.previews(address)

    assert [] == webhook.received
    assert 200 == ana.opens(address).status_code


def test_log_out_ends_the_link_and_sends_an_event_without_a_code(
    ana: Person, webhook: Webhook
) -> None:
    ana.comes_back()

    ana.submits("log-out")

    assert not ana.thread.linked
    assert {"status": "unlinked"} == webhook.events()[-1]["account_linking"]


def test_log_out_without_a_link_sends_nothing(ana: Person, webhook: Webhook) -> None:
    ana.submits("log-out")

    assert [] == webhook.received


def test_one_persons_link_is_not_anothers(ana: Person, ben: Person) -> None:
    ana.comes_back()

    assert ana.thread.linked
    assert not ben.thread.linked
