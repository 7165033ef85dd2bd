"""What stands in a person's way is recorded, under the reference that their page shows."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import structlog
from flask import Flask
from sqlalchemy import update
from structlog.testing import capture_logs

from app import create_app
from app.accounts import local
from app.accounts.authenticators import AuthenticatorUnavailable, CredentialsRefused
from app.accounts.identity import Identity
from app.accounts.rate_limits import PAIR
from app.accounts.sign_in_methods import SignInMethods
from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted, Writer
from app.infra.observability import logs
from app.linking import stranger_references
from app.linking.models import Attempt
from app.linking.references import reference_of
from app.services.container import Services
from tests.actors import Graph, LogIn, Messenger, Person, linked, log_in
from tests.installation import ANA, NOON, PAGE, PASSWORD, USERNAME
from tests.web.attempt_events import all_events, events_under, obstacles_under, reference_on
from tests.web.page_visitor import PageVisitor, words_of

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]

Lines = list[structlog.typing.EventDict]


@pytest.fixture
def arrived(app: Flask, graph: Graph) -> PageVisitor:
    """Return a person in front of the sign-in page."""
    return _arrived(app, graph)


def _arrived(app: Flask, graph: Graph, name: str = "Ana Berg") -> PageVisitor:
    login = log_in()
    graph.knows(login, ANA, name)
    person = PageVisitor(app)
    person.taps_log_in(login)
    return person


@pytest.fixture
def lines(services: Services) -> Iterator[Lines]:
    """Yield the lines of the log as they are written, with what is bound to the request."""
    del services  # which set the log up by their own settings
    logs.configure(level="debug", form="json")
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as said:
        yield said


def test_one_reference_is_on_every_page_and_line_of_an_attempt(
    arrived: PageVisitor, lines: Lines, messenger: Messenger
) -> None:
    """From the first page to the last line, whoever writes it."""
    reference = reference_on(arrived.sees)
    lines.clear()
    arrived.signs_in(password="wrong")
    shown = [reference_on(arrived.sees)]
    arrived.signs_in()
    shown.append(reference_on(arrived.sees))
    code = arrived.connects()
    of_requests = list(lines)
    messenger.tells(linked(ANA, code, datetime.now(UTC)))

    assert {reference} == set(shown)
    assert {"graph.call", "sign_in.refused", "sign_in.done", "attempt.confirmed"} <= {
        line["event"] for line in of_requests
    }
    assert {reference} == {line.get("reference") for line in of_requests}
    (made,) = (line for line in lines if line["event"] == "link.made")
    assert reference == made["reference"]


def test_requests_keep_their_own_ids_in_the_log(arrived: PageVisitor, lines: Lines) -> None:
    """R111: several requests of an attempt can be told apart."""
    arrived.signs_in(password="wrong")
    arrived.signs_in(password="wrong too")

    refused = [line for line in lines if line["event"] == "sign_in.refused"]
    assert 2 == len({line["request_id"] for line in refused})


def test_the_reference_that_is_stored_wins(
    arrived: PageVisitor, services: Services, lines: Lines
) -> None:
    """An attempt that an older version opened has another than that of its id."""
    services.write(lambda session: session.execute(update(Attempt).values(reference="aaaa-bbbb")))
    arrived.signs_in(password="wrong")

    assert "aaaa-bbbb" == reference_on(arrived.sees)
    assert "aaaa-bbbb" == lines[-1]["reference"]
    assert [("credentials_wrong", "local", "wrong_password")] == obstacles_under(
        services, "aaaa-bbbb"
    )


@pytest.mark.parametrize(
    ("username", "password", "detail"),
    [
        (USERNAME, "wrong", "wrong_password"),
        ("nobody@example.com", PASSWORD, "no_such_account"),
        ("gone@example.com", PASSWORD, "disabled"),
        ("gone@example.com", "wrong", "disabled"),
    ],
)
def test_the_operator_alone_learns_what_was_wrong(
    arrived: PageVisitor, services: Services, username: str, password: str, detail: str
) -> None:
    """R60: recorded, and not on the page."""
    services.write(local.add, "gone@example.com", None, services.hasher.hash(PASSWORD), at=NOON)
    services.write(local.disable, "gone@example.com", at=NOON)

    arrived.signs_in(username, password)

    reference = reference_on(arrived.sees)
    assert [("credentials_wrong", "local", detail)] == obstacles_under(services, reference)
    assert detail not in arrived.sees.text
    assert "Wrong email, username or password." in arrived.reads


def test_each_failed_sign_in_is_one_row_and_counted(
    arrived: PageVisitor, services: Services
) -> None:
    for _ in range(3):
        arrived.signs_in(password="wrong")

    (row,) = (row for row in all_events(services) if row["kind"] == "credentials_wrong")
    assert (3, PAGE) == (row["times"], row["page_id"])


def test_a_dead_token_is_told_to_the_operator(
    arrived: PageVisitor, services: Services, graph: Graph, lines: Lines
) -> None:
    """The right password and a refusal of Graph's: neither its words nor the token are kept."""
    graph.is_down = True
    arrived.signs_in()

    reference = reference_on(arrived.sees)
    assert [("graph_failed", "recipient_for", "GraphUnavailable, HTTP 500")] == obstacles_under(
        services, reference
    )
    failed = [line for line in lines if line["event"] == "graph.failed"]
    assert [reference] == [line["reference"] for line in failed]


def test_a_refused_token_of_messenger_has_its_code(
    services: Services, app: Flask, graph: Graph
) -> None:
    graph.is_down = False
    person = PageVisitor(app)
    person.taps_log_in(log_in())
    person.signs_in()

    (row,) = (
        row
        for row in events_under(services, reference_on(person.sees))
        if row["kind"] == "graph_failed"
    )
    assert ("recipient_for", 10303, 0) == (row["subject"], row["code"], row["subcode"])
    assert "LinkingTokenRefused, HTTP 400, fbtrace_id F1" == row["detail"]


def test_a_profile_without_a_name_is_noted(app: Flask, graph: Graph, services: Services) -> None:
    person = _arrived(app, graph, name="")
    person.signs_in()

    assert [
        ("name_withheld", "profile_name", "without a name"),
        ("name_withheld", "conversations", "NameWithheld, HTTP 400, fbtrace_id F1"),
    ] == obstacles_under(services, reference_on(person.sees))


def test_a_limit_is_noted_with_its_end(arrived: PageVisitor, services: Services) -> None:
    for _ in range(PAIR.maximum + 1):
        arrived.signs_in(password="wrong")

    assert 429 == arrived.sees.status
    (row,) = (row for row in all_events(services) if row["kind"] == "rate_limited")
    assert "pair" == row["subject"]
    assert row["until_at"] is not None


class _Away:
    """An authenticator that nobody can reach."""

    def verify(self, username: str, password: str) -> Identity:
        del username, password
        raise AuthenticatorUnavailable("status 502", code=502)


class _Locked:
    """A directory that says more than a page may."""

    def verify(self, username: str, password: str) -> Identity:
        del username, password
        raise CredentialsRefused("locked", code=0x775)


@pytest.mark.parametrize(
    ("authenticator", "event"),
    [
        (_Away(), ("authenticator_away", "ldap:staff", 502, "status 502")),
        (_Locked(), ("credentials_wrong", "ldap:staff", 0x775, "locked")),
    ],
)
def test_an_authenticator_is_named_with_its_number(
    services: Services,
    graph: Graph,
    authenticator: _Away | _Locked,
    event: tuple[str, str, int, str],
) -> None:
    methods = SignInMethods(authenticator, (), "ldap:staff")
    person = _arrived(create_app(replace(services, sign_in_methods={PAGE: methods})), graph)
    person.signs_in()

    rows = events_under(services, reference_on(person.sees))
    assert event in [(row["kind"], row["subject"], row["code"], row["detail"]) for row in rows]


@pytest.mark.parametrize(
    ("exc", "event"),
    [
        (Busy("full"), ("gate_full", "", "")),
        (NotCommitted("away"), ("database_away", "", "")),
        (LookupError("canary words"), ("internal_error", "", "LookupError")),
    ],
)
def test_trouble_of_ours_is_noted_in_the_attempt(
    arrived: PageVisitor,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    exc: Exception,
    event: tuple[str, str, str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise exc

    monkeypatch.setattr("app.web.pages.authorize.attempts.signing_in", fail)
    reference = reference_on(arrived.sees)
    arrived.signs_in()

    assert arrived.sees.status >= 500
    assert reference == reference_on(arrived.sees)
    assert [event] == obstacles_under(services, reference)
    assert "canary" not in str(all_events(services))


def test_the_reference_is_known_where_the_database_is_away(
    arrived: PageVisitor, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was noted meanwhile is stored as soon as it is back."""
    reference = reference_on(arrived.sees)

    def away(*_: object, **__: object) -> None:
        raise NotCommitted

    with monkeypatch.context() as patched:
        patched.setattr(Writer, "read", away)
        patched.setattr(Writer, "write", away)
        arrived.signs_in()

    assert (503, reference) == (arrived.sees.status, reference_on(arrived.sees))
    assert [("database_away", "", "")] == obstacles_under(services, reference)


@pytest.mark.parametrize(
    ("keeps", "detail"), [(True, ""), (False, "no_cookies")], ids=["another's", "none at all"]
)
def test_a_browser_without_the_cookie_is_noted_in_the_attempt_of_its_address(
    app: Flask, graph: Graph, services: Services, *, keeps: bool, detail: str
) -> None:
    arrived, other = _arrived(app, graph), PageVisitor(app)
    if keeps:
        other.taps_log_in(log_in())
    other.opens(arrived.sees.form("Log in").action)

    reference = reference_on(other.sees)
    assert reference_on(arrived.sees) == reference
    assert [("cookie_absent", "", detail)] == obstacles_under(services, reference)


def test_no_stranger_writes_into_an_attempt_that_is_not_there(
    person: Person, services: Services
) -> None:
    """A reference has 40 bits: an id could be found that has the reference of another attempt."""
    invented = "x" * 22
    answer = person.opens(f"/authorize/{invented}")

    assert reference_of(invented) != reference_on(answer)
    assert [] == events_under(services, reference_of(invented))
    assert [("entry_refused", "no_cookies", "")] == obstacles_under(services, reference_on(answer))


def test_a_form_of_another_site_is_noted(arrived: PageVisitor, services: Services) -> None:
    form = arrived.sees.form("Log in")
    arrived.sends(form, headers={"Sec-Fetch-Site": "cross-site"}, username="x", password="y")

    assert [("form_refused", "", "")] == obstacles_under(services, reference_on(arrived.sees))


def test_pages_are_noted_by_name_and_problems_by_theirs(
    arrived: PageVisitor, services: Services
) -> None:
    reference = reference_on(arrived.sees)
    arrived.signs_in(password="wrong")
    arrived.signs_in()

    assert {"sign_in", "problem:wrong_credentials", "confirm"} == {
        row["subject"] for row in events_under(services, reference) if row["kind"] == "page_shown"
    }


def test_a_page_that_looks_for_news_by_itself_is_not_noted(
    arrived: PageVisitor, services: Services
) -> None:
    address = arrived.sees.form("Log in").action
    before = all_events(services)
    arrived.opens(address, **{"Sec-Fetch-Dest": "empty"})

    assert before == all_events(services)


ENTRIES: dict[str, tuple[Callable[[LogIn], str], str, str]] = {
    "no redirect_uri": (
        lambda login: f"account_linking_token={login.account_linking_token}",
        "link_incomplete",
        "no_redirect_uri",
    ),
    "evil redirect_uri": (
        lambda _: "account_linking_token=canary&redirect_uri=https://evil.example/canary",
        "redirect_refused",
        "origin",
    ),
    "twice": (
        lambda login: f"{login.address().partition('?')[2]}&code=canary&code=canary",
        "link_ambiguous",
        "",
    ),
    "another page": (
        lambda login: login.address(client_id="999").partition("?")[2],
        "page_unknown",
        "",
    ),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_refused_opening_can_be_looked_up(
    app: Flask, services: Services, lines: Lines, name: str
) -> None:
    """Its page has a reference of the same shape, and the log has it too; no input is kept."""
    query, problem, detail = ENTRIES[name]
    person = PageVisitor(app)
    person.opens(f"/authorize?{query(log_in())}")

    reference = reference_on(person.sees)
    assert re.fullmatch(r"[0-9a-z]{4}-[0-9a-z]{4}", reference)
    assert [("entry_refused", problem, detail)] == obstacles_under(services, reference)
    assert reference == lines[-1]["reference"]
    assert "canary" not in str(all_events(services))


def test_a_flood_of_strangers_fills_no_table(
    app: Flask, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page's reference can be looked up all the same, and the rows count them all."""
    monkeypatch.setattr(stranger_references, "minute_of", lambda _: NOON)
    person = PageVisitor(app)
    shown = [reference_on(person.opens("/authorize?state=1")) for _ in range(50)]
    other = reference_on(person.opens("/authorize?code=1&code=2"))

    rows = {row["reference"]: row for row in all_events(services)}
    assert set(shown) | {other} == rows.keys()
    assert 22 == len(rows)
    assert 51 == sum(row["times"] for row in rows.values())
    assert 30 == rows[shown[-1]]["times"]


def test_the_next_minute_has_references_of_its_own() -> None:
    references = stranger_references.StrangerReferences()
    first = [references.take("busy", f"a{n}", at=NOON) for n in range(22)]
    later = references.take("busy", "b", at=NOON.replace(minute=1))

    assert [*(f"a{n}" for n in range(20)), "a20", "a20"] == first
    assert "b" == later


def test_what_is_not_there_is_not_noted(app: Flask, services: Services) -> None:
    person = PageVisitor(app)
    for path in ("/nothing", "/authorize/oidc/stub/none"):
        assert "Reference" not in words_of(person.opens(path))
    person.posts("/", {})

    assert "Reference" not in words_of(person.sees)
    assert [] == all_events(services)
