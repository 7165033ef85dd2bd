"""The demo as shipped: its command, its two ports, and a phone."""

import json
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.journeys.mobile_browser import MobileBrowser
from tests.journeys.program import Threadlink

ANY_PORTS = ("--port", "0", "--emulator-port", "0")
JANE = "j•••@example.com"


def links(threadlink: Threadlink, demo: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return which PSID is linked to whom, as the operator is told."""
    lines = threadlink.does("-e", demo["env_file"], "links", "show", "--json").splitlines()
    found = [json.loads(line) for line in lines]
    return [(link["psid"], link["display_name"]) for link in found]


def test_an_account_is_linked_logged_out_and_left_alone(
    demo: Mapping[str, Any], threadlink: Threadlink, phone: MobileBrowser
) -> None:
    phone.opens(demo["chat_url"])
    phone.sees("Log in to see your orders")
    phone.taps("Log In")
    phone.sees("Log in to Harbour Coffee")
    phone.signs_in(demo["username"], "not the password")
    phone.sees("Wrong email, username or password.")
    phone.signs_in(demo["username"], demo["password"])
    phone.sees("Whoever uses this Messenger profile can use your account.")
    phone.taps("Connect")
    phone.sees("You’re logged in")
    phone.taps("Back to the chat")
    phone.sees("You logged in to Harbour Coffee.")

    ana = demo["pages"][0]["people"][0]["psid"]
    assert [(ana, JANE)] == links(threadlink, demo)

    phone.taps("Details of this chat")
    phone.taps("Log Out")
    phone.sees("You logged out of Harbour Coffee.")

    assert [] == links(threadlink, demo)

    phone.taps("Log In")
    phone.signs_in(demo["username"], demo["password"])
    phone.sees("Whoever uses this Messenger profile can use your account.")
    phone.taps("Cancel")
    phone.sees("Not logged in")

    assert [] == links(threadlink, demo)


def test_two_people_link_the_same_account(
    demo: Mapping[str, Any], threadlink: Threadlink, phone: MobileBrowser
) -> None:
    for person in demo["pages"][0]["people"]:
        phone.opens(person["chat_url"])
        phone.taps("Log In")
        phone.sees("Log in to Harbour Coffee")
        phone.taps("Back to Messenger")
        phone.sees("Not logged in")
        phone.taps("Back to the chat")
        phone.taps("Log In")
        phone.signs_in(demo["username"], demo["password"])
        phone.taps("Connect")
        phone.sees("You’re logged in")

    everybody = {(person["psid"], JANE) for person in demo["pages"][0]["people"]}
    assert everybody == set(links(threadlink, demo))
    assert 2 == len(everybody)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_stopping_the_demo_gives_both_ports_back(
    number: signal.Signals, threadlink: Threadlink
) -> None:
    with threadlink.serves("demo", "--json", *ANY_PORTS) as served:
        addresses = [served.described["server_url"], served.described["url"]]

        assert (0, "Stopped.\n") == served.stops(number)

    for address in addresses:
        socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))).close()


MALFORMED = {
    "a space": b"GET /authorize?account_linking_token=canary more HTTP/1.1\r\n\r\n",
    "a version": b"GET /authorize?account_linking_token=canary HTTP/9.9\r\n\r\n",
    "TLS": b"\x16\x03\x01canary\x1b[31m\r\n\r\n",
    "too many headers": b"GET /?canary HTTP/1.1\r\n" + b"canary: 1\r\n" * 200 + b"\r\n",
}


def test_a_malformed_request_is_quoted_nowhere(threadlink: Threadlink) -> None:
    """R91, R110: neither in the log nor in the answer; it may hold a token."""
    answers = {}
    with threadlink.serves("demo", "--json", *ANY_PORTS) as served:
        port = int(served.described["server_url"].rpartition(":")[2])
        for name, sent in MALFORMED.items():
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.sendall(sent)
                answers[name] = b"".join(iter(lambda: connection.recv(65536), b""))
        _, said = served.stops()

    refused = {name for name, answer in answers.items() if re.search(rb"\b(400|431|505)\b", answer)}
    assert set(MALFORMED) == refused
    assert {} == {name: answer for name, answer in answers.items() if b"canary" in answer}
    assert "Stopped.\n" == said


@pytest.fixture
def proxy() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def chat_behind_a_proxy(threadlink: Threadlink, proxy: socket.socket) -> Iterator[str]:
    """Yield the address of the chat of a demo whose environment names *proxy*."""
    url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    named = {"http_proxy": url, "HTTP_PROXY": url, "ALL_PROXY": url}
    with threadlink.serves("demo", "--json", *ANY_PORTS, **named) as served:
        yield served.described["chat_url"]


def test_nothing_of_the_demo_goes_through_a_proxy(
    chat_behind_a_proxy: str, proxy: socket.socket, phone: MobileBrowser
) -> None:
    """R101, R110: the bot sends its key with every question."""
    phone.opens(chat_behind_a_proxy)
    phone.says("hi")
    phone.sees("Hi! Log in, and I know you.")

    with pytest.raises(BlockingIOError):
        proxy.accept()


def test_a_second_demo_says_that_there_is_one(
    demo: Mapping[str, Any], threadlink: Threadlink
) -> None:
    second = threadlink.tries("demo", *ANY_PORTS)

    assert 1 == second.returncode
    assert (
        f"Error: the demo is already running in {threadlink.folder}/instance/demo. "
        "Stop it with Ctrl-C.\n"
    ) == second.stderr
    assert [] == links(threadlink, demo)


@pytest.mark.parametrize("option", ["--port", "--emulator-port"])
def test_a_port_in_use_is_named_with_the_way_out(option: str, threadlink: Threadlink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        refused = threadlink.tries("demo", *ANY_PORTS, option, port)

    assert 1 == refused.returncode
    assert f"Error: port {port} is in use: choose another with {option}\n" == refused.stderr


def test_a_person_at_a_terminal_is_told_what_to_do(threadlink: Threadlink) -> None:
    with threadlink.serves("demo", *ANY_PORTS) as served:
        assert "\n" == served.first_line

        status, said = served.stops()

    assert 0 == status
    assert said.startswith("Threadlink is running with a simulated Messenger.")
    assert "jane@example.com" in said
    assert said.endswith("Ctrl-C stops both.\nStopped.\n")


def test_a_person_has_their_data_deleted(
    demo: Mapping[str, Any], threadlink: Threadlink, phone: MobileBrowser
) -> None:
    """Messenger posts the callback, the worker asks it whom that is, and the page tells the end."""
    phone.opens(demo["chat_url"])
    phone.taps("Log In")
    phone.signs_in(demo["username"], demo["password"])
    phone.taps("Connect")
    phone.sees("You’re logged in")

    phone.opens(demo["inspector_url"].replace("/inspector", "/faults"))
    phone.page.locator("select[name=what]").select_option("data-deletion")
    phone.page.get_by_role("button", name="Send", exact=True).click()
    phone.page.get_by_text("asks to delete the data of Ana").click()
    phone.taps("Status page")
    # What the worker does is seen at the next view: the page has no script to look by itself.
    said = phone.page.get_by_role("main")
    while "We’re working on it" in said.inner_text():
        phone.page.reload()
    phone.is_small()
    phone.sees("Your data is deleted, and your Messenger profile is no longer connected.")
    phone.sees("The ID numbers of the connection, until")

    assert [] == links(threadlink, demo)
