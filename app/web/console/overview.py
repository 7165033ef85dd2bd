"""The first page of the console."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.operators.roles import Role
from app.web.console.rendering import page
from app.web.console.rules import allows

bp = Blueprint("overview", __name__)


@bp.get("/")
@allows(Role.VIEWER, is_from_elsewhere=True)
def show() -> ResponseReturnValue:
    return page("overview.html")
