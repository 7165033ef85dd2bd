"""The measurements of bench/, which no other test runs."""

import importlib
from pathlib import Path

import bench


def test_each_module_can_be_imported() -> None:
    """A name of the product that has moved would show itself only when somebody measures."""
    modules = {path.stem for path in Path(bench.__path__[0]).glob("*.py")}

    # These two run when they are imported.
    for name in sorted(modules - {"__main__", "__init__", "floor_app", "one_commit_each"}):
        importlib.import_module(f"bench.{name}")
