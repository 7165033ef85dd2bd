"""The attempt's secret is renewed when somebody signs in or out (R13, R19; ASVS 5.0, 7.2.4).

Mallory had the victim's browser in her hands, or has planted a cookie in it: she knows the secret
of before.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import URL
from werkzeug.wrappers import Response

from app.accounts import local
from app.infra import clock
from app.infra.network.http_client import Deadline
from app.messenger.graph.client import GraphClient
from app.messenger.types import Psid
from app.services.container import Services, build
from tests.accounts.ldap_stub import directing
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.accounts.password_endpoint import SECRET, answering
from tests.actors import Graph, Messenger, linked, log_in
from tests.browsers import Answer, Form
from tests.installation import ANA, NOON, PASSWORD, USERNAME, add_jane, settings_for
from tests.web.page_visitor import PageVisitor, words_of
from tests.web.stored_rows import StoredRows

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PATIENCE = 30.0
BUTTON = "Continue with Stub"
ROSA = "rosa@shop.example"
QUESTION = "Ana Berg will be connected to"


pytestmark = pytest.mark.real_peers


class Borrowed:
    """A browser that sends one cookie, whatever it is answered."""

    def __init__(self, app: Flask, cookie: str) -> None:
        self._visitor = PageVisitor(app, keeps_cookies=False)
        self._headers = {"Cookie": cookie}

    def opens(self, address: str) -> Answer:
        return self._visitor.opens(address, Cookie=self._headers["Cookie"])

    def sends(self, form: Form, **more: str) -> Answer:
        return self._visitor.sends(form, headers=self._headers, **more)


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def address_of(answer: Answer) -> str:
    """Return the address of the attempt whose page *answer* is."""
    return answer.form("Back to Messenger").action.removesuffix("/cancel")


def assert_shut_out(answer: Answer) -> None:
    """Assert that *answer* says nothing of the attempt, and gives no cookie and no code."""
    assert 400 == answer.status
    assert "Let’s start again" in words_of(answer)
    assert not {"location", "set-cookie"} & set(answer.headers)
    assert not any(name in answer.text for name in ("Ana Berg", "j•••"))


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(clock.now()) as provider:
        yield provider


@pytest.fixture
def authenticators() -> str:
    return "local oidc:stub"


@pytest.fixture
def services(database: URL, provider: Provider, authenticators: str) -> Iterator[Services]:
    with ExitStack() as stack:
        settings = {
            "OIDC_STUB_ISSUER": provider.issuer,
            "OIDC_STUB_CLIENT_ID": CLIENT_ID,
            "OIDC_STUB_CLIENT_SECRET": CLIENT_SECRET,
        }
        if "http:shop" in authenticators:
            endpoint = stack.enter_context(answering())
            endpoint.answer = Response(json.dumps({"subject": "u-1", "display_name": USERNAME}))
            settings |= {"HTTP_SHOP_URL": endpoint.url, "HTTP_SHOP_SECRET": SECRET}
        if "ldap:staff" in authenticators:
            directory = stack.enter_context(directing())
            directory.person = 0
            settings |= {
                "LDAP_STAFF_URL": f"ldap://127.0.0.1:{directory.port}",
                "LDAP_STAFF_BASE": "ou=people,dc=example,dc=com",
                "LDAP_STAFF_NAME_ATTRIBUTE": "mail",
            }
        # Not the subject: a machine that is busy is no reason to fail.
        services = build(
            settings_for(database, AUTHENTICATORS=authenticators, **settings), limit_seconds=60
        )
        add_jane(services)
        yield services
        services.close()


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def victim(app: Flask, graph: Graph) -> PageVisitor:
    """Return somebody in front of the redirect to the sign-in page, with its cookie."""
    login = log_in()
    graph.knows(login, ANA)
    victim = PageVisitor(app)
    victim.opens(login.address())
    return victim


@pytest.fixture
def mallory(app: Flask, victim: PageVisitor) -> Borrowed:
    """Return who has the cookie of before the sign-in."""
    return Borrowed(app, cookie_of(victim.sees))


def by_password(victim: PageVisitor, provider: Provider) -> None:  # noqa: ARG001 - as the other
    victim.presses("Log in", username=USERNAME, password=PASSWORD)


def by_provider(victim: PageVisitor, provider: Provider) -> None:
    victim.opens(callback(victim, provider))


def callback(person: PageVisitor, provider: Provider, **changed: str) -> str:
    """Return the address at which *provider* sends *person* back."""
    person.presses(BUTTON)
    params = {**provider.sends_back(person.sees.location), **changed}
    return f"/authorize/oidc/stub/callback?{urlencode(params)}"


@pytest.mark.parametrize(
    ("authenticators", "signs_in"),
    [
        ("local", by_password),
        ("http:shop", by_password),
        ("ldap:staff", by_password),
        ("local oidc:stub", by_provider),
    ],
    ids=["local", "http", "ldap", "oidc"],
)
def test_the_cookie_of_before_the_sign_in_is_dead(
    victim: PageVisitor,
    mallory: Borrowed,
    provider: Provider,
    stored: StoredRows,
    signs_in: Callable[[PageVisitor, Provider], None],
) -> None:
    """R13, R19: who has it sees nothing, confirms nothing, signs nobody out; the person goes on."""
    form = victim.follows().form("Log in")
    before = stored.column("attempt", "secret_hash")

    signs_in(victim, provider)
    assert 303 == victim.sees.status
    assert victim.follows().status == 200
    assert QUESTION in victim.reads
    consent = victim.sees.form("Connect")

    assert before != stored.column("attempt", "secret_hash")
    for path in ("", "/confirm", "/sign-out", "/digits", "/cancel", "/oidc/stub"):
        assert_shut_out(mallory.opens(form.action + path))
    own = {"form_token": form.fields["form_token"], "question": consent.fields["question"]}
    for path in ("/confirm", "/sign-out", "/digits"):
        assert_shut_out(mallory.sends(Form(form.action + path, own, "")))
    stolen = mallory.sends(consent)
    assert 400 == stolen.status
    assert not {"location", "set-cookie"} & set(stolen.headers)
    mallory.sends(Form(f"{form.action}/cancel", own, ""))
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL OR ended_at IS NOT NULL")
    assert victim.connects().startswith("tl_")


def test_the_cookie_of_before_not_you_is_dead(
    app: Flask, victim: PageVisitor, services: Services
) -> None:
    """R13: who had the question of one user gets nothing of the next, not even by signing out."""
    services.write(local.add, ROSA, None, services.hasher.hash(PASSWORD), at=NOON)
    victim.follows()
    victim.presses("Log in", username=USERNAME, password=PASSWORD)
    other = Borrowed(app, cookie_of(victim.sees))
    question = victim.follows()
    consent, not_you = question.form("Connect"), question.form("Use a different account")

    victim.presses("Use a different account")
    victim.follows()

    assert_shut_out(other.opens(consent.action))
    assert_shut_out(other.sends(consent))
    victim.signs_in(ROSA)
    assert_shut_out(other.opens(consent.action))
    assert_shut_out(other.sends(consent))
    assert_shut_out(other.sends(not_you))
    assert "account r•••@shop.example" in victim.reads
    assert victim.connects().startswith("tl_")


@on_sqlite
def test_who_has_the_old_cookie_and_another_account_gets_no_further(
    victim: PageVisitor, mallory: Borrowed, services: Services, stored: StoredRows
) -> None:
    """R13: neither with an account of their own nor with a guess; the victim stays signed in."""
    services.write(local.add, ROSA, None, services.hasher.hash(PASSWORD), at=NOON)
    form = victim.follows().form("Log in")
    victim.signs_in()
    counted = stored.count("throttle", "failures > 0")

    own = mallory.sends(form, username=ROSA, password=PASSWORD)
    guess = mallory.sends(form, username=USERNAME, password="wrong")

    assert_shut_out(own)
    assert 422 == guess.status
    assert "set-cookie" not in guess.headers
    assert not any(name in guess.text for name in ("Ana Berg", "j•••"))
    # As any guess, it costs.
    assert counted < stored.count("throttle", "failures > 0")
    assert victim.connects().startswith("tl_")


def test_a_double_tap_on_sign_in_ends_at_the_question(
    app: Flask, victim: PageVisitor, stored: StoredRows
) -> None:
    """Both posts carry the cookie of before; whichever answer the browser takes last is good."""
    cookie = cookie_of(victim.sees)
    form = victim.follows().form("Log in")
    together = Barrier(2, timeout=PATIENCE)

    def taps() -> Answer:
        browser = Borrowed(app, cookie)
        together.wait()
        return browser.sends(form, username=USERNAME, password=PASSWORD)

    with ThreadPoolExecutor(2) as pool:
        taken = [pool.submit(taps) for _ in range(2)]
        answers = [future.result() for future in taken]

    assert [303, 303] == [answer.status for answer in answers]
    for answer in answers:
        page = Borrowed(app, cookie_of(answer)).opens(answer.location)
        assert QUESTION in words_of(page)
    assert 1 == stored.count("attempt", "signed_in_at IS NOT NULL AND confirmed_at IS NULL")


@on_sqlite
def test_a_double_tap_of_which_one_waits_for_graph_ends_at_the_question(
    app: Flask, victim: PageVisitor, stored: StoredRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one has signed in by the time that Graph says whose token it is."""
    cookie = cookie_of(victim.sees)
    form = victim.follows().form("Log in")
    ask = GraphClient.recipient_for

    def taps() -> Answer:
        return Borrowed(app, cookie).sends(form, username=USERNAME, password=PASSWORD)

    with ThreadPoolExecutor(1) as pool:

        def slow(client: GraphClient, token: str, *, deadline: Deadline) -> Psid:
            monkeypatch.setattr(GraphClient, "recipient_for", ask)
            first.append(pool.submit(taps).result())
            return ask(client, token, deadline=deadline)

        first: list[Answer] = []
        monkeypatch.setattr(GraphClient, "recipient_for", slow)
        second = taps()

    assert [303, 303] == [answer.status for answer in (*first, second)]
    assert QUESTION in words_of(Borrowed(app, cookie_of(second)).opens(second.location))
    assert 1 == stored.count("attempt", "signed_in_at IS NOT NULL AND confirmed_at IS NULL")
    assert 0 == stored.count("throttle", "failures > 0 AND key NOT LIKE 'opens%'")


def test_a_sign_in_whose_answer_was_lost_can_be_repeated(
    app: Flask, victim: PageVisitor, stored: StoredRows
) -> None:
    """The browser still has the cookie of before: the same password leads on, changing nothing."""
    browser = Borrowed(app, cookie_of(victim.sees))
    form = victim.follows().form("Log in")
    browser.sends(form, username=USERNAME, password=PASSWORD)
    row = stored.row("attempt")

    again = browser.sends(form, username=USERNAME, password=PASSWORD)

    assert 303 == again.status
    assert QUESTION in words_of(Borrowed(app, cookie_of(again)).opens(again.location))
    assert row == stored.row("attempt")


@on_sqlite
def test_a_second_tap_after_the_answer_shows_the_question(victim: PageVisitor) -> None:
    """The browser has the new cookie already, and the page of before is still in front of it."""
    form = victim.follows().form("Log in")
    victim.presses("Log in", username=USERNAME, password=PASSWORD)

    victim.sends(form, username=USERNAME, password=PASSWORD)

    assert 400 == victim.sees.status
    assert QUESTION in victim.reads
    assert victim.connects().startswith("tl_")


@on_sqlite
def test_a_double_tap_on_not_you_ends_at_the_form(app: Flask, victim: PageVisitor) -> None:
    victim.follows()
    victim.presses("Log in", username=USERNAME, password=PASSWORD)
    browser = Borrowed(app, cookie_of(victim.sees))
    form = victim.follows().form("Use a different account")

    first, second = browser.sends(form), browser.sends(form)

    assert [303, 303] == [first.status, second.status]
    for answer in (first, second):
        page = Borrowed(app, cookie_of(answer)).opens(answer.location)
        assert "Log in" in {form.button for form in page.forms}


def test_an_answer_of_the_provider_that_comes_twice_ends_at_the_question(
    app: Flask, victim: PageVisitor, provider: Provider, stored: StoredRows
) -> None:
    """R56: the reply to the first was lost. Nothing is exchanged or written again."""
    browser = Borrowed(app, cookie_of(victim.sees))
    victim.follows()
    back = callback(victim, provider)
    browser.opens(back)
    row = stored.row("attempt")

    again = browser.opens(back)

    assert 303 == again.status
    assert QUESTION in words_of(Borrowed(app, cookie_of(again)).opens(again.location))
    assert row == stored.row("attempt")
    assert 1 == len(provider.exchanged)


def test_who_knows_the_state_but_not_the_code_gets_no_cookie(
    victim: PageVisitor, mallory: Borrowed, provider: Provider
) -> None:
    """R56: Mallory set out to the provider, and had the victim, with her cookie, finish it."""
    page = victim.follows()
    departed = mallory.sends(page.form(BUTTON))
    params = provider.sends_back(departed.location)

    victim.opens(f"/authorize/oidc/stub/callback?{urlencode(params)}")

    assert 303 == victim.sees.status
    for code in ("", "guessed"):
        changed = urlencode({**params, "code": code})
        assert_shut_out(mallory.opens(f"/authorize/oidc/stub/callback?{changed}"))
    victim.follows()
    assert QUESTION in victim.reads


@on_sqlite
@pytest.mark.parametrize("then", ["signs in", "signs in and out"])
def test_an_answer_that_comes_after_a_renewal_in_another_tab_signs_nobody_in(
    victim: PageVisitor, provider: Provider, stored: StoredRows, then: str
) -> None:
    """R56: who set out with the secret of before does not come back with it."""
    page = victim.follows()
    back = callback(victim, provider)
    victim.sees = page
    victim.signs_in()
    if then == "signs in and out":
        victim.presses("Use a different account")

    victim.opens(back)

    assert 409 == victim.sees.status
    assert "That log-in was already used." in victim.reads
    assert [] == provider.exchanged
    expected = {"signs in": "Yes, connect", "signs in and out": "Log in"}[then]
    assert expected in {form.button for form in victim.sees.forms}
    assert (0 if then == "signs in and out" else 1) == stored.count(
        "attempt", "subject IS NOT NULL"
    )


@on_sqlite
def test_connect_renews_nothing(victim: PageVisitor) -> None:
    """R20: the browser that confirmed keeps its secret, for the same code once more."""
    victim.follows()
    victim.signs_in()
    form = victim.sees.form("Connect")

    first, again = victim.sends(form), victim.sends(form)

    assert "set-cookie" not in first.headers
    assert first.location == again.location


@on_sqlite
def test_the_secret_of_a_linked_attempt_shows_no_name_and_does_nothing(
    app: Flask, victim: PageVisitor, messenger: Messenger, stored: StoredRows
) -> None:
    """R19: a copy of the newest cookie is worth no more than the words that it is over."""
    victim.follows()
    victim.presses("Log in", username=USERNAME, password=PASSWORD)
    copy = Borrowed(app, cookie_of(victim.sees))
    question = victim.follows()
    messenger.tells(linked(ANA, victim.connects(), clock.now()))
    row = stored.row("attempt")

    for button in ("Connect", "Use a different account"):
        answer = copy.sends(question.form(button))

        assert 409 == answer.status
        assert "location" not in answer.headers
        assert not any(name in answer.text for name in ("Ana Berg", "j•••", "tl_"))
    assert row == stored.row("attempt")
