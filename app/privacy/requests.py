"""Requests to disconnect or to erase somebody: taken in, looked up, and moved on.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Final, cast

from sqlalchemy import Table, delete, func, select, tuple_
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.infra.database.portions import PORTION, Cleanup
from app.linking.references import reference_of
from app.outbox.queue import enqueue
from app.privacy.erasure import TOMBSTONE_KEPT
from app.privacy.models import OPEN, PrivacyRequest
from app.privacy.values import ErasedPerson, Kind, Request, written

# Of items of the outbox: the body is a reference.
ITEM_KIND: Final = "privacy"
# A month, as Article 12(3) of the GDPR gives; Meta names no time.
DUTY_WITHIN: Final = timedelta(days=30)
# What the worker could not do by itself for so long is the operator's to look at, too.
STUCK_AFTER: Final = timedelta(days=1)

_TABLE: Final = cast("Table", PrivacyRequest.__table__)
_CODE: Final = re.compile(r"[a-z2-7]{26}")


@dataclass(frozen=True, slots=True)
class Source:
    """The part of a request by which a repeat is known: its *kind*, and the text that asked."""

    kind: Kind
    text: str = field(repr=False)

    def code(self, secret_key: str) -> str:
        """Return the confirmation code: 130 bits, the same each time, from *secret_key* alone."""
        key = hmac.digest(secret_key.encode(), b"threadlink privacy", "sha256")
        mac = hmac.digest(key, f"{self.kind}\n{self.text}".encode(), "sha256")
        return base64.b32encode(mac)[:26].decode().lower()


@dataclass(frozen=True, slots=True)
class Taken:
    """A request as it was taken in; *is_new* is False for a repeat, for which nothing is done."""

    code: str = field(repr=False)
    reference: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Duties:
    """The requests that wait for an operator: their number, and when the oldest was asked."""

    count: int
    oldest_at: datetime | None


def take(  # noqa: PLR0913 - the columns of one row
    session: Session,
    source: Source,
    *,
    secret_keys: Sequence[str],
    user_id: str | None = None,
    people: Sequence[ErasedPerson] = (),
    asked_at: datetime | None = None,
    at: datetime,
) -> Taken:
    """Store the request of *source* and have the worker do it, once; return it as it is stored.

    It is about *people*, or about the app-scoped *user_id*, whose people are still to be found.
    *asked_at* is when it was asked, by Meta's clock, if Meta says so.
    """
    codes = [source.code(key) for key in secret_keys]
    for code in codes:
        if (reference := _known(session, code)) is not None:
            return Taken(code, reference, is_new=False)
    row = {
        "code_hash": hash_of(codes[0]),
        "kind": source.kind,
        "state": "received",
        "asked_at": min(asked_at or at, at),
        "user_id": user_id,
        "people": written(people) if people else None,
    }
    new = insert_into(session.get_bind().dialect.name, _TABLE).on_conflict_do_nothing()
    # A reference has 40 bits: of a million requests, two may have the same.
    for number in count():
        row["reference"] = reference_of(f"{row['code_hash']}{number or ''}")
        reference = session.scalar(new.returning(_TABLE.c.reference), row)
        if reference is not None:
            enqueue(session, ITEM_KIND, reference.encode(), at=at)
            return Taken(codes[0], reference, is_new=True)
        if (reference := _known(session, codes[0])) is not None:
            # Another process has taken in the same at the same time.
            return Taken(codes[0], reference, is_new=False)
    raise AssertionError("count() has no end")


def _known(session: Session, code: str) -> str | None:
    stored = select(PrivacyRequest.reference).where(PrivacyRequest.code_hash == hash_of(code))
    return session.scalar(stored)


def hash_of(code: str) -> str:
    """Return what is stored of *code*."""
    return sha256(code.encode()).hexdigest()


def find(session: Session, reference: str) -> Request | None:
    """Return the request of *reference*."""
    row = session.get(PrivacyRequest, reference)
    return Request.of(row) if row else None


def find_by_code(session: Session, code: str) -> Request | None:
    """Return the request of the confirmation *code*, whatever somebody has typed for it."""
    if not _CODE.fullmatch(code):
        return None
    row = session.scalar(select(PrivacyRequest).where(PrivacyRequest.code_hash == hash_of(code)))
    return Request.of(row) if row else None


def unfinished(session: Session, *, after: Request | None, most: int) -> Sequence[Request]:
    """Return up to *most* requests that are not done, oldest first, those behind *after*."""
    key = tuple_(PrivacyRequest.asked_at, PrivacyRequest.reference)
    rows = select(PrivacyRequest).where(OPEN).order_by(*key.clauses).limit(most)
    if after is not None:
        rows = rows.where(key > (after.asked_at, after.reference))
    return [Request.of(row) for row in session.scalars(rows)]


def duties(session: Session, *, at: datetime) -> Duties:
    """Return the requests that wait for an operator, or that the worker does not get done."""
    is_duty = (PrivacyRequest.state == "duty") | (
        (PrivacyRequest.state == "received") & (PrivacyRequest.asked_at <= at - STUCK_AFTER)
    )
    asked_at = PrivacyRequest.asked_at
    count, oldest = session.execute(
        select(func.count(), func.min(asked_at)).where(OPEN, is_duty)
    ).one()
    return Duties(count, oldest)


def know_people(session: Session, reference: str, people: Sequence[ErasedPerson]) -> None:
    """Store whom the request is about, before anything of them is erased."""
    request = _waiting(session, reference)
    if request is not None:
        request.people = written(people)


def make_duty(session: Session, reference: str, why: str) -> None:
    """Leave the request to an operator, since nobody tells whom it is about."""
    request = _waiting(session, reference)
    if request is not None:
        request.state, request.why = "duty", why[:64]


def retry(session: Session, reference: str, *, at: datetime) -> None:
    """Have the worker try again what was left to an operator."""
    request = session.get(PrivacyRequest, reference, with_for_update=True)
    if request is not None and request.state == "duty":
        request.state, request.why = "received", None
        enqueue(session, ITEM_KIND, reference.encode(), at=at)


def end(session: Session, reference: str, people: Sequence[ErasedPerson], *, at: datetime) -> None:
    """Record that all is erased but the tombstones of *people*; done, if there are none."""
    request = session.get(PrivacyRequest, reference, with_for_update=True)
    if request is None:
        return
    if request.state == "ended":
        # Operator and worker have done it at the same time: the tombstones of both are to go.
        people = [*dict.fromkeys((*Request.of(request).people, *people))]
    request.state, request.ended_at, request.done_at = "ended", at, None
    request.user_id = request.why = None
    request.found = sum(person.was_held for person in people)
    request.people = written(people)
    if not people or request.kind == "deauthorize":
        _finish(request, at)


def finish(session: Session, reference: str, *, at: datetime) -> None:
    """Record that nothing is left to be erased."""
    request = session.get(PrivacyRequest, reference, with_for_update=True)
    if request is not None and request.done_at is None:
        _finish(request, at)


def due_to_finish(session: Session, *, at: datetime) -> Sequence[Request]:
    """Return some of those whose tombstones have stayed for long enough."""
    old = PrivacyRequest.ended_at <= at - TOMBSTONE_KEPT
    rows = select(PrivacyRequest).where(OPEN, PrivacyRequest.state == "ended", old)
    some = session.scalars(rows.order_by(PrivacyRequest.asked_at).limit(PORTION))
    return [Request.of(row) for row in some]


def old(until: datetime) -> Cleanup[str]:
    """Return what deletes the requests that were done up to the time *until*."""
    is_old = PrivacyRequest.done_at <= until

    def find_some(session: Session, _: str | None) -> Sequence[str]:
        rows = select(PrivacyRequest.reference).where(is_old)
        return session.scalars(rows.order_by(PrivacyRequest.done_at).limit(PORTION)).all()

    def forget(session: Session, references: Sequence[str]) -> int:
        rows = delete(PrivacyRequest).where(PrivacyRequest.reference.in_(references), is_old)
        return len(session.scalars(rows.returning(PrivacyRequest.reference)).all())

    return Cleanup(find_some, forget)


def _waiting(session: Session, reference: str) -> PrivacyRequest | None:
    request = session.get(PrivacyRequest, reference, with_for_update=True)
    return request if request is not None and request.state == "received" else None


def _finish(request: PrivacyRequest, at: datetime) -> None:
    request.state, request.done_at = "done", at
    request.people = request.user_id = request.why = None
