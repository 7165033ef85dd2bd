"""The sign-in form: its costs, answers and rate limits (R14, R16, R59 to R61, R69)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import create_app
from app.accounts import local, proofs
from app.accounts.authenticators import PasswordAuthenticator
from app.accounts.identity import Identity
from app.accounts.models import Account
from app.accounts.sign_in_methods import SignInMethods
from app.infra import clock
from app.infra.settings.settings import Settings
from app.linking import account_changes
from app.services.container import Services, build
from tests.actors import Graph, LogIn, log_in
from tests.installation import ANA, BEN, NOON, PAGE, PASSWORD, USERNAME
from tests.web.page_visitor import PageVisitor, refusal
from tests.web.stored_rows import StoredRows

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PATIENCE = 30.0
# How often two are let loose at once: now the one is first, now the other.
ROUNDS = 4
WRONG = "Wrong email, username or password. Try again."


class Counting:
    """Asks the real authenticator, and knows how often."""

    def __init__(self, real: PasswordAuthenticator, meanwhile: Callable[[], object]) -> None:
        self._real = real
        self._meanwhile = meanwhile
        self.asked = 0

    def verify(self, username: str, password: str) -> Identity:
        self.asked += 1
        identity = self._real.verify(username, password)
        self._meanwhile()
        return identity


def password_of(services: Services) -> PasswordAuthenticator:
    authenticator = services.sign_in_methods[PAGE].password
    assert authenticator is not None
    return authenticator


def asking(services: Services, authenticator: PasswordAuthenticator) -> Services:
    """Return *services* that ask *authenticator*."""
    return replace(services, sign_in_methods={PAGE: SignInMethods(authenticator, ())})


@pytest.fixture
def watched(services: Services) -> Counting:
    return Counting(password_of(services), lambda: None)


@pytest.fixture
def site(services: Services, watched: Counting) -> Flask:
    return create_app(asking(services, watched))


@pytest.fixture
def operator(settings: Settings) -> Iterator[Services]:
    """Yield what a command has built, on the same database, in a process of its own."""
    operator = build(settings)
    yield operator
    operator.close()


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def known(graph: Graph) -> LogIn:
    login = log_in()
    graph.knows(login, ANA)
    return login


@on_sqlite
@pytest.mark.usefixtures("jane", "graph")
def test_no_password_is_looked_at_without_a_live_token(site: Flask, watched: Counting) -> None:
    """R14: every guess costs a token that Messenger made for a real profile."""
    guesser = PageVisitor(site)
    guesser.taps_log_in(log_in())

    guesser.signs_in()

    assert 410 == guesser.sees.status
    assert "This page has expired" in guesser.reads
    assert 0 == watched.asked


@on_sqlite
@pytest.mark.usefixtures("jane")
def test_made_up_tokens_soon_stop_reaching_graph(site: Flask, graph: Graph) -> None:
    """R14: thirty refused tokens from one address, and the next is not asked about."""
    guesser = PageVisitor(site)
    for _ in range(30):
        guesser.taps_log_in(log_in())
        guesser.signs_in()
    asked = len(graph.calls)
    guesser.taps_log_in(log_in())

    guesser.signs_in()

    assert 429 == guesser.sees.status
    assert int(guesser.sees.headers["retry-after"]) in range(1, 301)
    assert 30 == asked == len(graph.calls)


@on_sqlite
@pytest.mark.usefixtures("jane")
def test_without_graph_nobody_signs_in(
    site: Flask, graph: Graph, known: LogIn, watched: Counting, stored: StoredRows
) -> None:
    """R16: fail closed, and the same form again once Graph answers."""
    person = PageVisitor(site)
    person.taps_log_in(known)
    graph.is_down = True

    person.signs_in()

    assert 503 == person.sees.status
    assert "retry-after" in person.sees.headers
    assert "Try again" in person.reads
    assert "Back to Messenger" in person.reads
    assert 0 == watched.asked
    assert 0 == stored.count("attempt", "signed_in_at IS NOT NULL OR psid IS NOT NULL")
    assert 0 == stored.count("throttle", "failures > 0 AND key NOT LIKE 'opens%'")
    graph.is_down = False
    person.opens(person.sees.text.split('class="button primary" href="')[1].split('"')[0])
    person.signs_in()
    assert "Ana Berg will be connected" in person.reads


@on_sqlite
@pytest.mark.usefixtures("jane")
def test_a_token_of_another_page_signs_nobody_in(
    site: Flask, graph: Graph, known: LogIn, watched: Counting
) -> None:
    """R14, R16: the page in Graph's answer is not the attempt's."""
    graph.answers_for("2817527131834679")
    person = PageVisitor(site)
    person.taps_log_in(known)

    person.signs_in()

    assert 503 == person.sees.status
    assert 0 == watched.asked


@on_sqlite
@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize(
    "typed",
    ["Jane@Example.com ", "\u200bjane@example.com\u00a0", "\uff4a\uff41\uff4e\uff45@example.com"],
)
def test_what_a_keyboard_adds_to_a_name_does_not_count(
    site: Flask, known: LogIn, typed: str
) -> None:
    person = PageVisitor(site)
    person.taps_log_in(known)

    person.signs_in(typed, PASSWORD)

    assert "j•••@example.com" in person.reads


@on_sqlite
@pytest.mark.usefixtures("jane", "graph")
def test_a_name_is_shown_again_as_it_was_understood(
    site: Flask, known: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a wrong password, and where its guesses have to wait for less than the attempt has."""
    # A guess waits from the beginning of the second that it is counted in.
    at = clock.now().replace(microsecond=500_000)
    monkeypatch.setattr(clock, "now", lambda: at)
    person = PageVisitor(site)
    person.taps_log_in(known)

    for _ in range(6):
        person.signs_in(f"\u200b{USERNAME}\u00a0", "wrong")
        assert f'value="{USERNAME}"' in person.sees.text


@on_sqlite
def test_every_failure_looks_the_same(site: Flask, graph: Graph, services: Services) -> None:
    """R59, R60: unknown name, wrong password, disabled account: same bytes, same headers."""
    for name in (USERNAME, "gone@example.com"):
        services.write(local.add, name, None, services.hasher.hash(PASSWORD), at=NOON)
    services.write(local.disable, "gone@example.com", at=NOON)
    tries = [(USERNAME, "wrong"), ("nobody@example.com", PASSWORD), ("gone@example.com", PASSWORD)]

    answers = [refusal(site, graph, *credentials) for credentials in tries]

    assert 1 == len(set(answers))
    status, _, body = answers[0]
    assert 422 == status
    assert WRONG in body.replace("&#39;", "'")


@on_sqlite
@pytest.mark.usefixtures("jane")
def test_a_sixth_guess_at_one_name_waits(
    site: Flask, graph: Graph, known: LogIn, watched: Counting
) -> None:
    """R61: also with another token, and what was typed stays in the form."""
    guesser = PageVisitor(site)
    guesser.taps_log_in(known)
    for _ in range(5):
        guesser.signs_in(password="wrong")
    other = log_in()
    graph.knows(other, ANA)
    guesser.taps_log_in(other)

    guesser.signs_in(password=PASSWORD)

    assert 429 == guesser.sees.status
    assert int(guesser.sees.headers["retry-after"]) in range(1, 301)
    assert 5 == watched.asked
    assert USERNAME == guesser.sees.form("Log in").fields["username"]
    assert 'aria-invalid="true"' not in guesser.sees.text
    assert "Connect Ana" not in guesser.reads


@on_sqlite
@pytest.mark.usefixtures("jane")
def test_one_profile_may_guess_ten_times_an_hour(
    site: Flask, graph: Graph, watched: Counting
) -> None:
    """R61: whatever names are tried; another profile is not held up."""
    for number in range(11):
        login = log_in()
        graph.knows(login, ANA)
        guesser = PageVisitor(site)
        guesser.taps_log_in(login)
        guesser.signs_in(f"name{number}@example.com", "wrong")
    other = log_in()
    graph.knows(other, BEN)
    person = PageVisitor(site)
    person.taps_log_in(other)

    person.signs_in()

    assert 429 == guesser.sees.status
    assert 11 == watched.asked
    assert "Connect" in person.reads


@on_sqlite
@pytest.mark.usefixtures("jane")
def test_an_owner_gets_in_beside_strangers_who_guess(
    site: Flask, graph: Graph, watched: Counting
) -> None:
    """R61: 32 guesses at names of all kinds, and at the owner's, from the owner's own address."""
    for number in range(32):
        login = log_in()
        graph.knows(login, f"77{number // 8}")
        guesser = PageVisitor(site)
        guesser.taps_log_in(login)
        guesser.signs_in(USERNAME if number % 2 else f"name{number}@example.com", "wrong")
    assert 429 == guesser.sees.status
    login = log_in()
    graph.knows(login, ANA)
    owner = PageVisitor(site)
    owner.taps_log_in(login)

    owner.signs_in()

    assert "Ana Berg will be connected" in owner.reads
    assert watched.asked < 33


@on_sqlite
@pytest.mark.usefixtures("jane")
def test_after_confirming_no_password_is_looked_at(
    site: Flask, known: LogIn, watched: Counting
) -> None:
    """R18: a finished attempt is not a place to go on guessing."""
    guesser = PageVisitor(site)
    guesser.taps_log_in(known)
    form = guesser.sees.form("Log in")
    guesser.signs_in()
    token = guesser.sees.form("Connect").fields["form_token"]
    guesser.connects()
    before = watched.asked

    answer = guesser.sends(form, username=USERNAME, password="wrong", form_token=token)

    assert 409 == answer.status
    assert before == watched.asked


@pytest.mark.usefixtures("jane")
def test_an_account_disabled_while_its_password_is_checked_stays_out(
    services: Services, known: LogIn, stored: StoredRows
) -> None:
    """R69: the moment between the right password and what is written of it."""
    disable = partial(local.disable, at=NOON)
    close = partial(
        services.write,
        account_changes.close_account,
        disable,
        USERNAME,
        policy=services.policy,
        at=NOON,
    )
    closing = Counting(password_of(services), close)
    person = PageVisitor(create_app(asking(services, closing)))
    person.taps_log_in(known)

    person.signs_in()

    assert 422 == person.sees.status
    assert WRONG in person.reads
    assert 0 == stored.count("attempt", "signed_in_at IS NOT NULL")


@pytest.mark.usefixtures("jane")
def test_an_account_disabled_after_signing_in_connects_nothing(
    site: Flask, services: Services, known: LogIn, stored: StoredRows
) -> None:
    """R69: also where only the account was touched, and not what hangs on it."""
    person = PageVisitor(site)
    person.taps_log_in(known)
    person.signs_in()
    services.write(local.disable, USERNAME, at=NOON)

    person.presses("Connect")

    assert 409 == person.sees.status
    assert "Not connected" in person.reads
    assert "location" not in person.sees.headers
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")
    assert 1 == stored.count("attempt", "ended_as = 'refused' AND reason = 'account closed'")


@pytest.mark.usefixtures("jane")
def test_no_sign_in_outlives_a_disable_in_the_same_instant(
    services: Services, operator: Services, graph: Graph, stored: StoredRows
) -> None:
    """R69: whichever of the two is committed first, each as in a process of its own."""
    together = Barrier(2, timeout=PATIENCE)
    site = create_app(asking(services, Counting(password_of(services), together.wait)))

    for _ in range(ROUNDS):
        person = _newcomer(site, services, graph)
        with ThreadPoolExecutor(1) as pool:
            disabling = pool.submit(_disable, operator, together)
            person.signs_in()

        assert 0 == disabling.result()
        assert 0 == stored.count("attempt", "issuer IS NOT NULL AND ended_at IS NULL")


@pytest.mark.usefixtures("jane")
def test_no_code_outlives_a_disable_in_the_same_instant(
    app: Flask, services: Services, operator: Services, graph: Graph, stored: StoredRows
) -> None:
    """R69: either there is none, or the disable finds it."""
    together = Barrier(2, timeout=PATIENCE)

    for _ in range(ROUNDS):
        person = _newcomer(app, services, graph)
        person.signs_in()
        with ThreadPoolExecutor(1) as pool:
            disabling = pool.submit(_disable, operator, together)
            together.wait()
            person.presses("Connect")

        assert 0 == disabling.result()
        assert 0 == stored.count("attempt", "issuer IS NOT NULL AND ended_at IS NULL")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_disabling_waits_for_a_sign_in_that_is_being_written(services: Services, jane: str) -> None:
    """R69: else neither would see the other; SQLite has one writer at a time anyway."""
    with Session(services.engine) as signing_in, Session(services.engine) as disabling:
        assert proofs.is_active(signing_in, jane)

        with pytest.raises(OperationalError, match="could not obtain lock"):
            disabling.execute(select(Account).with_for_update(nowait=True))


def _newcomer(site: Flask, services: Services, graph: Graph) -> PageVisitor:
    """Bring somebody with a log-in of their own to the sign-in page; USERNAME may sign in."""
    services.write(local.enable, USERNAME)
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(site)
    person.taps_log_in(login)
    return person


def _disable(operator: Services, together: Barrier) -> int:
    """Disable USERNAME as soon as *together* opens; return how many links that has ended."""
    disable = partial(local.disable, at=NOON)
    together.wait()
    return operator.write(
        account_changes.close_account, disable, USERNAME, policy=operator.policy, at=NOON
    )
