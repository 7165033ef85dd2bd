"""A consent is to the question on the page in front of the person (R13, R15, R26)."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.accounts import local
from app.infra import clock
from app.services.container import Services
from tests.actors import Graph, LogIn, Messenger, linked, log_in
from tests.installation import ANA, NOON, PASSWORD
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]

ROSA = "rosa@shop.example"


@pytest.fixture
def rosa(services: Services) -> str:
    """Return the name of a second account; its password is PASSWORD as well."""
    password_hash = services.hasher.hash(PASSWORD)
    services.write(local.add, ROSA, None, password_hash, at=NOON)
    return ROSA


@pytest.fixture
def arrives(app: Flask, graph: Graph) -> Callable[[], PageVisitor]:
    """Return what brings somebody with a browser of their own out of Ana's Messenger."""

    def arrive() -> PageVisitor:
        login: LogIn = log_in()
        graph.knows(login, ANA)
        person = PageVisitor(app)
        person.taps_log_in(login)
        return person

    return arrive


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


def test_a_question_left_in_another_tab_connects_nobody_else(
    arrives: Callable[[], PageVisitor], rosa: str, stored: StoredRows
) -> None:
    """R13, R15: it named Jane; Rosa has signed in since, on the same phone."""
    person = arrives()
    person.signs_in()
    old = person.sees.form("Connect")
    person.presses("Use a different account")
    person.follows()
    person.signs_in(rosa)

    person.sends(old)

    assert 400 == person.sees.status
    assert "location" not in person.sees.headers
    assert "This page is out of date. Try again." in person.reads
    assert "account r•••@shop.example" in person.reads
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")
    person.presses("Connect")
    assert 303 == person.sees.status


def test_whoever_would_lose_the_profile_is_asked_about_first(
    arrives: Callable[[], PageVisitor], rosa: str, messenger: Messenger, stored: StoredRows
) -> None:
    """R26: Jane has connected it since the question, which did not speak of another account."""
    person, other = arrives(), arrives()
    person.signs_in(rosa)
    old = person.sees.form("Connect")
    other.signs_in()
    messenger.tells(linked(ANA, other.connects(), clock.now()))

    person.sends(old)

    assert 409 == person.sees.status
    assert "This profile is connected to another account. Connecting will end that." in person.reads
    assert 1 == stored.count("attempt", "code_hash IS NOT NULL")
    person.presses("Connect")
    assert 303 == person.sees.status


@pytest.mark.parametrize("question", ["", "x", "é\ud83d"])
def test_a_made_up_question_is_not_answered(
    arrives: Callable[[], PageVisitor], stored: StoredRows, question: str
) -> None:
    """R13."""
    person = arrives()
    person.signs_in()
    old = person.sees.form("Connect")
    told = question.encode("utf-8", "replace").decode()

    person.sends(old, question=told)

    assert 409 == person.sees.status
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")
