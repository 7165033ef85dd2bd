"""Style and script, under addresses that change with their content and so never grow stale."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, render_template, send_file
from flask.typing import ResponseReturnValue

bp = Blueprint("assets", __name__)

FOLDER: Final = Path(__file__).parent / "static"
_PREFIX: Final = "/static"
_FOREVER: Final = "public, max-age=31536000, immutable"


def asset(name: str) -> str:
    """Return the address of the file *name*."""
    # Not by url_for(): for a Host that cannot be one Flask has no addresses, and yet an error page.
    return f"{_PREFIX}/{_digests()[name]}/{name}"


@bp.get(f"{_PREFIX}/<digest>/<name>")
def serve(digest: str, name: str) -> Response:
    if _digests().get(name) != digest:
        abort(404)
    response = send_file(FOLDER / name, conditional=False, etag=False, last_modified=None)
    response.headers["Cache-Control"] = _FOREVER
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
