"""Subjects that the business gives its built-in accounts, such as customer numbers.

Unlike a random one, such a subject says who somebody is, and may be given once more by mistake. So
of a deleted account its digest is kept for good, and nobody gets it again unasked; in clear it is
kept only until `app.privacy` has taken it out of what stays of the account.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.identity import comparable
from app.accounts.models import Account, RetiredSubject

_FORM: Final = re.compile(r"[!-~]{1,64}")


def misfit(subject: str, canonical_name: str) -> str | None:
    """Return why *subject* cannot be that of the account *canonical_name*; None where it can."""
    if not _FORM.fullmatch(subject):
        return "A subject has 1 to 64 letters, digits and signs of ASCII, and no space."
    if comparable(subject) == canonical_name:
        return "A subject may not be the username: a name can change."
    return None


def in_use(session: Session, subjects: Collection[str]) -> frozenset[str]:
    """Return those of *subjects* that an account has."""
    return frozenset(session.scalars(select(Account.id).where(Account.id.in_(subjects))))


def retired(session: Session, subjects: Collection[str]) -> frozenset[str]:
    """Return those of *subjects* that a deleted account had."""
    digests = {_digest(subject): subject for subject in subjects}
    known = select(RetiredSubject.digest).where(RetiredSubject.digest.in_(digests))
    return frozenset(digests[digest] for digest in session.scalars(known))


def retire(session: Session, account: Account, *, at: datetime) -> None:
    """Remember the subject of *account*, which is being deleted, if it is an own one."""
    if not account.subject_is_own:
        return
    row = _locked(session, account.id)
    if row is None:
        row = RetiredSubject(digest=_digest(account.id))
        session.add(row)
    row.retired_at, row.subject = at, account.id


def settle(session: Session, subject: str) -> None:
    """Keep of *subject* its digest alone: it stands nowhere else, or its person has it again."""
    row = _locked(session, subject)
    if row is not None:
        row.subject = None


def to_forget(session: Session, until: datetime) -> Sequence[str]:
    """Return the subjects, retired up to the time *until*, that still stand somewhere."""
    rows = select(RetiredSubject.subject).where(
        RetiredSubject.subject.is_not(None), RetiredSubject.retired_at <= until
    )
    return [subject for subject in session.scalars(rows) if subject is not None]


def is_to_forget(session: Session, subject: str) -> bool:
    """Return whether *subject* is still to be forgotten, and lock it: nobody gets it meanwhile."""
    row = _locked(session, subject)
    return row is not None and row.subject is not None


def _locked(session: Session, subject: str) -> RetiredSubject | None:
    return session.get(RetiredSubject, _digest(subject), with_for_update=True)


def _digest(subject: str) -> str:
    return sha256(subject.encode()).hexdigest()
