"""Style and script, at addresses that change with their content, so that they never grow stale."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, render_template, send_file
from flask.typing import ResponseReturnValue

from app.web.headers import IMMUTABLE

bp = Blueprint("assets", __name__)

FOLDER: Final = Path(__file__).parent / "static"
_PREFIX: Final = "/static"


def asset(name: str) -> str:
    """Return the address of the file *name*."""
    # Not by url_for(): for an invalid Host Flask makes no addresses, but the error page needs one.
    return f"{_PREFIX}/{_digests()[name]}/{name}"


@bp.get(f"{_PREFIX}/<digest>/<name>")
def serve(digest: str, name: str) -> Response:
    if _digests().get(name) != digest:
        abort(404)
    response = send_file(FOLDER / name, conditional=False, etag=False, last_modified=None)
    response.headers["Cache-Control"] = IMMUTABLE
    return response


@bp.get("/")
def landing() -> ResponseReturnValue:
    return render_template("landing.html")


@cache
def _digests() -> dict[str, str]:
    return {
        path.name: sha256(path.read_bytes()).hexdigest()[:16]
        for path in FOLDER.iterdir()
        if path.suffix in {".css", ".js"}
    }
