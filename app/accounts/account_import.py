"""Accounts that move here from another system, with their passwords as that one keeps them."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.foreign_hashes import HashNotUnderstood, taken_over
from app.accounts.local import LONGEST_NAME, UsernameRefused, canonical
from app.accounts.models import Account

COLUMNS: Final = ("username", "password_hash")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An account as line *line* of a file describes it, fit to be added."""

    line: int
    username: str
    canonical: str
    display_name: str | None
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that is no account; *why* holds nothing of it."""

    line: int
    why: str


def read_lines(
    rows: Iterable[tuple[int, Mapping[str, str | None]]],
) -> Iterator[Newcomer | RefusedLine]:
    """Yield what each of *rows*, a line number and its columns, describes."""
    seen: dict[str, int] = {}
    for line, row in rows:
        one = _read_line(line, row)
        if isinstance(one, Newcomer) and (first := seen.setdefault(one.canonical, line)) != line:
            one = RefusedLine(line, f"this username stands in line {first} already")
        yield one


def add_all(
    session: Session, newcomers: Sequence[Newcomer], *, at: datetime
) -> tuple[RefusedLine, ...]:
    """Add *newcomers*; return those whose username somebody has, who are left as they are."""
    names = [one.canonical for one in newcomers]
    taken = set(session.scalars(select(Account.canonical).where(Account.canonical.in_(names))))
    session.add_all(
        Account(
            id=secrets.token_urlsafe(16),
            username=one.username,
            canonical=one.canonical,
            display_name=one.display_name,
            password_hash=one.password_hash,
            created_at=at,
        )
        for one in newcomers
        if one.canonical not in taken
    )
    return tuple(
        RefusedLine(one.line, "there is an account with this username")
        for one in newcomers
        if one.canonical in taken
    )


def _read_line(line: int, row: Mapping[str, str | None]) -> Newcomer | RefusedLine:
    username, kept = ((row.get(name) or "").strip() for name in COLUMNS)
    display_name = (row.get("display_name") or "").strip() or None
    if len(display_name or "") > LONGEST_NAME:
        return RefusedLine(line, f"the display name has more than {LONGEST_NAME} characters")
    try:
        return Newcomer(line, username, canonical(username), display_name, taken_over(kept))
    except (UsernameRefused, HashNotUnderstood) as exc:
        return RefusedLine(line, str(exc))
