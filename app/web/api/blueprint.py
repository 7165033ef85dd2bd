"""The API's blueprint: its operations, the OpenAPI document, and the reference page."""

from functools import cache
from typing import Final

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from app.infra.settings.languages import SOURCE
from app.web.api import attempts, buttons, links
from app.web.api.openapi import document, document_json
from app.web.api.operations import PREFIX, register
from app.web.problems.table import problems_of_the_api

OPERATIONS: Final = (*links.OPERATIONS, *buttons.OPERATIONS, *attempts.OPERATIONS)

_operations: Final = Blueprint("calls", __name__, url_prefix=PREFIX)
register(_operations, OPERATIONS)

bp = Blueprint("api", __name__)
bp.register_blueprint(_operations)


@cache
def _document() -> bytes:
    return document_json(OPERATIONS)


@bp.get(f"{PREFIX}/openapi.json")
def openapi() -> ResponseReturnValue:
    return Response(_document(), mimetype="application/json")


@bp.get("/api/docs")
def docs() -> ResponseReturnValue:
    page = render_template(
        "api/docs.html",
        document=document(OPERATIONS),
        problems=problems_of_the_api(),
    )
    return page, {"Content-Language": SOURCE}
