"""The inspector's groups: the exchanges of one log-in, under its name."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator.ui.log_ins import grouped
from app.emulator.ui.narration import Narrator
from tests.emulator.conftest import ManualClock, Person

THREADLINK = {"User-Agent": "threadlink"}


def groups(person: Person) -> list[tuple[str, str, list[str]]]:
    """Return title, outcome and steps of each log-in, newest first."""
    emulator = person.emulator
    entries = emulator.journal.entries()
    teller = Narrator(emulator.state, entries)
    return [
        (
            place.log_in.title,
            place.log_in.outcome(emulator.clock()),
            [teller.words(entry.exchange) for entry in place.entries],
        )
        for place in grouped(emulator.state, teller, entries)
        if place.log_in
    ]


def asks_about(person: Person, graph: FlaskClient, back: str) -> None:
    """Ask Graph what a server asks while the person of the redirect_uri *back* logs in."""
    token = back.partition("account_linking_token=")[2]
    query = {"fields": "recipient", "account_linking_token": token}
    graph.get("/v26.0/me", query_string=query, headers=THREADLINK)
    graph.get(f"/v26.0/{person.psid}", headers=THREADLINK)


def test_a_log_in_is_told_from_its_tap_to_its_webhook(
    graph: FlaskClient, ana: Person, ben: Person
) -> None:
    back = ana.taps_log_in()
    bens = ben.taps_log_in()
    asks_about(ana, graph, back)
    ana.submits("messages", text="meanwhile")
    answer = {"recipient": {"id": ana.psid}, "message": {"text": "Hi!"}}
    graph.post("/v26.0/me/messages", json=answer, headers={"User-Agent": "bot/1"})
    ana.opens(f"{back}&authorization_code=tl_4f")
    ben.opens(bens)

    assert [
        (
            "Ben’s log-in 1",
            "declined",
            ["comes back, not logged in", "opens the log-in page for Ben"],
        ),
        (
            "Ana’s log-in 1",
            "linked",
            [
                "comes back, logged in",
                "says that Ana logged in",
                "asks for Ana’s name",
                "asks whose token it is",
                "opens the log-in page for Ana",
            ],
        ),
    ] == groups(ana)


def test_each_tap_begins_a_log_in_of_its_own(ana: Person, clock: ManualClock) -> None:
    ana.comes_back("")
    ana.taps_log_in()
    clock.advance(timedelta(minutes=6))
    ana.taps_log_in()

    assert [
        ("Ana’s log-in 3", "open"),
        ("Ana’s log-in 2", "abandoned"),
        ("Ana’s log-in 1", "declined"),
    ] == [(title, outcome) for title, outcome, _ in groups(ana)]


def test_a_delivery_that_fails_and_its_retry_belong_to_their_log_in(ana: Person) -> None:
    ana.emulator.faults.turn_on("outage")
    back = ana.taps_log_in() + "&authorization_code=tl_4f"
    ana.opens(back)
    ana.emulator.faults.clear()
    ana.emulator.dispatcher.advance(timedelta(hours=1))
    ana.emulator.dispatcher.settle()

    ((_, outcome, steps),) = groups(ana)

    assert "failed" == outcome
    # The first retry follows at once, beside the page of the return.
    assert "says that Ana logged in, retry 2" == steps[0]
    assert {
        "comes back, and the log-in fails",
        "says that Ana logged in, retry 1 (not sent)",
        "says that Ana logged in (not sent)",
        "opens the log-in page for Ana",
    } == set(steps[1:])


def test_a_page_that_is_reloaded_undoes_nothing(ana: Person) -> None:
    back = ana.taps_log_in() + "&authorization_code=tl_4f"
    ana.opens(back)
    ana.opens(back)

    assert "linked" == groups(ana)[0][1]


@pytest.mark.parametrize(("only", "rows"), [("", 3), ("webhook", 1), ("failed", 0)])
def test_the_newest_log_in_is_open_and_holds_what_the_filter_lets_through(
    only: str, rows: int, app: Flask, ana: Person
) -> None:
    ana.comes_back("&authorization_code=tl_4f")
    ana.comes_back("&authorization_code=tl_5a")

    page = app.test_client().get("/inspector", query_string={"only": only}).text

    opened = re.findall(r'class="log-in [^>]*data-number="[\d-]+-(\d)"( open)?', page)
    assert ([("2", " open"), ("1", "")] if rows else []) == opened
    assert 2 * rows == len(re.findall(r'class="entry ', page))


def test_a_page_that_shows_a_log_in_gets_its_new_rows_alone(app: Flask, ana: Person) -> None:
    back = ana.taps_log_in()
    ana.opens(back)

    fresh = app.test_client().get("/inspector/entries?after=1").text

    assert "comes back, not logged in" in fresh
    assert "opens the log-in page" not in fresh
    assert 1 == fresh.count("data-log-in=")
