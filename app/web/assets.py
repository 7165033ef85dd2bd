"""Style and script, at addresses that change with their content, so that they never grow stale."""

from dataclasses import dataclass, field
from functools import cache
from gzip import compress
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, request

from app.web.headers import IMMUTABLE

bp = Blueprint("assets", __name__)

FOLDER: Final = Path(__file__).parent / "static"
_PREFIX: Final = "/static"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent.

    Compressed once. HTML never is: it has a CSRF token beside what was typed, and the length of
    both together would tell of the token (BREACH, 2013).
    """

    digest: str
    media_type: str
    content: bytes = field(repr=False)
    gzipped: bytes = field(repr=False)


def asset(name: str) -> str:
    """Return the address of the file *name*."""
    # Not by url_for(): for an invalid Host Flask makes no addresses, but the error page needs one.
    return f"{_PREFIX}/{_assets()[name].digest}/{name}"


@bp.get(f"{_PREFIX}/<digest>/<name>")
def serve(digest: str, name: str) -> Response:
    return answer(_assets().get(name), digest)


def answer(found: Asset | None, digest: str) -> Response:
    """Return the file *found*, if its content is that of *digest*."""
    if found is None or found.digest != digest:
        abort(404)
    is_gzip = bool(request.accept_encodings["gzip"])
    response = Response(found.gzipped if is_gzip else found.content, mimetype=found.media_type)
    if is_gzip:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = IMMUTABLE
    return response


@cache
def _assets() -> dict[str, Asset]:
    return {path.name: read(path) for path in FOLDER.iterdir() if path.suffix in {".css", ".js"}}


def read(path: Path) -> Asset:
    """Return the file at *path* as it is sent."""
    content = path.read_bytes()
    return Asset(
        sha256(content).hexdigest()[:16],
        guess_type(path.name)[0] or "",
        content,
        # Without the time, so that every process sends the same.
        compress(content, mtime=0),
    )
