"""The audit: what operators did and whom they looked up. To all but admins, their own rows."""

from typing import Final

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.operators import audit
from app.operators.audit import Act, Filter, Subject
from app.operators.roles import Role
from app.web.console import guard, rendering, words
from app.web.console.current import signed_in
from app.web.console.reading import part
from app.web.console.rules import allows

bp = Blueprint("audit", __name__)

SHOWN: Final = 50
_LONGEST: Final = 520


@bp.get("/audit")
@allows(Role.SUPPORT, look=Act.VIEWED_AUDIT)
def list_() -> ResponseReturnValue:
    """Show the rows that fit, newest first."""
    is_admin = signed_in().role.may(Role.ADMIN)
    names = ("actor", "act", "kind", "subject")
    chosen = {name: value for name in names if (value := words.asked(name, most=_LONGEST))}
    before = words.asked("before", most=18)
    wanted = Filter(
        actor=chosen.get("actor") if is_admin else signed_in().actor,
        act=chosen.get("act"),
        subject_kind=chosen.get("kind"),
        subject=chosen.get("subject"),
        before=int(before) if before.isdecimal() and before.isascii() else None,
    )
    guard.looked_at(Subject("audit", "all" if is_admin else "own"))
    rows = part(audit.rows, wanted, most=SHOWN + 1)
    return rendering.page(
        "audit.html",
        rows=rows and rows[:SHOWN],
        rest=rows[SHOWN - 1].id if rows and len(rows) > SHOWN else None,
        chosen=chosen,
        acts=[act.value for act in Act],
        is_for_all=is_admin,
    )
