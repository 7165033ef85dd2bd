"""`threadlink run --tunnel`, from an empty database to a link, through a tunnel that moves."""

import csv
import json
import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browsers import OverSockets
from tests.journeys.mobile_browser import MobileBrowser
from tests.journeys.program import Served, Threadlink, emulated
from tests.journeys.test_by_hand import JANE, PASSWORD, filled
from tests.ports import free_port
from tests.setup.test_public_checks import Echo, listening
from tests.setup.tunnels import LocalApi, entrance, local_api

UNDO = Path("instance/tunnel-undo.json")
READY = "Ready: tap Log In on the phone."


@pytest.fixture
def ngrok() -> Iterator[LocalApi]:
    with local_api() as api:
        yield api


@pytest.fixture
def messenger(threadlink: Threadlink) -> Iterator[Mapping[str, Any]]:
    """Yield what a simulated Messenger says of itself; `.env` and the tables are made for it."""
    with emulated() as there:
        own = {"SECRET_KEY": secrets.token_urlsafe(48), "PUBLIC_URL": "http://127.0.0.1:1"}
        (threadlink.folder / ".env").write_text(filled({**there["env"], **own}))
        threadlink.does("db", "upgrade")
        threadlink.does("accounts", "add", "--by-owner", JANE, typed=f"{PASSWORD}\n")
        yield there


@contextmanager
def behind(threadlink: Threadlink, ngrok: LocalApi, port: int) -> Iterator[Served]:
    """Yield the server behind the tunnel; its first line is what it found."""
    with threadlink.serves("run", "--tunnel", ngrok.origin, "--port", str(port)) as server:
        yield server


def says(server: Served, words: str) -> str:
    """Return all that *server* says up to the line that has *words* in it."""
    assert server.process.stdout is not None
    said = ""
    for line in server.process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def noted(messenger: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return what Meta has noted: where the webhook and where Log In lead."""
    env = messenger["env"]
    graph = OverSockets(env["GRAPH_URL"])
    app = f"{env['APP_ID']}|{env['APP_SECRET']}"
    hooks = graph("GET", f"/v26.0/{env['APP_ID']}/subscriptions?access_token={app}")
    asked = f"fields=account_linking_url&access_token={env['PAGE_ACCESS_TOKEN']}"
    profile = graph("GET", f"/v26.0/me/messenger_profile?{asked}")
    graph.close()
    rows = [row for row in json.loads(hooks.text)["data"] if row["object"] == "page"]
    urls = json.loads(profile.text)["data"]
    return (
        rows[0]["callback_url"] if rows else None,
        urls[0].get("account_linking_url") if urls else None,
    )


def test_a_person_links_through_a_tunnel_whose_address_changes(
    threadlink: Threadlink, messenger: Mapping[str, Any], ngrok: LocalApi, phone: MobileBrowser
) -> None:
    port, ana = free_port(), messenger["pages"][0]["people"][0]
    before = noted(messenger)
    with entrance(port) as first, entrance(port) as second:
        ngrok.is_ngrok((first, f"localhost:{port}"))
        with behind(threadlink, ngrok, port) as server:
            assert f"ngrok forwards {first} to port {port}." in server.first_line
            says(server, READY)
            assert f"{first}/webhook" == noted(messenger)[0]

            ngrok.is_ngrok((second, f"http://localhost:{port}"))
            moved = says(server, READY)
            assert f"ngrok forwards {second} to port {port}." in moved
            webhook, log_in = noted(messenger)
            assert f"{second}/webhook" == webhook
            assert (log_in or "").startswith(f"{second}/authorize?")

            phone.opens(ana["chat_url"])
            phone.taps("Details of this chat")
            phone.taps("Log In")
            phone.signs_in(JANE, PASSWORD)
            phone.taps("Connect")
            phone.taps("Back to the chat")
            phone.sees("You logged in to Harbour Coffee.")
            # The chat keeps itself fresh, and would miss the emulator.
            phone.opens("about:blank")

            status, said = server.stops(signal.SIGINT)
    assert 0 == status, said
    assert "Restoring the setup at Meta:" in said
    assert before == noted(messenger)
    assert not (threadlink.folder / UNDO).exists()
    (link,) = csv.DictReader(threadlink.does("links", "export").splitlines())
    assert (ana["psid"], "linked") == (link["psid"], link["state"])


def test_after_a_crash_nothing_is_left_running_and_everything_can_be_put_back(
    threadlink: Threadlink, messenger: Mapping[str, Any], ngrok: LocalApi
) -> None:
    port = free_port()
    before = noted(messenger)
    with entrance(port) as address:
        ngrok.is_ngrok((address, f"localhost:{port}"))
        with behind(threadlink, ngrok, port) as server:
            says(server, READY)
            server.stops(signal.SIGKILL)  # and waits for the end of the child's output, too
        assert before != noted(messenger)

        with behind(threadlink, ngrok, port) as again:
            assert "An earlier run did not restore the setup at Meta" in again.first_line
            says(again, READY)
            status, said = again.stops()
    assert 0 == status, said
    assert before == noted(messenger)


def test_an_address_that_leads_to_somebody_else_is_not_registered(
    threadlink: Threadlink, messenger: Mapping[str, Any], ngrok: LocalApi
) -> None:
    """On a shared machine whoever listens at ngrok's port first says what the address is."""
    port, before, echo = free_port(), noted(messenger), Echo({})
    with listening(echo) as address:
        ngrok.is_ngrok((address, f"localhost:{port}"))
        with behind(threadlink, ngrok, port) as server:
            says(server, "Not yet: installation is not Threadlink")
            status, said = server.stops()
    assert 0 == status, said
    assert before == noted(messenger)
    assert messenger["env"]["VERIFY_TOKEN"] not in echo.told
    assert not (threadlink.folder / UNDO).exists()


def test_without_a_tunnel_it_says_how_to_start_one_and_tells_nobody(
    threadlink: Threadlink, messenger: Mapping[str, Any], ngrok: LocalApi
) -> None:
    before = noted(messenger)

    refused = threadlink.tries("run", "--tunnel", ngrok.origin, "--port", "8123")

    assert 1 == refused.returncode
    assert "ngrok http 8123" in refused.stderr
    assert before == noted(messenger)
    assert not (threadlink.folder / UNDO).exists()
