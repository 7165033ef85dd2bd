"""The audit: what operators did and whom they looked up. To all but admins, their own rows."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.operators import audit
from app.operators.acts import Act, Subject
from app.operators.audit import AuditRow, Filter, Place
from app.operators.roles import Role
from app.web.console import guard, rendering, words
from app.web.console.current import signed_in
from app.web.console.reading import part
from app.web.console.rules import allows

bp = Blueprint("audit", __name__)

SHOWN: Final = 50
_LONGEST: Final = 520
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE: Final = re.compile(r"([0-9]{1,16})-([0-9]{1,18})")


@bp.get("/audit")
@allows(Role.SUPPORT, look=Act.VIEWED_AUDIT)
def list_() -> ResponseReturnValue:
    """Show the rows that fit, newest first."""
    is_admin = signed_in().role.may(Role.ADMIN)
    names = ("actor", "act", "kind", "subject")
    chosen = {name: value for name in names if (value := words.asked(name, most=_LONGEST))}
    before = _place(words.asked("before"))
    wanted = Filter(
        actor=chosen.get("actor") if is_admin else signed_in().actor,
        act=chosen.get("act"),
        subject_kind=chosen.get("kind"),
        subject=chosen.get("subject"),
    )
    guard.looked_at(Subject("audit", "all" if is_admin else "own"))
    rows = part(audit.rows, wanted, before=before, most=SHOWN + 1)
    return rendering.page(
        "audit.html",
        rows=rows and rows[:SHOWN],
        rest=_written(rows[SHOWN - 1]) if rows and len(rows) > SHOWN else None,
        chosen=chosen,
        acts=[act.value for act in Act],
        is_for_all=is_admin,
    )


def _written(row: AuditRow) -> str:
    """Return the place of *row* as it stands in an address: microseconds, and its id."""
    return f"{(row.at - _EPOCH) // timedelta(microseconds=1)}-{row.id}"


def _place(text: str) -> Place | None:
    found = _PLACE.fullmatch(text)
    if found is None:
        return None
    return _EPOCH + timedelta(microseconds=int(found[1])), int(found[2])
