"""`threadlink db`: the tables are created, upgraded and checked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.infra.settings.database_url import database_url
from app.services.container import build
from tests.cli.terminal import Operator
from tests.installation import settings_for


@pytest.fixture
def first_operator(tmp_path: Path) -> Iterator[Operator]:
    """Yield an operator whose database does not exist yet."""
    services = build(settings_for(database_url(f"sqlite:///{tmp_path}/new.sqlite")))
    yield Operator(services)
    services.close()


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
