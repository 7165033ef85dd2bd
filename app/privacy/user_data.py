"""Everything that is kept of one user of the business: told as JSON, or erased.

`docs/privacy.md` has the same by table. Hashes of secrets, with which nobody can do anything but
go on with an attempt, are not told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.first_passwords import username_of
from app.accounts.models import Account
from app.infra.database.engine import Base
from app.infra.database.portions import Transactions, in_portions
from app.linking import (
    attempt_events,
    erasure,
    handlers,
    invitation_retention,
    link_queries,
    resume,
    session_retention,
    voiding,
)
from app.linking.handlers import Policy
from app.linking.invitation_models import Invitation
from app.linking.models import Attempt, Link, LinkEvent, Resume, SignInName
from app.linking.session_models import BrowserSession
from app.linking.values import ENDED_BY_US, User
from app.outbox.bodies import HeldItem
from app.privacy import outbox_items, requests
from app.privacy.handler import CAUSES
from app.privacy.handler import erase as erase_people
from app.privacy.requests import Source
from app.privacy.values import ErasedPerson, Request

FORMAT: Final = 1
_SECRETS: Final = frozenset(
    {
        "id",
        "secret_hash",
        "token_hash",
        "digits_hash",
        "code_hash",
        "memo",
        "password_hash",
        "ref_hash",
        "handoff_hash",
        "nonce_hash",
        "session_id",
    }
)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The number of what was erased of a user; *people* are the Messenger people of the links."""

    account: bool
    links: int
    people: int
    attempts: int
    history: int

    def __bool__(self) -> bool:
        return any((self.account, self.links, self.people, self.attempts, self.history))


def export_user(store: Transactions, user: User, *, at: datetime) -> dict[str, Any]:
    """Return what is kept of *user*, as JSON has it; times are UTC, in RFC 3339."""
    pairs = store.read(partial(erasure.pairs_of_user, user=user))
    given = (store.read(partial(_rows, table=Resume, which=resume.of(*pair))) for pair in pairs)
    history = [
        row
        for ids in erasure.history_ids_of_user(store, user)
        for row in store.read(partial(_rows, table=LinkEvent, which=LinkEvent.id.in_(ids)))
    ]
    held = (outbox_items.items_of(store, *pair) for pair in pairs)
    items = {item.id: item for item in chain(*held, outbox_items.notices_of(store, user))}
    return {
        "format": FORMAT,
        "made_at": _plain(at),
        "user": {"issuer": user.issuer, "subject": user.subject},
        **store.read(partial(_of_tables, user=user)),
        "history": history,
        # What the bot gave with buttons that nobody has used yet.
        "resume": [*chain.from_iterable(given)],
        "waiting_for_the_bot_or_messenger": [_item(items[id_]) for id_ in sorted(items)],
    }


def forget_user(
    store: Transactions, user: User, *, secret_keys: Sequence[str], policy: Policy, at: datetime
) -> Forgotten:
    """Erase what is kept of *user*, and the account if it is built in; return what was found.

    The rows of ended links, without names, stay for as long as `erasure.TOMBSTONE_KEPT` says.
    """
    close = partial(_close, user=user, secret_keys=secret_keys, policy=policy, at=at)
    # If this is interrupted, the worker goes on with the request.
    closed, request = store.write(close)
    own = (erasure.attempts_of_user(user), invitation_retention.of_user(user))
    attempts = sum(in_portions(store, *own))
    for _ in in_portions(store, session_retention.of_user(user)):
        pass
    if request is not None:
        erase_people(store, request, request.people, policy=policy, at=at)
    history = sum(erasure.history_of_user(store, user))
    for _ in outbox_items.erase_notices(store, user):
        pass
    return replace(closed, attempts=attempts, history=history)


def _close(
    session: Session, *, user: User, secret_keys: Sequence[str], policy: Policy, at: datetime
) -> tuple[Forgotten, Request | None]:
    """End the links of *user*, without telling names, and delete the account that is built in."""
    cause = CAUSES["user"]
    # The attempts are locked before the links, as everywhere: see `handlers.end_all`.
    voiding.void_of_user(session, user, ENDED_BY_US, at=at)
    for link in link_queries.links_of_user(session, user):
        erasure.blank_names(session, link.page_id, link.psid)
    links = handlers.end_all(session, user, cause=cause, policy=policy, at=at).links
    username = username_of(session, user.subject) if user.issuer == local.ISSUER else None
    if username is not None:
        local.delete(session, username, at=at)
    # After the end: a link that was made a moment ago is among them.
    people = [
        ErasedPerson(page_id, psid, was_held=True)
        for page_id, psid in erasure.pairs_of_user(session, user)
    ]
    closed = Forgotten(username is not None, len(links), len(people), attempts=0, history=0)
    if not people:
        return closed, None
    source = Source("user", f"{user.issuer}\n{user.subject}\n{at.isoformat()}")
    taken = requests.take(session, source, secret_keys=secret_keys, people=people, at=at)
    return closed, requests.find(session, taken.reference)


def _of_tables(session: Session, *, user: User) -> dict[str, Any]:
    attempts = _rows(session, Attempt, _theirs(Attempt, user))
    invitations = _rows(session, Invitation, _theirs(Invitation, user))
    references = [row["reference"] for row in (*attempts, *invitations)]
    events = attempt_events.events_of(session, references)
    for row in (*attempts, *invitations):
        row["events"] = [_fields(event) for event in events[row["reference"]]]
    is_local = user.issuer == local.ISSUER
    accounts = _rows(session, Account, Account.id == user.subject) if is_local else []
    return {
        "account": accounts[0] if accounts else None,
        "links": _rows(session, Link, _theirs(Link, user)),
        "attempts": attempts,
        "invitations": invitations,
        "browser_sessions": _rows(session, BrowserSession, _theirs(BrowserSession, user)),
        # Keyed hashes: the names themselves are not kept.
        "sign_in_names": _rows(session, SignInName, _theirs(SignInName, user)),
    }


def _theirs(
    table: type[Attempt | BrowserSession | Invitation | Link | SignInName], user: User
) -> ColumnElement[bool]:
    return (table.issuer == user.issuer) & (table.subject == user.subject)


def _rows(session: Session, table: type[Base], which: ColumnElement[bool]) -> list[dict[str, Any]]:
    return [_fields(row) for row in session.scalars(select(table).where(which))]


def _fields(row: Base) -> dict[str, Any]:
    return {
        column.name: _plain(getattr(row, column.name))
        for column in row.__table__.columns
        if column.name not in _SECRETS
    }


def _item(item: HeldItem) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "state": item.state,
        "created_at": _plain(item.created_at),
        "body": item.body.decode("utf-8", "replace"),
    }


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
