"""`threadlink db`: the tables are created, upgraded and checked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app.cli.serving import check_database
from app.infra.database import schema
from app.infra.settings.database_url import database_url
from app.services.container import Services, build
from tests.cli.terminal import Operator
from tests.installation import settings_for


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Services]:
    """Yield services whose database does not exist yet."""
    services = build(settings_for(database_url(f"sqlite:///{tmp_path}/new.sqlite")))
    yield services
    services.close()


@pytest.fixture
def first_operator(new: Services) -> Operator:
    return Operator(new)


def test_a_second_upgrade_has_nothing_to_do(first_operator: Operator) -> None:
    first = first_operator.types("db", "upgrade")
    second = first_operator.types("db", "upgrade")

    assert (0, 0) == (first.exit_code, second.exit_code)
    assert "(before: none)" in first.output
    assert "Next: threadlink accounts add" in first.output
    assert second.output.startswith("Nothing to do: the tables are at ")


def test_status_fails_until_the_tables_are_there(first_operator: Operator) -> None:
    before = first_operator.types("db", "status")
    first_operator.types("db", "upgrade")
    after = first_operator.types("db", "status")

    assert (1, 0) == (before.exit_code, after.exit_code)
    assert "present: none" in before.output
    assert before.output.endswith("Next: threadlink db upgrade\n")
    assert "Next" not in after.output


def test_later_tables_that_fit_are_left_as_they_are(
    new: Services, first_operator: Operator
) -> None:
    """An old version that crashed, or was rolled back to, did not start again on newer tables."""
    first_operator.types("db", "upgrade")
    with new.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with capture_logs() as lines:
        check_database(new)
    upgrade, status = (first_operator.types("db", word) for word in ("upgrade", "status"))

    (line,) = lines
    assert ("database.tables_newer", "warning") == (line["event"], line["log_level"])
    assert "9999" == line["present"] > line["wanted"]
    assert (0, 0) == (upgrade.exit_code, status.exit_code)
    told, *_ = upgrade.output.splitlines()
    assert told == "Nothing to do: the tables are newer (9999), and fit this version."
    assert status.output.endswith("The tables are of a later version, and fit this one.\n")
    assert "9999" == schema.status(new.engine).present
