"""The operators who sign in with a password of this server's own.

Made and changed by commands alone: a stolen session must not outlive itself. Nothing here commits,
and every function may be run twice.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import delete as delete_from
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.local import UsernameRefused
from app.operators.models import Operator
from app.operators.roles import Role

# Nothing else protects the data of all people, so the accounts' own setting cannot lower it.
LEAST_PASSWORD: Final = 15
_LOCAL: Final = "local:"


class OperatorError(Exception):
    """A use case of the operators failed; the text says why."""


class OperatorUnknown(OperatorError):
    """There is no operator by this name."""

    def __init__(self) -> None:
        super().__init__("There is no operator by this name.")


class NameTaken(OperatorError):
    """Another operator has this name, perhaps in another spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorValue:
    """An operator as commands and the sign-in see it."""

    id: str
    name: str
    role: Role
    created_at: datetime
    password_changed_at: datetime
    disabled_at: datetime | None
    password_hash: str = field(repr=False)

    @property
    def actor(self) -> str:
        """The actor in sessions and in the audit."""
        return actor_of(self.id)


def actor_of(operator_id: str) -> str:
    """Return the actor of the operator *operator_id*."""
    return _LOCAL + operator_id


def id_in(actor: str) -> str | None:
    """Return the id of the operator that *actor* is; None if it is one of a provider."""
    return actor.removeprefix(_LOCAL) if actor.startswith(_LOCAL) else None


def add(session: Session, name: str, role: Role, password_hash: str, *, at: datetime) -> str:
    """Add an operator; return its id.

    Raises:
        OperatorError: The name is not allowed, or another operator has it.
    """
    canonical = _canonical(name)
    if ":" in canonical:
        # "oidc:…" as a name would be taken for an actor, by commands and by readers of the audit.
        raise OperatorError("A name may not have a colon.")
    operator = Operator(
        id=secrets.token_urlsafe(16),
        name=name.strip(),
        canonical=canonical,
        role=role.value,
        password_hash=password_hash,
        created_at=at,
        password_changed_at=at,
    )
    session.add(operator)
    operator_id = operator.id
    try:
        session.flush()
    except IntegrityError as exc:
        raise NameTaken("There is an operator by this name.") from exc
    return operator_id


def set_password(session: Session, name: str, password_hash: str, *, at: datetime) -> str:
    """Replace the password of *name*; return the actor, whose sessions the caller ends.

    Raises:
        OperatorUnknown: There is no such operator.
    """
    operator = _row(session, name)
    operator.password_hash, operator.password_changed_at = password_hash, at
    return actor_of(operator.id)


def set_role(session: Session, name: str, role: Role) -> str:
    """Give *name* the *role*, which counts from the next request on; return the actor.

    Raises:
        OperatorUnknown: There is no such operator.
    """
    operator = _row(session, name)
    operator.role = role.value
    return actor_of(operator.id)


def disable(session: Session, name: str, *, at: datetime) -> str:
    """Disable *name*; return the actor, whose sessions the caller ends.

    Raises:
        OperatorUnknown: There is no such operator.
    """
    operator = _row(session, name)
    operator.disabled_at = operator.disabled_at or at
    return actor_of(operator.id)


def enable(session: Session, name: str) -> str:
    """Enable *name* again; return the actor.

    Raises:
        OperatorUnknown: There is no such operator.
    """
    operator = _row(session, name)
    operator.disabled_at = None
    return actor_of(operator.id)


def delete(session: Session, name: str) -> str:
    """Delete *name*; return the actor, whose sessions the caller ends.

    Raises:
        OperatorUnknown: There is no such operator.
    """
    operator = _row(session, name)
    actor = actor_of(operator.id)
    session.execute(delete_from(Operator).where(Operator.id == operator.id))
    return actor


def find(session: Session, name: str) -> OperatorValue | None:
    """Return the operator by *name*, in any spelling."""
    try:
        row = _find_row(session, name)
    except OperatorError:
        return None
    return None if row is None else _value(row)


def by_id(session: Session, operator_id: str) -> OperatorValue | None:
    """Return the operator of *operator_id*."""
    row = session.get(Operator, operator_id)
    return None if row is None else _value(row)


def is_proven(session: Session, operator: OperatorValue) -> bool:
    """Return whether *operator* may still sign in by the password that was verified.

    The row is locked: who changes it ends the session that follows, or is seen here.
    """
    query = select(Operator).where(Operator.id == operator.id).with_for_update(read=True)
    row = session.scalar(query.execution_options(populate_existing=True))
    if row is None or row.disabled_at is not None:
        return False
    return row.password_hash == operator.password_hash


def list_operators(session: Session) -> tuple[OperatorValue, ...]:
    """Return all operators, sorted by name."""
    return tuple(map(_value, session.scalars(select(Operator).order_by(Operator.canonical))))


def _row(session: Session, name: str) -> Operator:
    row = _find_row(session, name, for_update=True)
    if row is None:
        raise OperatorUnknown
    return row


def _find_row(session: Session, name: str, *, for_update: bool = False) -> Operator | None:
    query = select(Operator).where(Operator.canonical == _canonical(name))
    return session.scalar(query.with_for_update() if for_update else query)


def _canonical(name: str) -> str:
    try:
        return local.canonical(name)
    except UsernameRefused as exc:
        raise OperatorError(str(exc).replace("username", "name")) from exc


def _value(row: Operator) -> OperatorValue:
    return OperatorValue(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        password_changed_at=row.password_changed_at,
        disabled_at=row.disabled_at,
        password_hash=row.password_hash,
    )
