"""Digits of which two messages are asked for at once (CONFIRM_IN_CHAT)."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from app.infra.network.http_client import Deadline
from app.messenger.errors import GraphUnreachable
from app.messenger.graph.client import GraphClient
from app.messenger.types import Psid
from app.services.container import Services
from tests.actors import Graph, digits_in, log_in
from tests.browsers import Answer, Form
from tests.installation import ANA, PASSWORD, USERNAME
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]


@pytest.fixture
def digits_app(services: Services) -> Flask:
    """Return a server that always asks for digits."""
    settings = replace(services.settings, confirm_in_chat="always")
    return create_app(replace(services, settings=settings))


@pytest.fixture
def person(digits_app: Flask, graph: Graph) -> PageVisitor:
    """Return somebody in front of the redirect to the sign-in page, with its cookie."""
    login, person = log_in(), PageVisitor(digits_app)
    graph.knows(login, ANA)
    person.opens(login.address())
    return person


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def newest(graph: Graph) -> str:
    """Return the digits of the newest message."""
    return digits_in(json.loads(graph.messages[-1]))


@contextmanager
def during_the_first_message(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], Answer], *, fails: bool = False
) -> Iterator[list[Answer]]:
    """Have the answer to the first message arrive after *act*, which is done in another thread."""
    send, answers = GraphClient.send_text, list[Answer]()
    with ThreadPoolExecutor(1) as pool:

        def slow(client: GraphClient, psid: Psid, text: str, *, deadline: Deadline) -> str:
            monkeypatch.setattr(GraphClient, "send_text", send)
            sent = "" if fails else send(client, psid, text, deadline=deadline)
            answers.append(pool.submit(act).result())
            if fails:
                raise GraphUnreachable("no answer")
            return sent

        monkeypatch.setattr(GraphClient, "send_text", slow)
        yield answers


def test_a_double_tap_on_log_in_sends_one_message(
    digits_app: Flask, person: PageVisitor, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two messages with different digits leave a person to guess which are good."""
    cookie = cookie_of(person.sees)
    form = person.follows().form("Log in")

    def taps() -> Answer:
        browser = PageVisitor(digits_app, keeps_cookies=False)
        headers = {"Cookie": cookie}
        return browser.sends(form, headers=headers, username=USERNAME, password=PASSWORD)

    with during_the_first_message(monkeypatch, taps) as answers:
        answers.append(taps())

    assert [303, 303] == [answer.status for answer in answers]
    assert 1 == len(graph.messages)
    browser, renewed = PageVisitor(digits_app, keeps_cookies=False), cookie_of(answers[0])
    question = browser.opens(answers[0].location, Cookie=renewed).form("Connect")
    browser.sends(question, headers={"Cookie": renewed}, code=newest(graph))
    assert 303 == browser.sees.status


def at_the_digits(person: PageVisitor) -> tuple[str, Form]:
    """Sign in; return the cookie, and the form that asks for new digits."""
    person.follows()
    person.presses("Log in", username=USERNAME, password=PASSWORD)
    cookie = cookie_of(person.sees)
    return cookie, person.follows().form("Send a new code")


def test_the_newest_digits_are_good_also_where_an_earlier_message_is_answered_last(
    digits_app: Flask, person: PageVisitor, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie, form = at_the_digits(person)

    def asks() -> Answer:
        return PageVisitor(digits_app, keeps_cookies=False).sends(form, headers={"Cookie": cookie})

    with during_the_first_message(monkeypatch, asks):
        asks()

    assert 3 == len(graph.messages)
    person.presses("Connect", code=newest(graph))
    assert 303 == person.sees.status


def test_a_message_that_fails_leaves_the_digits_of_another(
    digits_app: Flask, person: PageVisitor, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they were sent before it, or meanwhile."""
    cookie, form = at_the_digits(person)
    question = person.sees.form("Connect")

    def asks() -> Answer:
        return PageVisitor(digits_app, keeps_cookies=False).sends(form, headers={"Cookie": cookie})

    with during_the_first_message(monkeypatch, asks, fails=True):
        asks()

    assert 2 == len(graph.messages)
    person.sends(question, code=newest(graph))
    assert 303 == person.sees.status


def test_a_message_that_fails_leaves_the_digits_of_before(
    person: PageVisitor, graph: Graph, stored: StoredRows
) -> None:
    at_the_digits(person)
    question = person.sees.form("Connect")
    graph.refuses_messages = True

    person.presses("Send a new code")

    assert 409 == person.sees.status
    assert 1 == stored.count("attempt", "digits_sent = 2")
    person.sends(question, code=newest(graph))
    assert 303 == person.sees.status
