from collections.abc import Iterable
from typing import BinaryIO, Final

import click

from app.accounts import account_import
from app.accounts.account_import import COLUMNS, OPTIONAL_COLUMNS, ImportedAccount, RefusedLine
from app.cli.audit import audited
from app.cli.context import ServiceCommand, services
from app.cli.csv_file import read_rows
from app.infra import clock

# Accounts of one transaction, for which the webhook of a server with SQLite waits.
BATCH: Final = 200
# A line of progress after so many lines, a multiple of BATCH.
_PROGRESS: Final = 1000


@click.command("import", cls=ServiceCommand)
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Check the file and change nothing.")
@audited
def import_(file: BinaryIO, *, dry_run: bool) -> None:
    """Import accounts with their password hashes from a CSV file.

    FILE is - for standard input, and CSV as a spreadsheet or a database writes it. Its first line
    names the columns: username, password_hash and, optionally, display_name and subject, which is
    your own number for the user. Accepted are hashes of WordPress, phpBB, Drupal, Laravel, Django,
    Flask, passlib and others (all are in docs/authenticators.md); the next sign-in replaces each by
    an Argon2 hash of our own. Existing accounts are not changed, so an import that was interrupted
    can be repeated.

    Example: threadlink accounts import users.csv --dry-run
    """
    rows = read_rows(file, COLUMNS, OPTIONAL_COLUMNS)
    lines = list(account_import.read_lines((row.line, row.values, row.fault) for row in rows))
    refused = 0
    for start in range(0, len(lines), BATCH):
        for refusal in _add(lines[start : start + BATCH], dry_run=dry_run):
            refused += 1
            where = f"line {refusal.line}" + (refusal.column and f", {refusal.column}")
            click.echo(f"{where}: {refusal.why}", err=True)
        done = start + BATCH
        if done % _PROGRESS == 0 and done < len(lines):
            click.echo(f"  {done} of {len(lines)} lines, {refused} refused ...", err=True)
    added = len(lines) - refused
    if dry_run:
        click.echo(f"Would add {added} accounts; refused lines: {refused}. Nothing was changed.")
    else:
        click.echo(f"Added {added} accounts; refused lines: {refused}.")
    if refused:
        raise SystemExit(1)


def _add(batch: Iterable[ImportedAccount | RefusedLine], *, dry_run: bool) -> list[RefusedLine]:
    """Add the accounts of *batch*; return the lines that were refused, in order."""
    refused = [line for line in batch if isinstance(line, RefusedLine)]
    accounts = [line for line in batch if isinstance(line, ImportedAccount)]
    # `read` rolls back what it changes.
    run = services().read if dry_run else services().write
    refused += run(account_import.add_all, accounts, at=clock.now())
    return sorted(refused, key=lambda refusal: refusal.line)
