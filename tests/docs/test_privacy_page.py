"""docs/privacy.md against the tables of the database."""

import importlib
from pathlib import Path
from typing import Final

import pytest

from app.infra.database.engine import Base

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
# Each module that has a table: what is not loaded is not in the metadata.
MODULES: Final = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "app").rglob("*.py")
    if "__tablename__" in path.read_text("utf-8") or path.name == "schema.py"
)


@pytest.fixture(scope="module")
def tables() -> set[str]:
    for module in MODULES:
        importlib.import_module(module)
    return {table.name for table in Base.metadata.tables.values()}


def test_what_is_kept_in_each_table_is_told(tables: set[str]) -> None:
    """R112: with whom it is of, and for how long."""
    kept = PAGE.partition("## What is kept")[2].partition("\n## ")[0]

    assert len(tables) > len(MODULES)
    assert set() == {name for name in tables if f"`{name}`" not in kept}
