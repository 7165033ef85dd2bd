"""``threadlink privacy import``: reads a list of ids whole, then takes in all of them or none.

Meta documents no format for the lists that it sends to developers: one id on each line, and CSV
with a header, are what is read.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import click
from sqlalchemy.orm import Session

from app.cli.context import services
from app.cli.csv_file import read_rows
from app.infra import clock
from app.messenger.types import PageId, Psid
from app.privacy import requests
from app.privacy.requests import Source
from app.privacy.values import ErasedPerson

Ids = Literal["app-scoped", "psid"]

# Requests of one transaction, for which the webhook of a server with SQLite waits.
BATCH: Final = 100
_ID: Final = re.compile(r"[0-9]{1,64}")
_COLUMNS: Final[dict[str, Ids]] = {"user_id": "app-scoped", "psid": "psid"}
_PAGE: Final = "page_id"
# Between the words of a column's name, however it is written.
_SPACES: Final = re.compile(r"[\s_-]+")
_MOST_SHOWN: Final = 20
_MOST_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """A person of the list in the file with the digest *file*; *page_id* only where it says one."""

    kind: Ids
    id: str = field(repr=False)
    page_id: str | None
    file: str

    @property
    def source(self) -> Source:
        """The origin of the request: the same file is the same request."""
        return Source("deletion", f"list {self.file}\n{self.kind} {self.page_id} {self.id}")


def read(path: Path, ids: Ids | None) -> list[Listed]:
    """Return the people listed in *path*, each once.

    Raises:
        click.ClickException: A line is wrong, or nothing says what the ids are.
    """
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise click.ClickException("the file is larger than 64 MiB: split it")
    first = content.partition(b"\n")[0]
    is_bare = _is_id(_text(first).strip())
    rows = _bare(content) if is_bare else _table(content, first)
    kind = ids if is_bare else _kind(rows, ids)
    if rows and kind is None:
        raise click.UsageError("the file does not say what its ids are: --ids app-scoped or psid")
    faults = [(line, _fault(values)) for line, values in rows]
    wrong = [(line, fault) for line, fault in faults if fault]
    for line, fault in wrong[:_MOST_SHOWN]:
        click.echo(f"line {line}: {fault}", err=True)
    if wrong or kind is None:
        told = f"lines that are wrong: {len(wrong)}" if wrong else "the file lists nobody"
        raise click.ClickException(f"{told}. Nothing was taken in.")
    digest = sha256(content).hexdigest()
    found = [
        Listed(kind, values[_column(values)], values.get(_PAGE) or None, digest)
        for _, values in rows
    ]
    return [*dict.fromkeys(found)]


def take(listed: list[Listed]) -> int:
    """Store a request for each of *listed*; return how many were not known."""
    built, new = services(), 0
    for first in range(0, len(listed), BATCH):
        some = [(one, _people(one)) for one in listed[first : first + BATCH]]
        keys, at = built.settings.secret_keys, clock.now()
        new += built.write(partial(_take_some, some=some, secret_keys=keys, at=at))
    return new


def _take_some(
    session: Session,
    *,
    some: Sequence[tuple[Listed, Sequence[ErasedPerson]]],
    secret_keys: Sequence[str],
    at: datetime,
) -> int:
    return sum(
        requests.take(
            session,
            one.source,
            secret_keys=secret_keys,
            user_id=one.id if one.kind == "app-scoped" else None,
            people=people,
            at=at,
        ).is_new
        for one, people in some
    )


def _people(one: Listed) -> list[ErasedPerson]:
    if one.kind != "psid":
        return []
    # A PSID is of one Page; on the others it is nobody's, and nothing is found.
    pages = [PageId(one.page_id)] if one.page_id else sorted(services().page_ids)
    return [ErasedPerson(page_id, Psid(one.id)) for page_id in pages]


def _bare(content: bytes) -> list[tuple[int, dict[str, str]]]:
    text = content.decode("utf-8-sig", "replace")
    lines = enumerate(text.splitlines(), 1)
    return [(number, {"id": line.strip()}) for number, line in lines if line.strip()]


def _table(content: bytes, first: bytes) -> list[tuple[int, dict[str, str]]]:
    named = [name for name in _COLUMNS if name in _SPACES.sub("_", _text(first).lower())]
    if len(named) != 1:
        raise click.ClickException(
            "the first line must be an id, or name one of the columns user_id and psid"
        )
    rows = read_rows(io.BytesIO(content), named, (_PAGE,))
    return [(row.line, row.values | _told(row.fault)) for row in rows]


def _told(fault: str) -> dict[str, str]:
    return {"fault": fault} if fault else {}


def _kind(rows: list[tuple[int, dict[str, str]]], ids: Ids | None) -> Ids | None:
    kind = _COLUMNS[_column(rows[0][1])] if rows else None
    if ids not in {None, kind}:
        raise click.UsageError(f"--ids {ids} is not what the first line of the file says")
    return kind


def _fault(values: dict[str, str]) -> str:
    if values.get("fault"):
        return values["fault"]
    if not _is_id(values[_column(values)]):
        return "the id must be digits, 64 at most"
    if values.get(_PAGE) and not _is_id(values[_PAGE]):
        return "page_id must be digits, or empty"
    return ""


def _column(values: dict[str, str]) -> str:
    return next(name for name in ("id", *_COLUMNS) if name in values)


def _text(line: bytes) -> str:
    return line.decode("utf-8-sig", "replace")


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None
