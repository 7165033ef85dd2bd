"""An hour of our failures, on Messenger's clock: its effect on a Page, and the fix."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
import requests

from tests.journeys.program import Threadlink, emulated
from tests.ports import free_port
from threadlink_testing import Messenger, Person

JANE, PASSWORD = "jane@example.com", "four gulls over a quiet harbour"
FIELD: Final = "messaging_account_linking"


@contextmanager
def out_of_order(threadlink: Threadlink, _messenger: Messenger) -> Iterator[None]:
    """Let the server fail by itself: a table is gone."""
    _alter(threadlink.folder, "ALTER TABLE link RENAME TO mislaid")
    yield
    _alter(threadlink.folder, "ALTER TABLE mislaid RENAME TO link")


@contextmanager
def too_late(_threadlink: Threadlink, messenger: Messenger) -> Iterator[None]:
    """Let each answer of the server come when Messenger no longer waits."""
    with messenger.fault("webhook-timeout"):
        yield


# What fails, what Messenger saw of it, and why it says that it repeats.
FAILURES: Final[
    dict[
        str,
        tuple[Callable[[Threadlink, Messenger], AbstractContextManager[None]], set[int], str],
    ]
] = {
    "503": (out_of_order, {503}, "answered 503"),
    "too late": (too_late, {200}, "within 5 seconds"),
}


@pytest.fixture
def messenger(threadlink: Threadlink) -> Iterator[Messenger]:
    """Yield a running Messenger that knows a running Threadlink: `threadlink setup` was run."""
    with emulated() as there:
        messenger = Messenger(there)
        own = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        }
        lines = (f"{name}={text}\n" for name, text in {**messenger.env, **own}.items())
        (threadlink.folder / ".env").write_text("".join(lines))
        threadlink.does("db", "upgrade")
        threadlink.does("accounts", "add", "--by-owner", JANE, typed=f"{PASSWORD}\n")
        with threadlink.serves("run"):
            threadlink.does("setup")
            yield messenger


@pytest.mark.parametrize(("failing", "statuses", "why"), FAILURES.values(), ids=FAILURES.keys())
def test_an_hour_of_failures_ends_the_subscription_and_setup_brings_it_back(
    failing: Callable[[Threadlink, Messenger], AbstractContextManager[None]],
    statuses: set[int],
    why: str,
    threadlink: Threadlink,
    messenger: Messenger,
) -> None:
    """R104: seen in the inspector, named by doctor, fixed by the command that doctor gives."""
    ana = messenger.people[0]
    logs_in(ana)
    first = version(threadlink, ana)
    assert 0 == threadlink.calls("doctor").exit_code
    before = len(messenger.received("webhook"))

    with failing(threadlink, messenger):
        ana.logs_out()
        messenger.advance(timedelta(minutes=58))
        assert "subscription" not in problems_of(threadlink)
        messenger.advance(timedelta(minutes=4))

    tries = messenger.received("webhook")[before:]
    assert statuses == {one.status for one in tries}
    assert all(why in str(one.reason) for one in tries)
    # At once, and with falling frequency, for as long as the Page was subscribed.
    assert 6 <= len(tries) <= 8
    page = requests.get(messenger.inspector_url, timeout=10).text
    assert "Alert to developers, Harbour Coffee" in page
    assert "Webhooks disabled, Harbour Coffee" in page

    # Nothing comes any more, and the person is the first to notice.
    logs_in(ana, is_linked=False)
    assert len(messenger.received("webhook")) == before + len(tries) + 1
    assert FIELD in str(messenger.received("webhook")[-1].reason)

    named = problems_of(threadlink)
    assert (
        f"subscription of page {ana.page_id}: the app is not subscribed to the page's {FIELD}: "
        in named
    )
    assert "fix: threadlink setup\n" in named
    assert 1 == named.count("PROBLEM")

    # The server goes by this machine's clock, and would find a code of an hour ahead too late.
    messenger.return_to_now()
    threadlink.does("setup")

    assert "" == problems_of(threadlink)
    logs_in(ana)
    # Whether the word of her Log Out was lost or came too late: what stands is the last Log In.
    assert version(threadlink, ana) > first


def logs_in(person: Person, *, is_linked: bool = True) -> None:
    """Tap Log In, sign in, connect; *is_linked* is what Messenger thinks in the end."""
    window = person.taps_log_in()
    window.submits(username=JANE, password=PASSWORD)
    window.submits(button="Yes, connect")
    assert is_linked is person.is_linked


def version(threadlink: Threadlink, person: Person) -> int:
    """Return which change of theirs made the link that stands."""
    (line,) = threadlink.does("links", "show", person.psid, "--json").splitlines()
    return int(json.loads(line)["version"])


def problems_of(threadlink: Threadlink) -> str:
    """Return the problems that doctor prints, each with its fix; empty if there are none."""
    done = threadlink.calls("doctor")
    lines = done.stdout.splitlines(keepends=True)
    wrong = (
        said
        for number, line in enumerate(lines)
        if line.startswith("PROBLEM")
        for said in lines[number : number + 2]
    )
    told = "".join(wrong)
    assert bool(told) is (done.exit_code == 1), done.stdout
    return told


def _alter(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "instance/threadlink.sqlite")) as connection, connection:
        connection.execute(statement)
