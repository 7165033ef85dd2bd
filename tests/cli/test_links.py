"""Commands about links, and the messages for expected failures."""

import csv
import io

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.cli import main
from app.infra import clock
from app.linking import link_queries
from app.outbox.queue import enqueue
from app.services.container import Services
from tests.actors import Graph
from tests.cli.terminal import Operator
from tests.installation import ANA, PAGE
from tests.linking.factories import JANE, comes_back, confirmed, linked


def test_links_are_exported_with_a_header(operator: Operator, services: Services) -> None:
    services.write(_link, JANE)

    rows = list(csv.reader(io.StringIO(operator.types("links", "export").stdout)))

    assert ["page_id", "psid", "issuer", "subject", "state", "version", "event_at"] == rows[0]
    assert [PAGE, ANA, "local", JANE.subject, "linked", "1"] == rows[1][:6]


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_no_cell_of_the_export_is_a_formula(
    operator: Operator, services: Services, start: str
) -> None:
    """R82: a spreadsheet evaluates text that begins like one."""
    services.write(_link, Identity("http:shop", f"{start}cmd", "Jane"))

    rows = list(csv.reader(io.StringIO(operator.types("links", "export").stdout)))

    assert f"'{start}cmd" == rows[1][3]


@pytest.mark.parametrize("line_break", ["\r", "\n", "\r\n"], ids=["CR", "LF", "CRLF"])
def test_a_line_break_in_a_cell_does_not_end_a_row_of_the_export(
    operator: Operator, services: Services, line_break: str
) -> None:
    """R82: programs read a bare carriage return as the end of a row."""
    subject = f"jane{line_break}=cmd"
    services.write(_link, Identity("http:shop", subject, "Jane"))

    exported = operator.types("links", "export").stdout_bytes.decode()

    _, row = csv.reader(io.StringIO(exported, newline=""))
    assert subject == row[3]
    assert f'"{subject}"' in exported


def test_an_ended_link_is_no_longer_shown(operator: Operator, services: Services) -> None:
    """R25: the command does what the API does."""
    services.write(_link, JANE)

    ended = operator.types("links", "unlink", ANA)
    shown = operator.types("links", "show", ANA)

    assert (0, 1) == (ended.exit_code, shown.exit_code)
    assert "This person is not linked." in shown.output


@pytest.mark.parametrize(
    "words",
    [("unlink", ANA), ("unlink-user", "ldap:staff", "7c1f42a0")],
    ids=lambda words: words[0],
)
def test_a_link_that_is_on_its_way_is_ended_by_command(
    operator: Operator, services: Services, words: tuple[str, ...]
) -> None:
    """R25: for users of every issuer."""
    code = services.write(confirmed, as_=Identity("ldap:staff", "7c1f42a0", "j•••"))

    first, again = (operator.types("links", *words) for _ in range(2))
    services.write(comes_back, code)

    assert (0, 1) == (first.exit_code, again.exit_code)
    assert "ended before Messenger confirmed: 1." in first.output
    assert "Error: this " in again.output
    assert services.read(link_queries.find_link, PAGE, ANA) is None


def test_all_links_of_a_user_end_by_command(operator: Operator, services: Services) -> None:
    """R25: and another user's stay."""
    services.write(_link, Identity("ldap:staff", "7c1f42a0", "j•••"))

    of_another = operator.types("links", "unlink-user", "ldap:office", "7c1f42a0")
    ended = operator.types("links", "unlink-user", "ldap:staff", "7c1f42a0")

    assert (1, 0) == (of_another.exit_code, ended.exit_code)
    assert f"Ended: {PAGE}  {ANA}" in ended.output
    assert services.read(link_queries.find_link, PAGE, ANA) is None


def test_an_unknown_reference_is_reported_in_a_sentence(operator: Operator) -> None:
    result = operator.types("attempts", "show", "0000-0000")

    assert 1 == result.exit_code
    assert result.output.startswith("Error: nothing is kept under 0000-0000.")


def test_a_failure_of_graph_is_reported_in_a_sentence(operator: Operator, graph: Graph) -> None:
    graph.is_down = True

    result = operator.types("messenger", "psid", told="ARRsometoken\n")

    assert 1 == result.exit_code
    assert result.output.splitlines()[-1].startswith("Error: Graph:")
    assert "ARRsometoken" not in result.output


def test_a_token_is_not_taken_as_an_argument(operator: Operator, graph: Graph) -> None:
    """It would stand in the list of processes; and nothing is asked with it."""
    result = operator.types("messenger", "psid", "ARRsometoken")

    assert 2 == result.exit_code
    assert "the token is no argument" in result.output
    assert "ARRsometoken" not in result.output
    assert not graph.calls


def test_nothing_in_the_outbox_acts_on_the_terminal(operator: Operator, services: Services) -> None:
    """R82: strangers write what is passed on; U+009B begins a command, U+202E turns the text."""
    body = 'a\x9b2Jb\u202ec\x1bd\r\n"e"'.encode()
    services.write(enqueue, "delivery", body, at=clock.now())

    shown = operator.types("outbox", "show", "1")

    assert 'a\ufffd2Jb\ufffdc\ufffdd\ufffd\n"e"\n' in shown.output


def test_invalid_settings_are_listed_one_per_line() -> None:
    result = CliRunner().invoke(main, ["db", "status"], env={"PAGE_ID": "x", "APP_ID": "y"})

    assert 1 == result.exit_code
    assert "\n  APP_ID must be digits\n" in result.output
    assert "\n  PAGE_ID must be digits" in result.output


def _link(session: Session, identity: Identity) -> None:
    linked(session, as_=identity)
