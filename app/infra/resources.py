"""Folders that are shipped with the program: templates, migrations, examples."""

from pathlib import Path
from typing import Final

_APP: Final = Path(__file__).parents[1]


def shipped(name: str) -> Path:
    """Return the folder *name*: beside app/ in a checkout, inside app/ in a wheel."""
    return _APP / name if (_APP / name).is_dir() else _APP.parent / name
