"""The state that a browser carries to a provider and back: for what it was signed, and by us."""

import secrets
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.web.current import services
from app.web.exceptions import StateRefused
from app.web.pages.attempt_cookie import MAX_AGE
from app.web.signing import signer

ATTEMPT: Final = "a"
SESSION: Final = "s"


def signed_state(kind: str, its_id: str, name: str) -> str:
    """Return the state that the attempt or session *its_id* gives the provider *name*."""
    # An attempt by its id alone: as a version reads it that knows nothing of sessions, to whose
    # processes a browser may come back during an upgrade.
    named = its_id if kind == ATTEMPT else f"{kind}:{its_id}"
    return str(_serializer().dumps([named, name, secrets.token_urlsafe(16)]))


def named_in(state: str, name: str) -> tuple[str, str]:
    """Return what *state* was signed for, at the provider *name*: its kind and its id.

    Raises:
        StateRefused: We have not signed it, or too long ago, or for another provider.
    """
    try:
        named, provider, _ = _serializer().loads(state, max_age=MAX_AGE)
    except BadSignature as exc:
        raise StateRefused from exc
    if provider != name:
        # A mix-up: another provider's answer at this one's callback (RFC 9700, section 4.4).
        raise StateRefused
    kind, colon, its_id = str(named).partition(":")
    return (kind, its_id) if colon else (ATTEMPT, kind)


def _serializer() -> URLSafeTimedSerializer:
    return signer(services().settings.secret_keys, purpose="provider state")
