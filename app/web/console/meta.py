"""The findings of the worker's last look at Meta, and the wish for another; no page asks Meta."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.setup import stored_findings
from app.web.console import guard, rendering
from app.web.console.current import now, signed_in
from app.web.console.reading import part
from app.web.console.rules import allows

bp = Blueprint("meta", __name__)


@bp.get("/meta")
@allows(Role.VIEWER)
def show() -> ResponseReturnValue:
    """Show the last look."""
    look = part(stored_findings.read)
    next_at = look.next_at() if look else None
    return rendering.page(
        "meta.html",
        look=look,
        may_ask=signed_in().role.may(Role.SUPPORT) and (next_at is None or next_at <= now()),
        next_at=next_at if next_at and next_at > now() else None,
    )


@bp.post("/meta/check")
@allows(Role.SUPPORT, act=Act.META_CHECK_ASKED)
def check() -> ResponseReturnValue:
    """Ask the worker to look again; the page says when it does."""
    guard.done(Subject("meta", "look"), stored_findings.wish, at=now())
    return redirect(url_for("meta.show"), 303)
