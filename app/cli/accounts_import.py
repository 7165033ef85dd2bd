import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, TextIO

import click
from flask.cli import with_appcontext

from app.accounts import account_import
from app.accounts.account_import import COLUMNS, Newcomer, RefusedLine
from app.cli.audit import audited
from app.infra import clock
from app.web.current import services

BATCH: Final = 500


@click.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@with_appcontext
@audited
def import_(file: TextIO, *, dry_run: bool) -> None:
    """Add the accounts in FILE (CSV; - for standard input) with the passwords they have.

    The first line names the columns: username, password_hash and, if you like, display_name. Hashes
    are taken over from bcrypt, scrypt, PBKDF2 (Django's and Werkzeug's forms) and Argon2, and
    become ours when their owner signs in. Who has an account already is left as he is, so the same
    file can be given again.

    Example: threadlink accounts import users.csv --dry-run
    """
    lines = account_import.read_lines(_rows(file))
    added = refused = 0
    while batch := list(islice(lines, BATCH)):
        faults = _take_in(batch, dry_run=dry_run)
        for fault in faults:
            click.echo(f"line {fault.line}: {fault.why}", err=True)
        added, refused = added + len(batch) - len(faults), refused + len(faults)
        click.echo(f"  {added + refused} lines read, {refused} refused ...", err=True)
    if dry_run:
        click.echo(f"Would add {added} accounts; refused lines: {refused}. Nothing was changed.")
    else:
        click.echo(f"Added {added} accounts; refused lines: {refused}.")
    if refused:
        raise SystemExit(1)


def _rows(file: TextIO) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    reader = csv.DictReader(file, strict=True)
    try:
        missing = set(COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise click.ClickException(f"the first line must name {' and '.join(sorted(missing))}")
        for row in reader:
            yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError):
        # `from None`: the text of a UnicodeDecodeError holds the line, and that a hash.
        raise click.ClickException(
            f"line {reader.line_num + 1} is no CSV in UTF-8; what stood before it is done"
        ) from None


def _take_in(batch: Iterable[Newcomer | RefusedLine], *, dry_run: bool) -> list[RefusedLine]:
    """Add what can be added; return the rest, by line."""
    refused = [one for one in batch if isinstance(one, RefusedLine)]
    newcomers = [one for one in batch if isinstance(one, Newcomer)]
    # What `read` changes is thrown away.
    run = services().read if dry_run else services().write
    refused += run(account_import.add_all, newcomers, at=clock.now())
    return sorted(refused, key=lambda one: one.line)
