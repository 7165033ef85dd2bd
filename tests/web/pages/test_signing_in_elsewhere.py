"""The form in front of the business's own endpoint and of a directory: what holds for `local`.

R14, R16, R54, R59 to R61: counted by what is asked out there, not by what we believe we ask.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, Protocol

import pytest
from flask import Flask
from sqlalchemy import URL
from structlog.testing import capture_logs
from werkzeug.wrappers import Response

from app import create_app
from app.services.container import Services, build
from tests.accounts.ldap_stub import BIND, SEARCH, directing
from tests.accounts.password_endpoint import SECRET, answering
from tests.actors import Graph, LogIn, log_in
from tests.conftest import on_sqlite
from tests.installation import ANA, settings_for
from tests.web.page_visitor import PageVisitor, refusal, words_of
from tests.web.stored_rows import StoredRows

pytestmark = [on_sqlite, pytest.mark.real_peers]
NAME, PASSWORD = "jane@example.com", "canary gravel teapot"
WRONG: Final = "Wrong email, username or password. Try again."
AWAY: Final = "We can’t check your details right now"
NO: Final = ("unknown", "wrong", "locked")


class Elsewhere(Protocol):
    """The server that is asked about passwords."""

    settings: dict[str, str]

    def says(self, outcome: str) -> None: ...

    def times_asked(self) -> int:
        """Return how often somebody's password was asked about."""
        ...

    def last_asked(self) -> tuple[str, str]:
        """Return the name and the password that it was asked about last."""
        ...


class Endpoint:
    STATUS: Final = {
        "right": 200,
        "unknown": 401,
        "wrong": 401,
        "locked": 423,
        "away": 502,
        "misconfigured": 403,
    }

    def __init__(self, stack: ExitStack) -> None:
        self._stub = stack.enter_context(answering())
        self.settings = {
            "AUTHENTICATORS": "http:shop",
            "HTTP_SHOP_URL": self._stub.url,
            "HTTP_SHOP_SECRET": SECRET,
        }

    def says(self, outcome: str) -> None:
        said = json.dumps({"subject": "user-7c1f42a0", "display_name": NAME, "why": "canary"})
        self._stub.answer = Response(said, status=self.STATUS[outcome])

    def times_asked(self) -> int:
        return len(self._stub.asked)

    def last_asked(self) -> tuple[str, str]:
        said = json.loads(self._stub.asked[-1].get_data())
        return said["username"], said["password"]


class Directory:
    CODE: Final = {"right": 0, "unknown": 49, "wrong": 49, "locked": 19, "away": 51}

    def __init__(self, stack: ExitStack) -> None:
        self._stub = stack.enter_context(directing())
        self._jane = self._stub.found
        self.settings = {
            "AUTHENTICATORS": "ldap:staff",
            "LDAP_STAFF_URL": f"ldap://127.0.0.1:{self._stub.port}",
            "LDAP_STAFF_BASE": "ou=people,dc=example,dc=com",
            "LDAP_STAFF_BIND_DN": "cn=threadlink",
            "LDAP_STAFF_BIND_PASSWORD": "canary-searcher",
            "LDAP_STAFF_NAME_ATTRIBUTE": "mail",
        }

    def says(self, outcome: str) -> None:
        self._stub.found = [] if outcome == "unknown" else self._jane
        self._stub.person = self.CODE[outcome]

    def times_asked(self) -> int:
        times = len(self._stub.searches)
        assert [BIND, SEARCH, BIND] * times == self._stub.asked
        return times

    def last_asked(self) -> tuple[str, str]:
        asked = self._stub.searches[-1]
        # The equality matches of the filter (RFC 4511, 4.5.1.7): an attribute and a value.
        matches = re.finditer(rb"\xa3.\x04.[A-Za-z]+\x04(.)", asked, re.DOTALL)
        (name,) = {asked[match.end() :][: match[1][0]].decode() for match in matches}
        return name, self._stub.binds[-1][1].decode()


@pytest.fixture(params=[Endpoint, Directory], ids=["http", "ldap"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    with ExitStack() as stack:
        elsewhere: Elsewhere = request.param(stack)
        elsewhere.says("right")
        yield elsewhere


@pytest.fixture
def services(database: URL, elsewhere: Elsewhere) -> Iterator[Services]:
    services = build(settings_for(database, LOG_LEVEL="debug", **elsewhere.settings))
    yield services
    services.close()


@pytest.fixture
def known(graph: Graph) -> LogIn:
    login = log_in()
    graph.knows(login, ANA)
    return login


def newcomer(app: Flask, login: LogIn) -> PageVisitor:
    visitor = PageVisitor(app)
    visitor.taps_log_in(login)
    return visitor


def test_whoever_they_know_signs_in(app: Flask, known: LogIn, elsewhere: Elsewhere) -> None:
    person = newcomer(app, known)

    person.signs_in(NAME, PASSWORD)

    assert "j•••@example.com" in person.reads
    assert 1 == elsewhere.times_asked()


@pytest.mark.parametrize(
    "typed",
    [f"{NAME} ", f"\u200b{NAME}\u00a0", NAME.replace("jane@", "\uff4a\uff41\uff4e\uff45\uff20")],
)
def test_what_a_keyboard_adds_to_a_name_is_not_passed_on(
    app: Flask, known: LogIn, elsewhere: Elsewhere, typed: str
) -> None:
    """The same typing means the same as for `local`, and is shown as it was understood."""
    elsewhere.says("wrong")
    person = newcomer(app, known)

    person.signs_in(typed, PASSWORD)

    assert (NAME, PASSWORD) == elsewhere.last_asked()
    assert f'value="{NAME}"' in person.sees.text


@pytest.mark.parametrize(
    "password", [" canary ", "canary\u00a0", "a\u0308\ufb01\uff21", "it\u2019s\u200b"]
)
def test_a_password_is_passed_on_as_it_was_typed(
    app: Flask, known: LogIn, elsewhere: Elsewhere, password: str
) -> None:
    """It was set elsewhere, and is compared there: another form of it could lock its owner out."""
    newcomer(app, known).signs_in(NAME, password)

    assert (NAME, password) == elsewhere.last_asked()


def test_every_no_looks_the_same(app: Flask, graph: Graph, elsewhere: Elsewhere) -> None:
    """R59, R60: the same bytes and headers, after as many questions."""
    answers, asked = [], []
    for outcome in NO:
        elsewhere.says(outcome)
        before = elsewhere.times_asked()
        answers.append(refusal(app, graph, f"{outcome}@example.com", PASSWORD))
        asked.append(elsewhere.times_asked() - before)

    assert 1 == len(set(answers))
    assert [1, 1, 1] == asked
    status, _, body = answers[0]
    assert 422 == status
    assert WRONG in body.replace("&#39;", "'")
    assert "canary" not in body


def test_marks_that_nobody_sees_give_no_guesses_of_their_own(
    app: Flask, known: LogIn, elsewhere: Elsewhere
) -> None:
    """R61: each of these spellings is asked about as the name, and counted as the name."""
    elsewhere.says("wrong")
    guesser = newcomer(app, known)

    for mark in ("\u00ad", "\u202e", "\u200b", "\ufeff", "\u2066", "\U000e0041"):
        guesser.signs_in(f"j{mark}ane@example.com{mark}", "wrong")

    assert 429 == guesser.sees.status
    assert 5 == elsewhere.times_asked()
    assert (NAME, "wrong") == elsewhere.last_asked()


@pytest.mark.parametrize("outcome", NO)
def test_a_sixth_guess_at_one_name_is_not_passed_on(
    app: Flask, graph: Graph, known: LogIn, elsewhere: Elsewhere, outcome: str
) -> None:
    """R61: also with another token, and were it right; a directory's own lock-out is not met."""
    elsewhere.says(outcome)
    guesser = newcomer(app, known)
    for _ in range(5):
        guesser.signs_in(NAME, "wrong")
    elsewhere.says("right")
    other = log_in()
    graph.knows(other, ANA)
    guesser = newcomer(app, other)

    guesser.signs_in(NAME, PASSWORD)

    assert 429 == guesser.sees.status
    assert int(guesser.sees.headers["retry-after"]) in range(1, 301)
    assert 5 == elsewhere.times_asked()


@pytest.mark.parametrize(
    "spellings",
    [
        ["J\u00c0NE", "j\u00e1ne", "jan\u0113", "\uff4aane", "jane."],
        ["\u24d9ane", "jan\u1d49", "j\u0227ne", "j.a.n.e", "JANE"],
    ],
    ids=ascii,
)
def test_a_name_has_five_guesses_however_it_is_spelt(
    app: Flask, known: LogIn, elsewhere: Elsewhere, spellings: list[str]
) -> None:
    """R61: MySQL and Active Directory take these for one name."""
    elsewhere.says("wrong")
    guesser = newcomer(app, known)
    for spelling in spellings:
        guesser.signs_in(f"{spelling}@example.com", "wrong")
    elsewhere.says("right")

    guesser.signs_in(NAME, PASSWORD)

    assert 429 == guesser.sees.status
    assert 5 == elsewhere.times_asked()


@pytest.mark.parametrize("ignored", ["\u200d", "\x07", "\ue000", "x" * 250])
def test_a_name_with_characters_that_stores_ignore_is_not_passed_on(
    app: Flask, known: LogIn, elsewhere: Elsewhere, ignored: str
) -> None:
    """R61: nor one that is too long; both are wrong names like others."""
    person = newcomer(app, known)

    person.signs_in(f"j{ignored}ane@example.com", PASSWORD)

    assert 422 == person.sees.status
    assert 0 == elsewhere.times_asked()


def test_one_profile_may_guess_ten_times_an_hour(
    app: Flask, graph: Graph, elsewhere: Elsewhere
) -> None:
    """R61: whatever names are tried."""
    elsewhere.says("unknown")
    for number in range(11):
        login = log_in()
        graph.knows(login, ANA)
        guesser = newcomer(app, login)
        guesser.signs_in(f"name{number}@example.com", "wrong")

    assert 429 == guesser.sees.status
    assert 10 == elsewhere.times_asked()


def test_nobody_is_asked_without_a_live_token(
    app: Flask, graph: Graph, elsewhere: Elsewhere
) -> None:
    """R14: every guess costs a token that Messenger made for a real profile."""
    guesser = newcomer(app, log_in())

    guesser.signs_in(NAME, PASSWORD)

    assert 410 == guesser.sees.status
    assert 1 == len(graph.calls)
    assert 0 == elsewhere.times_asked()


def test_a_full_house_is_told_at_once(
    app: Flask, services: Services, known: LogIn, elsewhere: Elsewhere
) -> None:
    """R54: nobody is asked, nothing is counted, and the same form works a moment later."""
    person = newcomer(app, known)
    form = person.sees
    with ExitStack() as inside:
        for _ in range(services.admission.admitted):
            inside.enter_context(services.admission.enter())
        person.signs_in(NAME, PASSWORD)

    assert 503 == person.sees.status
    assert "Try again" in person.reads
    assert 0 == elsewhere.times_asked()
    assert 0 == StoredRows(services).count("throttle", "failures > 0 AND key NOT LIKE 'opens%'")
    person.sees = form
    assert "j•••@example.com" in person.signs_in(NAME, PASSWORD).text


def test_who_cannot_be_answered_has_not_guessed(
    app: Flask, known: LogIn, services: Services, elsewhere: Elsewhere
) -> None:
    """R61: the page says when to come back, and six such tries lock no person out."""
    person = newcomer(app, known)
    form = person.sees
    elsewhere.says("away")
    for _ in range(6):
        person.sees = form
        person.signs_in(NAME, PASSWORD)

    assert 503 == person.sees.status
    assert AWAY in person.reads
    assert {"Try again", "Back to Messenger"} <= set(_offers(person))
    assert 0 == StoredRows(services).count("throttle", "failures > 0 AND key NOT LIKE 'opens%'")
    elsewhere.says("right")
    person.sees = form
    assert "j•••@example.com" in person.signs_in(NAME, PASSWORD).text


@pytest.mark.parametrize("outcome", ["right", "away", *NO])
def test_nothing_of_it_is_logged(
    app: Flask, known: LogIn, elsewhere: Elsewhere, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    """R110: neither what was typed nor what was answered, but for the subject."""
    elsewhere.says(outcome)
    person = newcomer(app, known)

    with capture_logs() as entries, caplog.at_level("DEBUG"):
        person.signs_in(NAME, PASSWORD)

    logged = f"{entries}{caplog.text}"
    assert "sign_in" in logged
    for secret in ("canary", NAME):
        assert secret not in logged


def _offers(person: PageVisitor) -> list[str]:
    links = person.sees.text.split('class="button primary" href="')[1:]
    return [form.button for form in person.sees.forms] + [
        link.split(">")[1].split("<")[0] for link in links
    ]


def test_who_cannot_be_checked_for_a_fault_of_ours_is_not_told_to_try_again(
    database: URL, graph: Graph
) -> None:
    """The endpoint refuses our signature: no waiting cures that, and the page has a reference."""
    with ExitStack() as stack:
        endpoint = Endpoint(stack)
        endpoint.says("misconfigured")
        services = build(settings_for(database, **endpoint.settings))
        stack.callback(services.close)
        login = log_in()
        graph.knows(login, ANA)
        person = newcomer(create_app(services), login)

        answer = person.signs_in(NAME, PASSWORD)

    assert 503 == answer.status
    assert "Something is wrong on our side, not with your details." in answer.text
    assert "in a minute" not in answer.text
    assert "Reference" in answer.text
    assert "Back to Messenger Try again" in words_of(answer)
    assert "try again" not in words_of(answer).casefold().replace("back to messenger try again", "")
