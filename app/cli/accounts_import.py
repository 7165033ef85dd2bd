import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, TextIO

import click

from app.accounts import account_import
from app.accounts.account_import import COLUMNS, ImportedAccount, RefusedLine
from app.cli.audit import audited
from app.cli.context import ServiceCommand, services
from app.infra import clock

# Accounts of one transaction, for which the webhook of a server with SQLite waits.
BATCH: Final = 200


@click.command("import", cls=ServiceCommand)
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--dry-run", is_flag=True, help="Check the file and change nothing.")
@audited
def import_(file: TextIO, *, dry_run: bool) -> None:
    """Import accounts with their password hashes from a CSV file.

    FILE is - for standard input. Its first line names the columns: username, password_hash and,
    optionally, display_name. Accepted are hashes of WordPress, phpBB, Drupal, Laravel, Django,
    Flask, passlib and others (docs/authenticators.md has all); the next sign-in replaces each by
    an Argon2 hash of our own. Existing accounts are not changed, so an import that was
    interrupted can be repeated.

    Example: threadlink accounts import users.csv --dry-run
    """
    lines = account_import.read_lines(_rows(file))
    added = refused = 0
    while batch := list(islice(lines, BATCH)):
        refusals = _add(batch, dry_run=dry_run)
        for refusal in refusals:
            click.echo(f"line {refusal.line}: {refusal.why}", err=True)
        added, refused = added + len(batch) - len(refusals), refused + len(refusals)
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
        # `from None`: the text of a UnicodeDecodeError contains the line, and so a hash.
        raise click.ClickException(
            f"line {reader.line_num + 1} is not CSV in UTF-8; the lines before it are imported"
        ) from None


def _add(batch: Iterable[ImportedAccount | RefusedLine], *, dry_run: bool) -> list[RefusedLine]:
    """Add the accounts of *batch*; return the lines that were refused, in order."""
    refused = [line for line in batch if isinstance(line, RefusedLine)]
    accounts = [line for line in batch if isinstance(line, ImportedAccount)]
    # `read` rolls back what it changes.
    run = services().read if dry_run else services().write
    refused += run(account_import.add_all, accounts, at=clock.now())
    return sorted(refused, key=lambda refusal: refusal.line)
