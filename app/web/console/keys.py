"""The API keys, without their secrets, and the revoking of one."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.api_keys import service as keys
from app.api_keys.service import KeyValue
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.services import key_revocation
from app.web.console import guard, rendering
from app.web.console.current import now
from app.web.console.questions import NO_REASON, Question, ask, has_reason
from app.web.console.reading import part, read
from app.web.console.rules import allows

bp = Blueprint("keys", __name__)


@bp.get("/keys")
@allows(Role.ADMIN)
def list_() -> ResponseReturnValue:
    """Show the keys."""
    return rendering.page("keys.html", keys=part(keys.list_keys), at=now(), may_revoke=True)


@bp.get("/keys/<key_id>/revoke")
@allows(Role.ADMIN, is_fresh=True)
def ask_revoke(key_id: str) -> ResponseReturnValue:
    """Ask whether the key is to be revoked."""
    return ask(_question(_found(key_id)), about=None)


@bp.post("/keys/<key_id>/revoke")
@allows(Role.ADMIN, act=Act.KEY_REVOKED, is_fresh=True)
def revoke(key_id: str) -> ResponseReturnValue:
    """Revoke the key."""
    key = _found(key_id)
    if not has_reason():
        return ask(_question(key), about=None, problem=NO_REASON)
    guard.done(Subject("key", key.id), key_revocation.revoke, key.id, at=now())
    return redirect(url_for("keys.list_"), 303)


def _found(key_id: str) -> KeyValue:
    for key in read(keys.list_keys):
        if key.id == key_id and key.revoked_at is None:
            return key
    raise NotFound


def _question(key: KeyValue) -> Question:
    return Question(
        title="Revoke this key?",
        who=[key.name],
        sentence=(
            "Whatever uses it is refused from now on, and nobody can take that back. A new one is "
            "made on the server: threadlink keys create NAME"
        ),
        button="Revoke",
        back=url_for("keys.list_"),
    )
