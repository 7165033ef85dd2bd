"""The stylesheets of the console: the tokens of the product, and what is the console's own."""

from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Response

from app.web import assets
from app.web.assets import Asset
from app.web.console.rules import is_open

bp = Blueprint("assets", __name__)

_FILES: Final = (assets.FOLDER / "style.css", Path(__file__).parent / "static" / "console.css")
_PREFIX: Final = "/static"


def asset(name: str) -> str:
    """Return the address of the file *name*."""
    return f"{_PREFIX}/{_assets()[name].digest}/{name}"


@bp.get(f"{_PREFIX}/<digest>/<name>")
@is_open
def serve(digest: str, name: str) -> Response:
    return assets.answer(_assets().get(name), digest)


@cache
def _assets() -> dict[str, Asset]:
    return {path.name: assets.read(path) for path in _FILES}
