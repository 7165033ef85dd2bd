"""The end of an API key, with what it has begun."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.api_keys import service as keys
from app.linking import invitations


def revoke(session: Session, key_id: str, *, at: datetime) -> bool:
    """Revoke the key; return False if there is none, or it was revoked before.

    Its invitations end without a link, those handed over too: whoever had the key may have begun
    them, or hold the token of one.
    """
    if not keys.revoke(session, key_id, at=at):
        return False
    invitations.end_of_key(session, key_id, at=at)
    return True
