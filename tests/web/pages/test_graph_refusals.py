"""The whole table of Graph's errors, as the people read it whom they stop.

An error that is ours is never told to a person as theirs; "try again" and "write to us first" are
said only where that helps.
"""

import json
import re
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from app import create_app
from app.messenger.errors import GraphError, GraphRefused, GraphThrottled, RegionRefused
from app.messenger.graph.answers import decipher
from app.messenger.graph.error_rows import ROWS
from app.messenger.graph.error_table import NOT_LISTED, row_of, row_of_error
from app.messenger.graph.meanings import ErrorRow, Meaning
from app.services.container import Services
from app.web.exceptions import DigitsNotDelivered
from app.web.pages.chat_code import HELPED_BY_WRITING
from app.web.problems.pages import PAGE_PROBLEMS
from app.web.problems.table import problem_of
from tests.actors import Graph, LogIn, log_in
from tests.installation import ANA, PAGE
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

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

        assert helps == ("Write to us" in words), (row, words)
        assert not helps or meaning in THEIRS, row
        assert (meaning in PASSING) == ("try again" in words.lower()), (row, words)
        assert (meaning in PASSING) == problem.passes, row
        assert problem.is_ours == ("on our side" in words), row
        assert meaning not in OURS or problem.is_ours, row


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


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@dataclass(frozen=True, slots=True)
class Kind:
    """An error, with its page, the level of its line in the log, and the other line of it."""

    code: int
    subcode: int | None
    status: int
    page: str
    level: str = "error"
    also: str | None = "setup.fault"
    # Why the attempt is over.
    reason: str | None = None


REGION = ("region_refused", "error", "graph.region_refused", "region")
KINDS = [
    pytest.param(Kind(190, 463, 503, "graph_refused"), id="token"),
    pytest.param(Kind(210, None, 503, "graph_refused"), id="wrong kind of token"),
    pytest.param(Kind(3, None, 503, "graph_refused"), id="capability"),
    pytest.param(Kind(200, None, 503, "graph_refused"), id="deactivated"),
    pytest.param(Kind(10, 1893063, 503, "graph_refused"), id="page"),
    pytest.param(Kind(100, None, 503, "graph_refused"), id="request"),
    pytest.param(Kind(10, 2018336, 403, *REGION), id="region"),
    pytest.param(Kind(10, 2018047, 403, *REGION), id="region, the other subcode"),
    pytest.param(Kind(2018047, None, 403, *REGION), id="region, as a code"),
    pytest.param(Kind(200, 2018047, 403, *REGION), id="region, with another code"),
    pytest.param(Kind(80001, None, 503, "graph_throttled", "warning", None), id="rate limit"),
    pytest.param(Kind(1200, None, 503, "graph", "warning", None), id="transient"),
]


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("call", ["recipient_for", "send_text"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_person_reads_whose_fault_it_is_and_the_operator_what_to_do(
    visit: Visit, call: str, kind: Kind, stored: StoredRows
) -> None:
    """Whatever the answer: its page, its status, its buttons, the end of the attempt, the log."""
    visit.graph.refusals[call] = (kind.code, kind.subcode)

    with capture_logs() as logs:
        visit.goes_through()

    person = visit.person
    assert kind.status == person.sees.status
    shown = next(problem for problem in PAGE_PROBLEMS.values() if problem.name == kind.page)
    assert shown.english in person.reads
    assert "Write to us" not in person.reads
    assert ("60" if kind.status == 503 else None) == person.sees.headers.get("retry-after")
    # The first is the primary one: what an operator has to fix is proposed last, a region never.
    buttons = re.findall("Try again|Back to Messenger", person.reads.replace(shown.english, ""))
    expected = ["Back to Messenger", *(["Try again"] if kind.status == 503 else [])]
    assert (expected if kind.level == "error" else expected[::-1]) == buttons
    (primary,) = re.findall(r'class="button primary"[^>]*>([^<]*)<', person.sees.text)
    assert buttons[0] == primary
    (line,) = (line for line in logs if line["event"] == "graph.failed")
    row = row_of(kind.code, kind.subcode, call)
    told = [line[name] for name in ("log_level", "call", "cause", "fix")]
    assert [kind.level, call, row.slug, row.fix] == told
    assert f"code {kind.code}" in line["told"]
    others = [line["event"] for line in logs if line["log_level"] == "error"]
    assert [kind.also] * (kind.also is not None) == [one for one in others if one != "graph.failed"]
    row_of_attempt = stored.row("attempt")
    assert kind.reason == row_of_attempt["reason"]
    assert ("refused" if kind.reason else None) == row_of_attempt["ended_as"]
    for internal in (row.says, str(kind.subcode), "code", "fbtrace"):
        assert internal not in person.reads


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("call", ["recipient_for", "send_text"])
def test_an_attempt_that_a_region_ended_stays_so(
    visit: Visit, call: str, stored: StoredRows
) -> None:
    """Another try is refused without a call, with the same page."""
    visit.graph.refusals[call] = (10, 2018336)
    visit.goes_through()
    asked = len(visit.graph.calls)
    visit.graph.refusals.clear()

    visit.person.opens(f"/authorize/{stored.column('attempt', 'id')}")

    assert 403 == visit.person.sees.status
    assert PAGE_PROBLEMS[RegionRefused].english in visit.person.reads
    assert asked == len(visit.graph.calls)
    assert not visit.graph.messages


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_answer_about_another_page_is_our_fault(visit: Visit) -> None:
    """R14, R16: the token in the settings is another page's; a minute later it still is."""
    visit.graph.answers_for("2817527131834679")

    with capture_logs() as logs:
        visit.goes_through()

    assert 503 == visit.person.sees.status
    assert PAGE_PROBLEMS[GraphRefused].english in visit.person.reads
    (fault,) = (line for line in logs if line["event"] == "setup.fault")
    assert (f"page {PAGE}", "error") == (fault["subject"], fault["log_level"])
    assert "Generate token" in fault["fix"]


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
    assert "Ana Berg" not in person.reads


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_where_messenger_cannot_connect_the_website_is_offered(
    services: Services, graph: Graph
) -> None:
    """Beside a region's refusal and a Log In without a way back; beside no fault that passes."""
    website = "https://shop.example/help"
    (page,) = services.settings.pages
    pages = (replace(page, brand=replace(page.brand, website_url=website)),)
    app = create_app(replace(services, settings=replace(services.settings, pages=pages)))
    seen = {}
    for name, numbers in {
        "region": (10, 2018336),
        "ours": (190, 463),
        "passing": (2, None),
    }.items():
        login = log_in()
        graph.refusals["recipient_for"] = numbers
        visit = Visit(PageVisitor(app), graph, login)
        visit.goes_through()
        seen[name] = website in visit.person.sees.text
    person = PageVisitor(app)
    seen["no redirect_uri"] = (
        website
        in person.opens(f"/authorize?account_linking_token={login.account_linking_token}").text
    )

    assert {"region": True, "ours": False, "passing": False, "no redirect_uri": True} == seen
