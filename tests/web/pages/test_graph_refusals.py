"""The whole table of Graph's errors, as the people read it whom they stop.

An error that is ours is never told to a person as theirs; "try again" and "write to us first" are
said only where that helps.
"""

import json
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from app import create_app
from app.messenger.errors import GraphError, GraphThrottled
from app.messenger.graph.answers import decipher
from app.messenger.graph.error_rows import ROWS
from app.messenger.graph.error_table import NOT_LISTED, row_of, row_of_error
from app.messenger.graph.meanings import ErrorRow, Meaning
from app.services.container import Services
from app.web.exceptions import DigitsNotDelivered
from app.web.pages.chat_code import HELPED_BY_WRITING
from app.web.problems.table import problem_of
from tests.actors import Graph, LogIn, log_in
from tests.installation import ANA
from tests.web.page_visitor import PageVisitor

CALLS = ("recipient_for", "profile_name", "send_text")
OURS = {Meaning.PAGE, Meaning.TOKEN, Meaning.PERMISSION, Meaning.REQUEST, Meaning.UNKNOWN}
THEIRS = {Meaning.PERSON, Meaning.WINDOW}
PASSING = {Meaning.RATE_LIMIT, Meaning.TRANSIENT}


def refused(row: ErrorRow, call: str) -> GraphError:
    """Return the error of *call*, answered with the numbers of *row*."""
    error = {"message": "Refused", "code": row.code, "error_subcode": row.subcode}
    with pytest.raises(GraphError) as raised:
        decipher(400, json.dumps({"error": error}).encode(), call)
    raised.value.call = call
    return raised.value


@pytest.mark.parametrize("call", CALLS)
def test_every_row_in_every_call_of_a_page_is_told_honestly(call: str) -> None:
    for row in (*ROWS, NOT_LISTED):
        error = refused(row, call)
        meaning = row_of(row.code, row.subcode, call).meaning
        if meaning is Meaning.NAME and call == "profile_name":
            continue  # the sign-in goes on without the name
        helps = call == "send_text" and isinstance(error, HELPED_BY_WRITING)
        problem = problem_of(DigitsNotDelivered(error) if helps else error)
        words = f"{problem.title} {problem.english}"

        assert helps == ("Send us any message" in words), (row, words)
        assert not helps or meaning in THEIRS, row
        assert (meaning in PASSING) == ("try again" in words.lower()), (row, words)
        assert (meaning in PASSING) == problem.passes, row
        if meaning in OURS:
            assert "on our side, not with your details" in words, row


@pytest.mark.parametrize("call", CALLS)
def test_every_row_explains_the_error_that_it_makes(call: str) -> None:
    """What the operator is told is of the same meaning as what was raised."""
    for row in ROWS:
        error = refused(row, call)
        told = row_of_error(error)

        assert told.error is type(error)
        assert told.slug == row_of(row.code, row.subcode, call).slug
        assert told.says == row_of(row.code, row.subcode, call).says


def test_a_wait_that_graph_states_is_passed_on() -> None:
    """R104: in Retry-After, and a minute where it states none."""
    error = GraphThrottled(code=80001)
    assert 60 == error.retry_after_seconds

    error.wait_s = 420
    assert 420 == error.retry_after_seconds


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at a server that always asks for digits, with a Log In that Graph knows."""

    person: PageVisitor
    graph: Graph
    login: LogIn

    def goes_through(self) -> None:
        """Tap Log In, and sign in where that is offered."""
        self.person.taps_log_in(self.login)
        if self.person.sees.status < 400:
            self.person.signs_in()


@pytest.fixture
def visit(services: Services, graph: Graph) -> Visit:
    login = log_in()
    graph.knows(login, ANA)
    settings = replace(services.settings, confirm_in_chat="always")
    return Visit(PageVisitor(create_app(replace(services, settings=settings))), graph, login)


@dataclass(frozen=True, slots=True)
class Kind:
    """An error, with what its page has and the level of its line in the log."""

    code: int
    subcode: int | None
    status: int
    words: str
    level: str = "error"


KINDS = [
    pytest.param(Kind(190, 463, 503, "on our side, not with your details"), id="token"),
    pytest.param(
        Kind(210, None, 503, "on our side, not with your details"), id="wrong kind of token"
    ),
    pytest.param(Kind(3, None, 503, "on our side, not with your details"), id="capability"),
    pytest.param(Kind(200, None, 503, "on our side, not with your details"), id="deactivated"),
    pytest.param(Kind(10, 1893063, 503, "on our side, not with your details"), id="page"),
    pytest.param(Kind(100, None, 503, "on our side, not with your details"), id="request"),
    pytest.param(Kind(10, 2018336, 403, "in your country or with this Page"), id="region"),
    pytest.param(Kind(80001, None, 503, "again in a few minutes", "warning"), id="rate limit"),
    pytest.param(Kind(1200, None, 503, "again in a minute", "warning"), id="transient"),
]


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("call", ["recipient_for", "send_text"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_person_reads_whose_fault_it_is_and_the_operator_what_to_do(
    visit: Visit, call: str, kind: Kind
) -> None:
    visit.graph.refusals[call] = (kind.code, kind.subcode)

    with capture_logs() as logs:
        visit.goes_through()

    person = visit.person
    assert kind.status == person.sees.status
    assert kind.words in person.reads
    assert "Send us any message" not in person.reads
    assert ("Try again" in person.reads) == (kind.level == "warning")
    (line,) = (line for line in logs if line["event"] == "graph.failed")
    row = row_of(kind.code, kind.subcode, call)
    told = [line[name] for name in ("log_level", "call", "cause", "fix")]
    assert [kind.level, call, row.slug, row.fix] == told
    assert f"code {kind.code}" in line["told"]
    assert row.says not in person.reads


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("numbers", "goes_on"),
    [
        ((210, None), True),
        ((803, None), True),
        ((110, None), True),
        ((459, None), True),
        ((10, 2018336), True),
        ((100, 2018247), True),
        ((100, None), False),
        ((99999, None), False),
        ((190, None), False),
        ((10, 1893063), False),
    ],
)
def test_without_a_name_a_sign_in_goes_on_only_if_messenger_withholds_it(
    visit: Visit, numbers: tuple[int, int | None], *, goes_on: bool
) -> None:
    """R16, R17: what is wrong with us is not the person's namelessness."""
    visit.graph.refusals["profile_name"] = numbers

    visit.goes_through()

    person = visit.person
    assert goes_on == (person.sees.status < 400)
    assert goes_on == ("Name not shown" in person.reads)
    assert goes_on != ("on our side, not with your details" in person.reads)
