"""The business's own subjects of deleted accounts, taken out of what stays (R112).

A random subject means nothing once its account is gone, and stays in tombstones and history. One
that the business has given still says who it was: a random text takes its place.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts import own_subjects as subjects
from app.infra.database.portions import PORTION, Cleanup, Transactions, in_portions
from app.linking import erasure, invitation_retention, session_retention
from app.linking.values import User

K = TypeVar("K")

# Programs that poll the changes see by then whose link has ended.
SHOWN_FOR: Final = timedelta(hours=1)


def forget_due(store: Transactions, at: datetime) -> Iterator[object]:
    """Replace the subjects of accounts that were deleted a while ago, in steps."""
    for subject in store.read(partial(subjects.to_forget, until=at - SHOWN_FOR)):
        yield from _forget(store, subject)
        store.write(partial(subjects.settle, subject=subject))
        yield None


def _forget(store: Transactions, subject: str) -> Iterator[int]:
    user, other = User(local.ISSUER, subject), secrets.token_urlsafe(16)
    # The history last: what is recorded of the others from now on has the other subject.
    for cleanup in (
        erasure.renamed_attempts(user, other),
        invitation_retention.renamed(user, other),
        session_retention.of_user(user),
    ):
        yield from in_portions(store, _unless_back(cleanup, subject))
    yield from in_portions(store, _unless_back(erasure.renamed_tombstones(user, other), subject))
    for ids in erasure.history_ids_of_user(store, user):
        for first in range(0, len(ids), PORTION):
            some = ids[first : first + PORTION]
            yield store.write(partial(_rename_events, ids=some, subject=subject, other=other))


def _unless_back(cleanup: Cleanup[K], subject: str) -> Cleanup[K]:
    """Return *cleanup* without a change once the same person has *subject* again."""

    def change(session: Session, keys: Sequence[K]) -> int:
        return cleanup.change(session, keys) if subjects.is_to_forget(session, subject) else 0

    return Cleanup(cleanup.find, change)


def _rename_events(session: Session, ids: Sequence[int], subject: str, other: str) -> int:
    if not subjects.is_to_forget(session, subject):
        return 0
    return erasure.rename_events(session, ids, other)
