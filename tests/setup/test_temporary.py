"""Settings at Meta are changed for a while, and restored at the end or after a crash."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.emulator.context import Emulator
from app.emulator.state import AppSubscription
from app.messenger.graph.setup import INTEGRITY_FIELD
from app.services.container import Services, build
from app.setup.plan import ForeignWebhook
from app.setup.state import BadUndo
from app.setup.temporary import TemporarySetup, TooSoon
from tests.conftest import on_sqlite
from tests.emulator.webhook_server import Webhook
from tests.installation import ENVIRONMENT, NOON, PAGE
from tests.setup.conftest import Runs

# What is asked and changed here is Meta's; the database only has to be there.
pytestmark = on_sqlite


LINKING = "messaging_account_linking"
TOKEN = ENVIRONMENT["VERIFY_TOKEN"]


class AnotherBot(Webhook):
    """A webhook that answers every handshake."""

    def answer_to(self, path: str) -> bytes:
        return path.partition("hub.challenge=")[2].partition("&")[0].encode()


@pytest.fixture
def address() -> Iterator[str]:
    """Yield a tunnel's address: what answers there answers handshakes, and that is enough."""
    with AnotherBot() as behind:
        yield behind.origin


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "instance/tunnel-undo.json"


def apply(
    setup: TemporarySetup, server: Services, url: str, after: float = 0, *, take: bool = False
) -> int:
    """Have *setup* lead to *url*, *after* so many seconds; return how many changes that took."""
    built = build(replace(server.settings, public_url=url))
    at = NOON + timedelta(seconds=after)
    made = setup.apply(built.meta(), take_webhook=take, verify_token=TOKEN, bot=False, at=at)
    count = len(list(made))
    built.close()
    return count


def restore(setup: TemporarySetup, server: Services) -> None:
    list(setup.restore(server.meta(), verify_token=TOKEN, at=NOON))


def profile_calls(meta: Emulator) -> int:
    return sum("messenger_profile" in e.exchange.url for e in meta.journal.entries())


def test_everything_leads_to_the_tunnel_and_then_back_to_nothing(
    server: Services, address: str, meta: Emulator, file: Path
) -> None:
    setup = TemporarySetup(file)

    assert 3 == apply(setup, server, address)

    assert meta.state.app_subscription is not None
    assert f"{address}/webhook" == meta.state.app_subscription.callback_url
    assert (meta.state.linking_url(PAGE) or "").startswith(f"{address}/authorize?")
    assert (LINKING, INTEGRITY_FIELD) == meta.state.page_fields(PAGE)
    restore(setup, server)
    assert meta.state.app_subscription is None
    assert () == meta.state.page_fields(PAGE)
    assert meta.state.linking_url(PAGE) is None
    assert not file.exists()


def test_what_was_there_before_comes_back_with_its_fields(
    server: Services, address: str, meta: Emulator, file: Path
) -> None:
    with AnotherBot() as bot:
        before = AppSubscription(bot.url, ("messages",))
        meta.state.app_subscription = before
        meta.state.set_page_fields(PAGE, ("messages",))
        meta.state.set_linking_url(PAGE, "https://old.example/authorize")
        setup = TemporarySetup(file)

        apply(setup, server, address, take=True)
        restore(setup, server)

    assert before == meta.state.app_subscription
    assert ("messages",) == meta.state.page_fields(PAGE)
    assert "https://old.example/authorize" == meta.state.linking_url(PAGE)


def test_another_program_s_webhook_is_not_taken_unasked(
    server: Services, address: str, meta: Emulator, file: Path
) -> None:
    meta.state.app_subscription = foreign = AppSubscription("https://bot.example/x", ("messages",))
    setup = TemporarySetup(file)

    with pytest.raises(ForeignWebhook):
        apply(setup, server, address)

    assert foreign == meta.state.app_subscription
    assert meta.state.linking_url(PAGE) is None
    assert not file.exists()
    assert not setup.is_open


def test_a_new_address_needs_no_permission_to_replace_our_old_one(
    server: Services, address: str, meta: Emulator, file: Path
) -> None:
    setup = TemporarySetup(file)
    apply(setup, server, address)
    with AnotherBot() as other:
        assert 2 == apply(setup, server, other.origin)

    assert meta.state.app_subscription is not None
    assert other.url == meta.state.app_subscription.callback_url
    restore(setup, server)
    assert meta.state.app_subscription is None


def test_after_a_crash_the_next_setup_puts_back_what_was_there_before_the_first(
    server: Services, address: str, meta: Emulator, file: Path
) -> None:
    """
    Else a dead tunnel's address would be taken for what had been there, or for another program's.
    """
    apply(TemporarySetup(file), server, address)

    again = TemporarySetup(file)
    with AnotherBot() as other:
        assert again.is_open
        apply(again, server, other.origin)
        restore(again, server)

    assert meta.state.app_subscription is None
    assert meta.state.linking_url(PAGE) is None
    assert not file.exists()


def test_after_a_crash_setup_puts_it_back_as_well(
    server: Services, address: str, meta: Emulator, file: Path, runs: Runs
) -> None:
    apply(TemporarySetup(file), server, address)
    assert 0o600 == file.stat().st_mode & 0o777
    assert TOKEN not in file.read_text(encoding="utf-8")

    result = runs("setup", "--undo", str(file))

    assert 0 == result.exit_code, result.output
    assert meta.state.app_subscription is None
    assert meta.state.linking_url(PAGE) is None


def test_a_crash_in_the_middle_leaves_a_way_back(
    server: Services, address: str, meta: Emulator, file: Path
) -> None:
    built = build(replace(server.settings, public_url=address))
    made = TemporarySetup(file).apply(
        built.meta(), take_webhook=False, verify_token=TOKEN, bot=False, at=NOON
    )
    next(made)  # the webhook alone
    built.close()

    restore(TemporarySetup(file), server)

    assert meta.state.app_subscription is None


def test_meta_is_never_called_more_often_than_it_allows(
    server: Services, address: str, meta: Emulator, file: Path
) -> None:
    """
    Ten calls in ten minutes for a page, the two that put things back included.
    """
    setup = TemporarySetup(file)
    with AnotherBot() as other:
        for told in range(7):
            apply(setup, server, (address, other.origin)[told % 2], after=told)

        with pytest.raises(TooSoon) as caught:
            apply(setup, server, other.origin, after=7)

        assert 8 == profile_calls(meta)
        assert NOON + timedelta(minutes=11) == caught.value.at
        # Nothing of the try that came too soon has been done.
        assert meta.state.app_subscription is not None
        assert f"{address}/webhook" == meta.state.app_subscription.callback_url
        later = (caught.value.at - NOON).total_seconds()
        apply(setup, server, other.origin, after=later)
        restore(setup, server)
    assert 10 == profile_calls(meta)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("text", ["", "[]", '{"webhook": null, "pages": []}'], ids=repr)
def test_a_file_of_something_else_is_not_taken_for_a_setup(text: str, tmp_path: Path) -> None:
    path = tmp_path / "undo.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BadUndo):
        TemporarySetup(path)


def test_a_setup_of_other_pages_changes_nothing(
    server: Services, address: str, meta: Emulator, file: Path
) -> None:
    file.parent.mkdir()
    file.write_text('{"webhook": null, "pages": [], "ours": []}', encoding="utf-8")

    with pytest.raises(BadUndo):
        apply(TemporarySetup(file), server, address)

    assert meta.state.app_subscription is None
    assert () == meta.state.page_fields(PAGE)
