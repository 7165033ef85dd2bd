"""Six digits in the chat (CONFIRM_IN_CHAT)."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from app import create_app
from app.services.container import Services
from tests.actors import Graph, LogIn, digits_in, log_in
from tests.installation import ANA
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]

Newcomer = Callable[[], PageVisitor]


@pytest.fixture
def newcomer(services: Services) -> Newcomer:
    """Return what brings a person to a server that always asks for digits."""
    settings = replace(services.settings, confirm_in_chat="always")
    app = create_app(replace(services, settings=settings))
    return lambda: PageVisitor(app)


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def known(graph: Graph) -> LogIn:
    login = log_in()
    graph.knows(login, ANA)
    return login


def _signed_in(person: PageVisitor, login: LogIn) -> PageVisitor:
    person.taps_log_in(login)
    person.signs_in()
    return person


def _digits(graph: Graph) -> str:
    """Return the digits of the newest message to Ana."""
    body = json.loads(graph.messages[-1])
    assert {"id": ANA} == body["recipient"]
    return digits_in(body)


@pytest.mark.parametrize("zero", ["0", "\u0660", "\u06f0", "\u09e6", "\u0966", "\uff10"])
def test_the_right_digits_connect(
    newcomer: Newcomer, graph: Graph, known: LogIn, zero: str
) -> None:
    """In the digits of any keyboard: Latin, Arabic, Persian, Bengali, Devanagari, full width."""
    person = _signed_in(newcomer(), known)
    own = {ord(str(n)): chr(ord(zero) + n) for n in range(10)}

    person.presses("Connect", code=f" {_digits(graph).translate(own)} ")

    assert "authorization_code=tl_" in person.sees.location


def test_only_a_hash_of_the_digits_is_kept(
    newcomer: Newcomer,
    graph: Graph,
    known: LogIn,
    stored: StoredRows,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """R110: neither as sent nor as typed, in the database, on the page or in the log."""
    person = _signed_in(newcomer(), known)

    digits = _digits(graph)
    kept = str(stored.row("attempt")) + person.sees.text + capsys.readouterr().err

    assert digits not in kept
    assert digits.replace(" ", "") not in kept


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "\ud83d", "٣٣٣٣٣٣"])
def test_other_digits_connect_nobody(
    newcomer: Newcomer, graph: Graph, known: LogIn, stored: StoredRows, typed: str
) -> None:
    person = _signed_in(newcomer(), known)

    person.presses("Connect", code=typed.encode("utf-8", "replace").decode())

    assert 422 == person.sees.status
    assert "That code isn’t right. Check the newest message and try again." in person.reads
    assert "location" not in person.sees.headers
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")
    person.presses("Connect", code=_digits(graph))
    assert 303 == person.sees.status


def test_the_digits_of_one_attempt_do_not_confirm_another(
    newcomer: Newcomer, graph: Graph, stored: StoredRows
) -> None:
    """Not even one of the same profile: they are for the browser that the chat was asked about."""
    digits, persons = [], []
    for _ in range(2):
        login = log_in()
        graph.knows(login, ANA)
        persons.append(_signed_in(newcomer(), login))
        digits.append(_digits(graph))

    persons[0].presses("Connect", code=digits[1])
    persons[1].presses("Connect", code=digits[0])

    assert [422, 422] == [person.sees.status for person in persons]
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")


def test_the_fifth_wrong_try_ends_the_attempt(
    newcomer: Newcomer, graph: Graph, known: LogIn, stored: StoredRows
) -> None:
    """Not even the right digits help then."""
    person = _signed_in(newcomer(), known)
    form = person.sees.form("Connect")
    for _ in range(5):
        person.sends(form, code="no digits")

    person.sends(form, code=_digits(graph))

    assert 409 == person.sees.status
    assert "Not connected" in person.reads
    assert 1 == stored.count("attempt", "ended_as = 'refused' AND reason = 'wrong digits'")
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")


def test_one_token_opens_no_more_guesses_than_ten(
    newcomer: Newcomer, graph: Graph, known: LogIn, stored: StoredRows
) -> None:
    """R13: whoever holds a live token opens attempt after attempt with it, each with five tries."""
    for _ in range(2):
        guesser = _signed_in(newcomer(), known)
        form = guesser.sees.form("Connect")
        for _ in range(5):
            guesser.sends(form, code="no digits")
    owner = _signed_in(newcomer(), known)

    owner.presses("Connect", code=_digits(graph))

    assert 429 == owner.sees.status
    assert "Too many attempts." in owner.reads
    assert "location" not in owner.sees.headers
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")


def test_the_right_digits_are_no_guess(
    newcomer: Newcomer, graph: Graph, known: LogIn, stored: StoredRows
) -> None:
    """R61: digits that the owner gets right count as no try; the message alone counts."""
    person = _signed_in(newcomer(), known)

    person.presses("Connect", code=_digits(graph))

    assert 303 == person.sees.status
    assert 1 == stored.count("throttle", "failures > 0 AND key LIKE 'digits:%'")


def test_a_chat_gets_ten_messages_an_hour(
    newcomer: Newcomer, graph: Graph, known: LogIn, stored: StoredRows
) -> None:
    """R13: nor is it filled by attempts that are opened with one token; the page says why."""
    for _ in range(10):
        _signed_in(newcomer(), known)
    late = _signed_in(newcomer(), known)
    assert "Is this your Messenger?" in late.reads

    late.presses("Send a code")

    assert 429 == late.sees.status
    assert "Too many attempts." in late.reads
    assert "Back to Messenger" in late.reads
    assert 10 == len(graph.messages)
    assert 1 == stored.count("attempt", "digits_sent = 0")


def test_new_digits_replace_the_old_at_most_twice(
    newcomer: Newcomer, graph: Graph, known: LogIn
) -> None:
    person = _signed_in(newcomer(), known)
    first = _digits(graph)
    for _ in range(2):
        person.presses("Send a new code")
        person.follows()

    person.presses("Send a new code")

    assert 409 == person.sees.status
    assert "Use the newest" in person.reads
    assert 3 == len(graph.messages)
    if first != _digits(graph):
        person.presses("Connect", code=first)
        assert 422 == person.sees.status
    person.presses("Connect", code=_digits(graph))
    assert 303 == person.sees.status


def test_a_message_that_messenger_refuses_is_explained(
    newcomer: Newcomer, graph: Graph, known: LogIn, stored: StoredRows
) -> None:
    """Outside the hours in which a page may write (10, 2018278)."""
    graph.refuses_messages = True
    person = newcomer()
    person.taps_log_in(known)

    person.signs_in()

    assert 409 == person.sees.status
    assert "Send us any message in the chat, then tap Log In." in person.reads
    assert "Back to Messenger" in person.reads
    assert 0 == stored.count("attempt", "digits_hash IS NOT NULL")
    guesses = "failures > 0 AND key NOT LIKE 'opens%' AND key NOT LIKE 'digits:%'"
    assert 0 == stored.count("throttle", guesses)


@pytest.mark.parametrize(
    "refusal",
    [(10, None), (3, None), (200, None), (230, None), (283, None), (10, 1893063), (100, None)],
)
def test_a_refusal_that_is_ours_is_not_told_to_the_person_as_theirs(
    newcomer: Newcomer, graph: Graph, known: LogIn, stored: StoredRows, refusal: tuple[int, int]
) -> None:
    """To write to the Page would not help; the operator finds Graph's words in the log."""
    graph.refuses_messages, graph.message_refusal = True, refusal
    person = newcomer()
    person.taps_log_in(known)

    with capture_logs() as logs:
        person.signs_in()

    assert 503 == person.sees.status
    assert "write us" not in person.reads
    assert 0 == stored.count("attempt", "digits_hash IS NOT NULL")
    (line,) = (line for line in logs if line["event"] == "graph.failed")
    assert "error" == line["log_level"]
    assert f"code {refusal[0]}" in line["told"]


def test_without_digits_there_is_nothing_to_confirm(
    newcomer: Newcomer, graph: Graph, known: LogIn, stored: StoredRows
) -> None:
    """Reloaded after a message that did not leave, the page offers to send it, and no Connect."""
    graph.refuses_messages = True
    person = _signed_in(newcomer(), known)
    address = person.sees.form("Back to Messenger").action.removesuffix("/cancel")
    graph.refuses_messages = False

    person.opens(address)
    token = person.sees.form("Back to Messenger").fields["form_token"]
    answer = person.browser("POST", f"{address}/confirm", body={"form_token": token, "code": ""})

    assert "Is this your Messenger?" in person.reads
    assert "Connect" not in person.reads
    assert 409 == answer.status
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")
    person.presses("Send a code")
    person.follows()
    person.presses("Connect", code=_digits(graph))
    assert 303 == person.sees.status


@pytest.mark.parametrize(("name", "are_asked"), [("Ana Berg", False), ("", True)])
def test_unnamed_profiles_alone_can_be_asked(
    services: Services, graph: Graph, name: str, *, are_asked: bool
) -> None:
    login = log_in()
    graph.knows(login, ANA, name)
    settings = replace(services.settings, confirm_in_chat="unnamed")
    person = PageVisitor(create_app(replace(services, settings=settings)))

    _signed_in(person, login)

    assert are_asked == ("6-digit code" in person.reads)
    assert are_asked == bool(graph.messages)


def test_nobody_is_asked_unless_the_operator_wants_it(
    services: Services, graph: Graph, known: LogIn
) -> None:
    person = _signed_in(PageVisitor(create_app(services)), known)

    person.presses("Connect")

    assert 303 == person.sees.status
    assert [] == graph.messages
