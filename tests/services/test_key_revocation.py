"""The end of an API key: what it has begun ends with it."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app.api_keys import service as keys
from app.api_keys import tokens
from app.api_keys.service import Scope
from app.linking import invitations
from app.linking.invitation_models import Invitation
from app.linking.invitations import Created
from app.services import key_revocation
from tests.installation import NOON
from tests.linking.invitation_factories import KEY, LIMITS, SECRET, USER, claims, invited, offer

LATER = NOON + timedelta(seconds=1)


def issued(session: Session, scope: Scope, issuer: str | None = None) -> str:
    """Return the id of a new key."""
    return tokens.id_of(
        keys.issue(
            session,
            "site",
            scopes=(scope,),
            page_id=None,
            issuer=issuer,
            expires_at=None,
            at=NOON,
        )
    )


def by_key(session: Session, key_id: str) -> Created:
    return invitations.create_for_key(
        session,
        offer(),
        LIMITS.invitations(USER.issuer, USER.subject),
        api_key_id=key_id,
        secret_key=KEY,
        at=NOON,
    )


def state_of(session: Session, created: Created) -> tuple[str | None, str | None]:
    row = session.get_one(Invitation, created.status.id, populate_existing=True)
    return row.ended_as, row.psid


def test_whoever_had_a_revoked_key_gets_no_link_by_what_it_has_begun(session: Session) -> None:
    """R126: link, code and hand-over token are dead, and what others have begun goes on."""
    key_id = issued(session, "links:invite", USER.issuer)
    open_, handed = by_key(session, key_id), by_key(session, key_id)
    invitations.hand_over(
        session,
        handed.handoff_token or "",
        session_id="t" * 22,
        browser_secret=SECRET,
        secret_key=KEY,
        at=NOON,
    )
    other = invited(session)

    assert key_revocation.revoke(session, key_id, at=LATER)
    claims(session, open_, event_at=LATER)

    assert ("cancelled", None) == state_of(session, open_) == state_of(session, handed)
    assert (None, None) == state_of(session, other)


def test_a_key_is_revoked_once(session: Session) -> None:
    key_id = issued(session, "links:read")

    assert [True, False] == [key_revocation.revoke(session, key_id, at=LATER) for _ in range(2)]
    assert not key_revocation.revoke(session, "unknown", at=LATER)
