"""The import of accounts from another system, with their password hashes."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import own_subjects
from app.accounts.foreign_hashes import UnsupportedHash, import_hash
from app.accounts.local import LONGEST_NAME, UsernameRefused, canonical
from app.accounts.models import Account

COLUMNS: Final = ("username", "password_hash")
OPTIONAL_COLUMNS: Final = ("display_name", "subject")


@dataclass(frozen=True, slots=True)
class ImportedAccount:
    """A valid account, as described in line *line* of the file."""

    line: int
    username: str
    canonical: str
    display_name: str | None
    password_hash: str = field(repr=False)
    # Of the business's own; None: a random one.
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that cannot be imported; *why* quotes nothing of it, *column* may be empty."""

    line: int
    column: str
    why: str


def read_lines(
    rows: Iterable[tuple[int, Mapping[str, str], str]],
) -> Iterator[ImportedAccount | RefusedLine]:
    """Yield the account in each of *rows*, or why it is refused.

    A row is a line number, the values by column, and what is wrong with all of it.
    """
    names: dict[str, int] = {}
    subjects: dict[str, int] = {}
    for line, row, fault in rows:
        account = RefusedLine(line, "", fault) if fault else _read_line(line, row)
        if isinstance(account, ImportedAccount):
            first = names.setdefault(account.canonical, line)
            if first == line and account.subject is not None:
                first = subjects.setdefault(account.subject, line)
            if first != line:
                column = "username" if names[account.canonical] != line else "subject"
                account = RefusedLine(line, column, f"this {column} is in line {first} already")
        yield account


def add_all(
    session: Session, accounts: Sequence[ImportedAccount], *, at: datetime
) -> tuple[RefusedLine, ...]:
    """Add *accounts*; return those whose username or subject is taken, or was a deleted account's.

    Existing accounts stay unchanged.
    """
    names = [account.canonical for account in accounts]
    own = [account.subject for account in accounts if account.subject is not None]
    taken = set(session.scalars(select(Account.canonical).where(Account.canonical.in_(names))))
    used, retired = own_subjects.in_use(session, own), own_subjects.retired(session, own)
    refused = []
    for account in accounts:
        if account.canonical in taken:
            why = "there is an account with this username"
            refused.append(RefusedLine(account.line, "username", why))
        elif account.subject in used:
            why = "there is an account with this subject"
            refused.append(RefusedLine(account.line, "subject", why))
        elif account.subject in retired:
            why = "this subject belonged to a deleted account"
            refused.append(RefusedLine(account.line, "subject", why))
        else:
            session.add(_row(account, at))
    return tuple(refused)


def _row(account: ImportedAccount, at: datetime) -> Account:
    return Account(
        id=account.subject or secrets.token_urlsafe(16),
        subject_is_own=account.subject is not None,
        username=account.username,
        canonical=account.canonical,
        display_name=account.display_name,
        password_hash=account.password_hash,
        created_at=at,
    )


def _read_line(line: int, row: Mapping[str, str]) -> ImportedAccount | RefusedLine:
    username, display_name = row["username"], row.get("display_name") or None
    if len(display_name or "") > LONGEST_NAME:
        return RefusedLine(line, "display_name", f"it has more than {LONGEST_NAME} characters")
    try:
        name, password_hash = canonical(username), import_hash(row["password_hash"])
    except UsernameRefused as exc:
        return RefusedLine(line, "username", str(exc))
    except UnsupportedHash as exc:
        return RefusedLine(line, "password_hash", str(exc))
    subject = row.get("subject") or None
    if subject is not None and (why := own_subjects.misfit(subject, name)) is not None:
        return RefusedLine(line, "subject", why)
    return ImportedAccount(line, username, name, display_name, password_hash, subject)
