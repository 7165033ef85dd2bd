"""`threadlink setup` does the steps of Meta's dashboard, and can undo them."""

from pathlib import Path

import pytest

from app.accounts import local
from app.emulator import psid_for
from app.emulator.context import Emulator
from app.emulator.state import AppSubscription
from app.linking import link_queries
from app.messenger.types import Psid
from app.services.container import Services
from tests.actors import Person
from tests.browsers import OverSockets
from tests.conftest import on_sqlite
from tests.emulator.webhook_server import Webhook
from tests.installation import ENVIRONMENT, NOON, PAGE, PASSWORD, USERNAME
from tests.setup.conftest import Platform, Runs
from tests.setup.test_public_checks import Echo, listening

# What is asked and changed here is Meta's; the database only has to be there.
pytestmark = on_sqlite


LINKING = "messaging_account_linking"
STANDING = "business_integrity"


class AnotherBot(Webhook):
    """A webhook that answers every handshake."""

    def answer_to(self, path: str) -> bytes:
        return path.partition("hub.challenge=")[2].partition("&")[0].encode()


@pytest.fixture
def address(server: Services) -> str:
    return f"{server.settings.public_url}/webhook"


def test_nothing_is_registered_for_an_address_that_leads_to_somebody_else(
    meta: Emulator, runs: Runs, tmp_path: Path
) -> None:
    """Meta would send VERIFY_TOKEN there, and people to sign in."""
    with listening(Echo({})) as url:
        result = runs("setup", PUBLIC_URL=url)

    assert 1 == result.exit_code
    assert "nothing was changed: installation is not Threadlink" in result.output
    assert meta.state.app_subscription is None
    assert meta.state.linking_url(PAGE) is None
    assert not (tmp_path / "instance").exists()


def test_after_setup_a_tap_on_log_in_ends_in_a_link(
    server: Services, meta: Emulator, platform: Platform, runs: Runs
) -> None:
    server.write(local.add, USERNAME, None, server.hasher.hash(PASSWORD), at=NOON)

    result = runs("setup")

    assert 0 == result.exit_code, result.output
    ana = Psid(psid_for(meta.settings, PAGE, "Ana Berg"))
    phone, webview = OverSockets(platform.origin), OverSockets(server.settings.public_url)
    tapped = phone("POST", f"/t/{PAGE}/{ana}/log-in")
    person = Person(webview)
    person.opens(tapped.location)
    person.follows()
    person.signs_in()
    person.presses("Connect")
    phone("GET", person.sees.location)
    phone.close()
    webview.close()
    link = server.read(link_queries.find_link, PAGE, ana)
    assert link is not None
    assert "linked" == link.state


def test_a_dry_run_shows_everything_and_changes_nothing(
    address: str, meta: Emulator, runs: Runs
) -> None:
    result = runs("setup", "--dry-run")

    assert 0 == result.exit_code
    assert f"App webhook: none\n    becomes {address} ({LINKING}, {STANDING})" in result.output
    assert f"Page {PAGE} subscribed: nothing\n    becomes {LINKING}, {STANDING}" in result.output
    assert meta.state.app_subscription is None
    assert () == meta.state.page_fields(PAGE)
    assert meta.state.linking_url(PAGE) is None


@pytest.mark.usefixtures("server")
def test_a_second_setup_finds_nothing_to_change(runs: Runs) -> None:
    runs("setup")

    again = runs("setup")

    assert "Nothing to change" in again.output


def test_fields_that_were_subscribed_stay(address: str, meta: Emulator, runs: Runs) -> None:
    meta.state.app_subscription = AppSubscription(address, ("messages", "message_reads"))
    meta.state.set_page_fields(PAGE, ("messages",))

    runs("setup")

    assert meta.state.app_subscription is not None
    subscribed = meta.state.app_subscription.fields
    assert {"messages", "message_reads", LINKING, STANDING} == set(subscribed)
    assert {"messages", LINKING, STANDING} == set(meta.state.page_fields(PAGE))


def test_a_bot_s_fields_are_subscribed_when_asked(address: str, meta: Emulator, runs: Runs) -> None:
    assert address

    runs("setup", "--bot")

    fields = {"messages", "messaging_postbacks", LINKING, STANDING}
    assert fields == set(meta.state.page_fields(PAGE))


def test_what_tells_of_the_page_s_standing_is_subscribed_if_meta_takes_it(
    address: str, meta: Emulator, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could try business_integrity at Meta: that it is refused must stop nothing."""
    monkeypatch.setattr("app.emulator.graph.subscriptions._FIELDS", {LINKING})

    result = runs("setup")

    assert 0 == result.exit_code, result.output
    assert (LINKING,) == meta.state.page_fields(PAGE)
    assert meta.state.app_subscription == AppSubscription(address, (LINKING,))
    assert 2 == result.output.count(f"without {STANDING}, which Meta refused: ")


@pytest.mark.usefixtures("server")
def test_a_foreign_webhook_is_not_taken_unasked(meta: Emulator, runs: Runs) -> None:
    foreign = AppSubscription("https://bot.example/hook", ("messages",))
    meta.state.app_subscription = foreign

    result = runs("setup")

    assert 1 == result.exit_code
    assert "which belongs to another program" in result.output
    assert "BOT_MESSENGER_URL=https://bot.example/hook" in result.output
    assert foreign == meta.state.app_subscription
    assert () == meta.state.page_fields(PAGE)


def test_a_webhook_that_is_taken_can_be_given_back(
    address: str, meta: Emulator, runs: Runs, tmp_path: Path
) -> None:
    with AnotherBot() as bot:
        before = AppSubscription(bot.url, ("messages",))
        meta.state.app_subscription = before

        taken = runs("setup", "--take-webhook")

        assert meta.state.app_subscription is not None
        assert address == meta.state.app_subscription.callback_url
        assert f"BOT_MESSENGER_URL={bot.url}" in taken.output
        (undo,) = (tmp_path / "instance").glob("setup-undo-*.json")
        given_back = runs("setup", "--undo", str(undo))
        assert 0 == given_back.exit_code, given_back.output
    assert before == meta.state.app_subscription
    assert () == meta.state.page_fields(PAGE)
    assert meta.state.linking_url(PAGE) is None


@pytest.mark.usefixtures("server")
def test_the_undo_file_holds_no_secret(
    runs: Runs, environment: dict[str, str], tmp_path: Path
) -> None:
    runs("setup")

    (undo,) = (tmp_path / "instance").glob("setup-undo-*.json")
    text = undo.read_text(encoding="utf-8")
    secrets = [environment[name] for name in ("APP_SECRET", "VERIFY_TOKEN", "PAGE_ACCESS_TOKEN")]
    assert [] == [secret for secret in secrets if secret in text]
    assert 0o600 == undo.stat().st_mode & 0o777


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"webhook": 1}',
        '{"webhook": {}, "pages": []}',
        '{"webhook": null, "pages": []}',
        f'{{"webhook": null, "pages": [{{"page_id": "{PAGE}", "fields": [], "linking_url": 5}}]}}',
    ],
    ids=repr,
)
def test_a_file_that_is_no_undo_file_changes_nothing(
    text: str, meta: Emulator, runs: Runs, tmp_path: Path
) -> None:
    runs("setup")
    path = tmp_path / "undo.json"
    path.write_text(text, encoding="utf-8")

    result = runs("setup", "--undo", str(path))

    assert 1 == result.exit_code
    assert "does not contain the state of these pages" in result.output
    assert meta.state.app_subscription is not None


def test_without_a_running_server_nothing_is_changed(meta: Emulator, runs: Runs) -> None:
    """
    Meta would ask the webhook at once; it is asked from here before that.
    """
    result = runs("setup", PUBLIC_URL="http://127.0.0.1:9")

    assert 1 == result.exit_code
    assert "nothing was changed: public address http://127.0.0.1:9 does not answer" in result.output
    assert meta.state.app_subscription is None
    assert () == meta.state.page_fields(PAGE)


@pytest.mark.usefixtures("server")
def test_setup_makes_few_profile_calls(meta: Emulator, runs: Runs) -> None:
    """
    Meta allows ten in ten minutes for a page.
    """
    for _ in range(2):
        runs("setup")

    calls = [e for e in meta.journal.entries() if "messenger_profile" in e.exchange.url]
    assert 3 == len(calls)


def test_a_field_that_meta_no_longer_takes_does_not_stop_ours(
    address: str, meta: Emulator, runs: Runs
) -> None:
    """Graph refuses the whole list for one field of another tool's, and here of each level."""
    meta.state.app_subscription = AppSubscription(address, ("leadgen", "messages"))
    meta.state.set_page_fields(PAGE, ("messages", "leadgen", "message_reads"))

    result = runs("setup")

    assert 0 == result.exit_code, result.output
    fields = {"messages", "message_reads", LINKING, STANDING}
    assert fields == set(meta.state.page_fields(PAGE))
    assert meta.state.app_subscription is not None
    assert {"messages", LINKING, STANDING} == set(meta.state.app_subscription.fields)
    assert 2 == result.output.count("without leadgen, which Meta refused: ")
    assert (meta.state.linking_url(PAGE) or "").startswith(address.removesuffix("/webhook"))


def test_of_several_fields_all_are_kept_that_meta_takes(
    address: str, meta: Emulator, runs: Runs
) -> None:
    assert address
    held = ("leadgen", "messages", "feed", "message_reads")
    meta.state.set_page_fields(PAGE, held)

    result = runs("setup")

    assert 0 == result.exit_code, result.output
    fields = {"messages", "message_reads", LINKING, STANDING}
    assert fields == set(meta.state.page_fields(PAGE))
    assert "without leadgen, feed, which Meta refused" in result.output


def test_what_cannot_be_kept_cannot_be_restored_and_stops_no_undo(
    address: str, meta: Emulator, runs: Runs, tmp_path: Path
) -> None:
    assert address
    meta.state.set_page_fields(PAGE, ("messages", "leadgen"))
    runs("setup")
    (undo,) = (tmp_path / "instance").glob("setup-undo-*.json")

    result = runs("setup", "--undo", str(undo))

    assert 0 == result.exit_code, result.output
    assert ("messages",) == meta.state.page_fields(PAGE)
    assert meta.state.app_subscription is None
    assert meta.state.linking_url(PAGE) is None
    assert "without leadgen, which Meta refused" in result.output


REFUSED: dict[str, tuple[str, dict[str, object]]] = {
    "the page's fields": ("POST /me/subscribed_apps", {"message": "no", "code": 200}),
    "Log In": ("POST /me/messenger_profile", {"message": "no", "code": 100}),
    "the webhook": (
        f"POST /{ENVIRONMENT['APP_ID']}/subscriptions",
        {"message": "not answered", "code": 2200},
    ),
}


@pytest.mark.parametrize(("call", "error"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("has_webhook", [False, True], ids=["a new app", "another bot's app"])
def test_what_meta_refuses_leaves_nothing_half_changed(  # noqa: PLR0913, PLR0917 - a row of the table
    call: str,
    error: dict[str, object],
    has_webhook: bool,  # noqa: FBT001 - as above
    meta: Emulator,
    platform: Platform,
    runs: Runs,
    address: str,
) -> None:
    with AnotherBot() as bot:
        before = AppSubscription(bot.url, ("messages",)) if has_webhook else None
        meta.state.app_subscription = before
        meta.state.set_page_fields(PAGE, ("messages",))
        platform.errors[call] = error

        result = runs("setup", "--take-webhook")

    assert address
    assert 1 == result.exit_code
    assert "Meta refused: " in result.output
    assert "Everything at Meta is as it was before." in result.output
    assert before == meta.state.app_subscription
    assert ("messages",) == meta.state.page_fields(PAGE)
    assert meta.state.linking_url(PAGE) is None


def test_a_webhook_in_use_is_not_touched_before_meta_has_taken_the_rest(
    address: str, meta: Emulator, platform: Platform, runs: Runs
) -> None:
    """Another bot's would miss events, and might not take the handshake to get it back."""
    assert address
    meta.state.app_subscription = AppSubscription("https://bot.example/hook", ("messages",))
    platform.errors["POST /me/messenger_profile"] = {"message": "no", "code": 100}

    runs("setup", "--take-webhook")

    calls = [e.exchange for e in meta.journal.entries()]
    assert [] == [c for c in calls if c.url.endswith("/subscriptions") and c.method == "POST"]


def test_what_cannot_be_undone_is_told_exactly(
    address: str, meta: Emulator, platform: Platform, runs: Runs
) -> None:
    assert address
    platform.errors["POST /me/messenger_profile"] = {"message": "no", "code": 100}
    platform.errors["DELETE /100200300400500/subscriptions"] = {"message": "no", "code": 100}

    result = runs("setup")

    assert 1 == result.exit_code
    assert "except for this, which Meta did not take back:\nApp webhook: none" in result.output
    assert "threadlink setup --undo instance/setup-undo-" in result.output
    assert meta.state.app_subscription is not None
    assert () == meta.state.page_fields(PAGE)


@pytest.mark.usefixtures("server")
def test_a_state_that_graph_does_not_tell_changes_nothing(
    meta: Emulator, platform: Platform, runs: Runs
) -> None:
    platform.errors["GET /me/subscribed_apps"] = {"message": "no", "code": 200}

    result = runs("setup")

    assert 1 == result.exit_code
    assert "nothing was changed: Graph does not tell what is set up there: no" in result.output
    assert "Next: threadlink doctor" in result.output
    assert meta.state.app_subscription is None


def test_what_graph_calls_final_is_asked_once(
    address: str, meta: Emulator, platform: Platform, runs: Runs
) -> None:
    """
    So it answers for a field without its permission: code 1, which is temporary otherwise.
    """
    assert address
    platform.errors["POST /me/subscribed_apps"] = {
        "message": "An unknown error occurred",
        "code": 1,
        "error_subcode": 1929002,
        "is_transient": False,
    }

    result = runs("setup")

    assert 1 == result.exit_code
    assert "Meta refused: An unknown error occurred" in result.output
    asked = [call for call in platform.asked if call.startswith("POST /me/subscribed_apps")]
    # The field that linking can do without is left out once.
    assert 2 == len(asked)
    assert meta.state.app_subscription is None
