from collections.abc import Iterator

import pytest

from tests.drills.high_availability import figures, pairs
from tests.drills.high_availability.figures import Row
from tests.drills.high_availability.pairs import Template


@pytest.fixture(scope="package")
def template() -> Iterator[Template]:
    """Yield the template of all pairs."""
    with pairs.folder() as folder:
        yield pairs.template(folder)


@pytest.fixture(scope="module")
def rows() -> Iterator[list[Row]]:
    """Yield where drills put what they showed; it is printed at the end."""
    rows: list[Row] = []
    yield rows
    print(f"\n{figures.table(rows)}")  # noqa: T201 - the figures of the drills
