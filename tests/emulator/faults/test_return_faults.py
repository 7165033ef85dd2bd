"""The faults of the round trip from Log In to the return."""

from app.emulator.context import Emulator
from tests.emulator.conftest import PAGE, Person
from tests.emulator.webhook_server import Webhook


def test_a_slow_return_finds_its_token_expired(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("slow-return")

    page = ana.comes_back()

    assert "older than five minutes" in page.text
    assert [] == webhook.received


def test_log_in_may_open_the_page_without_redirect_uri(emulator: Emulator, ana: Person) -> None:
    emulator.faults.turn_on("no-redirect-uri")
    emulator.state.set_linking_url(PAGE, "https://shop.example/authorize")

    address = ana.submits("log-in").headers["Location"]

    assert "account_linking_token=AR" in address
    assert "redirect_uri" not in address
