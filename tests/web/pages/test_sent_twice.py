"""A form of a browser session that is sent twice: both posts carry the cookie of before (R13)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import URL

from app.accounts import local
from app.accounts.identity import Identity
from app.accounts.local_authenticator import LocalAuthenticator
from app.infra import clock
from app.services.container import Services, build
from tests.actors import Graph, log_in
from tests.browsers import Answer, Form
from tests.installation import ANA, PASSWORD, USERNAME, settings_for
from tests.web.page_visitor import PageVisitor, words_of
from tests.web.second_road import SETTINGS, Shopper
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

DOORS = pytest.mark.parametrize("door", ["/connect", "/connections"])
GIVEN, CHOSEN = "three lanterns by the ferry", "seven herons, one umbrella"
CHANGE = "Change password"
NOT_YOU = "Use a different account"


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    services = build(settings_for(database, **SETTINGS), limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


def sent_twice(app: Flask, cookie: str, form: Form, **typed: str) -> tuple[Answer, Answer]:
    """Return both answers to a *form* of which the second is sent before the first is answered."""
    browser, headers = PageVisitor(app, keeps_cookies=False), {"Cookie": cookie}
    return (
        browser.sends(form, headers=headers, **typed),
        browser.sends(form, headers=headers, **typed),
    )


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def seen_after(app: Flask, answer: Answer) -> Answer:
    """Return the page to which *answer* leads a browser that has its cookie."""
    browser = PageVisitor(app, keeps_cookies=False)
    return browser.opens(answer.location, Cookie=cookie_of(answer))


@DOORS
def test_a_double_tap_on_not_you_ends_at_the_form(
    app: Flask, stored: StoredRows, jane: str, door: str
) -> None:
    """As within an attempt: whichever answer the browser takes last is good."""
    shopper = Shopper(app)
    shopper.comes(door)
    shopper.presses("Log in", username=USERNAME, password=PASSWORD)
    cookie = cookie_of(shopper.sees)
    form = shopper.follows().form(NOT_YOU)

    answers = sent_twice(app, cookie, form)

    assert [303, 303] == [answer.status for answer in answers]
    for answer in answers:
        page = seen_after(app, answer)
        assert "Log in" in {form.button for form in page.forms}
    assert jane
    assert 0 == stored.count("browser_session", "subject IS NOT NULL")


@pytest.fixture
def given(services: Services) -> str:
    hashed = services.hasher.hash(GIVEN)
    return services.write(local.add, USERNAME, None, hashed, is_first=True, at=clock.now())


def at_the_password(person: PageVisitor) -> tuple[str, Form]:
    """Sign in with the first password; return the cookie, and the form that asks for another."""
    person.presses("Log in", username=USERNAME, password=GIVEN)
    cookie = cookie_of(person.sees)
    return cookie, person.follows().form(CHANGE)


def comes(app: Flask, graph: Graph, door: str) -> PageVisitor:
    """Return somebody in front of the sign-in page behind *door*, or within a log-in."""
    if door == "log-in":
        login, person = log_in(), PageVisitor(app)
        graph.knows(login, ANA)
        person.taps_log_in(login)
        return person
    shopper = Shopper(app)
    shopper.comes(door)
    return shopper


ALL = pytest.mark.parametrize("door", ["log-in", "/connect", "/connections"])


@ALL
def test_a_double_tap_on_change_password_says_that_it_is_changed(
    app: Flask, graph: Graph, stored: StoredRows, given: str, door: str
) -> None:
    """The password that the first has set is the second's proof; it counts as no guess."""
    cookie, form = at_the_password(comes(app, graph, door))

    answers = sent_twice(app, cookie, form, current=GIVEN, new=CHOSEN)

    assert [303, 303] == [answer.status for answer in answers]
    for answer in answers:
        assert "Your password is changed" in words_of(seen_after(app, answer))
    assert given
    assert (1 if door == "/connect" else 0) == stored.count("invitation")
    guesses = "failures > 0 AND key NOT LIKE 'opens%' AND key NOT LIKE 'invit%'"
    assert 0 == stored.count("throttle", guesses)


@ALL
@pytest.mark.parametrize("changed", ["before the password is verified", "after"])
def test_a_double_tap_of_which_one_verifies_for_long(  # noqa: PLR0913, PLR0917 - fixtures
    app: Flask,
    graph: Graph,
    stored: StoredRows,
    given: str,
    monkeypatch: pytest.MonkeyPatch,
    door: str,
    changed: str,
) -> None:
    """The other one has changed the password by then."""
    cookie, form = at_the_password(comes(app, graph, door))
    verify = LocalAuthenticator.verify

    def taps() -> Answer:
        browser = PageVisitor(app, keeps_cookies=False)
        return browser.sends(form, headers={"Cookie": cookie}, current=GIVEN, new=CHOSEN)

    with ThreadPoolExecutor(1) as pool:

        def slow(authenticator: LocalAuthenticator, username: str, password: str) -> Identity:
            monkeypatch.setattr(LocalAuthenticator, "verify", verify)
            identity = verify(authenticator, username, password) if changed == "after" else None
            first.append(pool.submit(taps).result())
            return identity or verify(authenticator, username, password)

        first: list[Answer] = []
        monkeypatch.setattr(LocalAuthenticator, "verify", slow)
        second = taps()

    for answer in (*first, second):
        assert 303 == answer.status
        assert "Your password is changed" in words_of(seen_after(app, answer))
    assert given
    assert (1 if door == "/connect" else 0) == stored.count("invitation")


@ALL
@pytest.mark.parametrize(
    "typed",
    [(GIVEN, "another sentence by far"), (CHOSEN, CHOSEN), (GIVEN, "short")],
    ids=["another", "unchanged", "refused"],
)
def test_the_cookie_of_before_and_no_password_show_nothing(
    app: Flask, graph: Graph, given: str, door: str, typed: tuple[str, str]
) -> None:
    """R13, R19: whoever has borrowed it has to know what was set."""
    cookie, form = at_the_password(comes(app, graph, door))
    current, new = typed
    browser, headers = PageVisitor(app, keeps_cookies=False), {"Cookie": cookie}
    browser.sends(form, headers=headers, current=GIVEN, new=CHOSEN)

    browser.sends(form, headers=headers, current=current, new=new)

    assert given
    assert 400 <= browser.sees.status < 500
    assert not {"location", "set-cookie"} & set(browser.sees.headers)
    assert USERNAME not in browser.sees.text
    assert "j•••" not in browser.sees.text
    assert CHANGE not in {each.button for each in browser.sees.forms}
