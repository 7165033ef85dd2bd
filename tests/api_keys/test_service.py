from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api_keys import service as keys
from app.api_keys import tokens
from app.api_keys.models import ApiKey
from app.api_keys.service import KeyRefused, Scope
from tests.installation import NOON, PAGE

DAY = timedelta(days=1)


def issue(session: Session, *scopes: Scope, days: int | None = None) -> str:
    expires_at = NOON + days * DAY if days else None
    return keys.issue(session, "bot", scopes=scopes, page_id=PAGE, expires_at=expires_at, at=NOON)


def test_a_key_grants_its_scopes_on_its_page(session: Session) -> None:
    key = issue(session, "messages:send", "links:read")

    grant = keys.check(session, key, at=NOON)

    assert {"links:read", "messages:send"} == grant.scopes
    assert PAGE == grant.page_id


def test_no_part_of_the_secret_is_stored(session: Session) -> None:
    """R92: a copy of the table is of no use to call the API."""
    key = issue(session, "links:read")
    session.flush()

    row = session.scalars(select(ApiKey)).one()

    stored = " ".join(str(value) for value in vars(row).values())
    assert key not in stored
    assert key[len("tlk_") + tokens.ID_LENGTH :] not in stored


def test_another_secret_under_a_known_id_is_refused(session: Session) -> None:
    key = issue(session, "links:read")
    forged = tokens.new_key()
    assert tokens.id_of(forged) != tokens.id_of(key)

    with pytest.raises(KeyRefused):
        keys.check(session, forged, at=NOON)


def test_a_revoked_key_is_refused_at_once(session: Session) -> None:
    key = issue(session, "links:read")

    revoked = keys.revoke(session, tokens.id_of(key), at=NOON)

    assert revoked
    with pytest.raises(KeyRefused):
        keys.check(session, key, at=NOON)


def test_a_key_ends_when_it_expires(session: Session) -> None:
    key = issue(session, "links:read", days=1)

    keys.check(session, key, at=NOON + DAY * 0.99)

    with pytest.raises(KeyRefused):
        keys.check(session, key, at=NOON + DAY)


def test_its_use_is_recorded_once_a_minute(session: Session) -> None:
    """A bot asks on every message, and a look-up must not write."""
    key = issue(session, "links:read")
    first = keys.check(session, key, at=NOON)
    keys.record_use(session, first.key_id, at=NOON)

    soon = keys.check(session, key, at=NOON + timedelta(seconds=59))
    later = keys.check(session, key, at=NOON + timedelta(seconds=60))

    assert (True, False, True) == (first.is_use_due, soon.is_use_due, later.is_use_due)


def test_revoking_an_unknown_or_revoked_key_reports_it(session: Session) -> None:
    key = issue(session, "links:read")
    keys.revoke(session, tokens.id_of(key), at=NOON)

    assert not keys.revoke(session, tokens.id_of(key), at=NOON)
    assert not keys.revoke(session, "nobody", at=NOON)
