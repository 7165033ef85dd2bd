from pathlib import Path

import pytest

from app.linking import link_queries
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.installation import ANA, BEN, PAGE

CSV = f"""state,subject,issuer,psid,page_id
linked,jane,local,{ANA},{PAGE}
linked,omar,local,{BEN},{PAGE}
linked,zoe,local,not digits,{PAGE}
linked,zoe,local,1,999
linked,,local,2,{PAGE}
linked,zoe,local,{ANA},{PAGE}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "links.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def test_valid_lines_are_imported_and_invalid_ones_named(
    services: Services, operator: Operator, file: Path
) -> None:
    result = operator.types("links", "import", str(file))

    assert "Imported: 2. Refused: 4." in result.output
    for number in (4, 5, 6, 7):
        assert f"line {number}: " in result.output
    assert 1 == result.exit_code
    assert services.read(link_queries.find_link, PAGE, ANA) is not None


def test_a_dry_run_reports_the_same_and_changes_nothing(
    services: Services, operator: Operator, file: Path
) -> None:
    result = operator.types("links", "import", str(file), "--dry-run")

    assert "Would be imported: 2. Refused: 4." in result.output
    assert services.read(link_queries.find_link, PAGE, ANA) is None


def test_a_file_without_the_columns_is_refused(operator: Operator, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text("psid,user\n1,jane\n", encoding="utf-8")

    result = operator.types("links", "import", str(path))

    assert "the first line must name issuer and page_id and subject" in result.output
    assert 1 == result.exit_code


def test_a_file_as_a_spreadsheet_writes_it_is_imported(
    services: Services, operator: Operator, tmp_path: Path
) -> None:
    path = tmp_path / "links.csv"
    text = f"sep=;\r\nPage ID;PSID;Issuer;Subject\r\n{PAGE};{ANA};local;jane\r\n;;;\r\n"
    path.write_text(text, encoding="utf-16", newline="")

    result = operator.types("links", "import", str(path))

    assert "Imported: 1. Refused: 0." in result.output
    assert services.read(link_queries.find_link, PAGE, ANA) is not None


def test_an_id_that_a_spreadsheet_has_rounded_is_told(operator: Operator, tmp_path: Path) -> None:
    """Excel keeps fifteen digits of a number, and writes 4.5E+15: the digits are lost."""
    path = tmp_path / "links.csv"
    path.write_text(f'page_id,psid,issuer,subject\n{PAGE},"4,58E+15",local,jane\n')

    result = operator.types("links", "import", str(path))

    assert "line 2: psid was rounded by a spreadsheet" in result.output
    assert 1 == result.exit_code
