"""Commands about links, and the messages for expected failures."""

import csv
import io

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.cli import main
from app.services.container import Services
from tests.actors import Graph
from tests.cli.terminal import Operator
from tests.installation import ANA, PAGE
from tests.linking.factories import JANE, linked


def test_links_are_exported_with_a_header(operator: Operator, services: Services) -> None:
    services.write(_link, JANE)

    rows = list(csv.reader(io.StringIO(operator.types("links", "export").stdout)))

    assert ["page_id", "psid", "issuer", "subject", "state", "version", "event_at"] == rows[0]
    assert [PAGE, ANA, "local", JANE.subject, "linked", "1"] == rows[1][:6]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
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


def test_an_unknown_reference_is_reported_in_a_sentence(operator: Operator) -> None:
    result = operator.types("attempts", "show", "0000-0000")

    assert 1 == result.exit_code
    assert result.output.startswith("Error: there is no attempt of this reference")


def test_a_failure_of_graph_is_reported_in_a_sentence(operator: Operator, graph: Graph) -> None:
    graph.is_down = True

    result = operator.types("messenger", "psid", "ARRsometoken")

    assert 1 == result.exit_code
    assert result.output.splitlines()[-1].startswith("Error: Graph:")
    assert "ARRsometoken" not in result.output


def test_invalid_settings_are_listed_one_per_line() -> None:
    result = CliRunner().invoke(main, ["db", "status"], env={"PAGE_ID": "x", "APP_ID": "y"})

    assert 1 == result.exit_code
    assert "\n  APP_ID must be digits\n" in result.output
    assert "\n  PAGE_ID must be digits" in result.output


def _link(session: Session, identity: Identity) -> None:
    linked(session, as_=identity)
