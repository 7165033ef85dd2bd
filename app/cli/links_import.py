"""``threadlink links import``: reads a CSV file and imports its valid lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import click

from app.cli.context import services
from app.cli.csv_file import Row, read_rows
from app.infra import clock
from app.linking import link_import
from app.linking.link_import import OldLink
from app.linking.values import User
from app.messenger.types import PageId, Psid

COLUMNS: Final = ("page_id", "psid", "issuer", "subject")
# Links of one transaction, for which the webhook of a server with SQLite waits.
BATCH: Final = 100
_ID: Final = re.compile(r"[0-9]{1,64}")
# What Excel makes of a number of more than eleven digits.
_ROUNDED: Final = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+")
_LONGEST: Final = 255
_MOST_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file: a link, or the error in it."""

    number: int
    link: OldLink | None
    error: str = ""


@dataclass(slots=True)
class Tally:
    """The number of lines that were imported and refused."""

    imported: int = 0
    refused: int = 0

    def refuse(self, number: int, why: str) -> None:
        self.refused += 1
        if self.refused <= _MOST_SHOWN:
            click.echo(f"line {number}: {why}", err=True)


def run(path: Path, *, dry_run: bool) -> Tally:
    """Import the links in *path*, one batch per transaction; with *dry_run* only check them.

    Raises:
        click.ClickException: The file is not CSV with the required columns.
    """
    tally, seen = Tally(), set[tuple[PageId, Psid]]()
    lines = _lines(path)
    while batch := list(islice(lines, BATCH)):
        links: dict[int, OldLink] = {}
        for line in batch:
            if line.link is None:
                tally.refuse(line.number, line.error)
            elif (line.link.page_id, line.link.psid) in seen:
                tally.refuse(line.number, "this person is in the file already")
            else:
                seen.add((line.link.page_id, line.link.psid))
                links[line.number] = line.link
        _import(links, tally, dry_run=dry_run)
        click.echo(f"{batch[-1].number - 1} lines read, {tally.imported} valid", err=True)
    return tally


def _import(links: dict[int, OldLink], tally: Tally, *, dry_run: bool) -> None:
    old = list(links.values())
    if dry_run:
        refused = services().read(link_import.known, old)
    else:
        refused = services().write(link_import.take_over, old, at=clock.now())
    for number, link in links.items():
        if (link.page_id, link.psid) in refused:
            tally.refuse(number, "Threadlink knows this person already")
        else:
            tally.imported += 1


def _lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        rows = read_rows(file, COLUMNS)
    return map(_line, rows)


def _line(row: Row) -> Line:
    number = row.line
    if row.fault:
        return Line(number, None, row.fault)
    page_id, psid, issuer, subject = (row.values[name] for name in COLUMNS)
    if page_id not in services().page_ids:
        return Line(number, None, "page_id is not one of the configured pages")
    if _ROUNDED.fullmatch(psid):
        return Line(number, None, "psid was rounded by a spreadsheet: its column must be text")
    if not _ID.fullmatch(psid):
        return Line(number, None, "psid is not digits")
    if not all(0 < len(text) <= _LONGEST and text.isprintable() for text in (issuer, subject)):
        return Line(number, None, "issuer or subject is missing, too long or not plain text")
    return Line(number, OldLink(PageId(page_id), Psid(psid), User(issuer, subject)))
