"""The API's blueprint: its operations, the OpenAPI document, and the reference page."""

from functools import cache
from typing import Final

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from app.infra.settings.languages import SOURCE
from app.web.api import accounts, attempts, buttons, invitations, links, notice_snippets
from app.web.api.highlighting import highlighted
from app.web.api.openapi import document_json
from app.web.api.operations import PREFIX, register
from app.web.api.reference_page import reference
from app.web.current import services

OPERATIONS: Final = (
    *links.OPERATIONS,
    *buttons.OPERATIONS,
    *invitations.OPERATIONS,
    *accounts.OPERATIONS,
    *attempts.OPERATIONS,
)

_operations: Final = Blueprint("calls", __name__, url_prefix=PREFIX)
register(_operations, OPERATIONS)

bp = Blueprint("api", __name__)
bp.register_blueprint(_operations)


@cache
def _document() -> bytes:
    return document_json(OPERATIONS)


@cache
def _page(origin: str) -> str:
    """Return the page, which is large, and the same for everybody."""
    return render_template(
        "api/docs.html",
        reference=reference(OPERATIONS, origin),
        checks={"Python": notice_snippets.PYTHON, "Node": notice_snippets.NODE},
        highlighted=highlighted,
    )


@bp.get(f"{PREFIX}/openapi.json")
def openapi() -> ResponseReturnValue:
    return Response(_document(), mimetype="application/json")


@bp.get("/api/docs")
def docs() -> ResponseReturnValue:
    return _page(services().settings.public_url), {"Content-Language": SOURCE}
