import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from flask.cli import AppGroup

from app.cli import links_import
from app.cli.audit import audited
from app.cli.options import json_option, page_option
from app.infra import clock
from app.linking import handlers, link_queries
from app.linking.notices import object_of
from app.linking.values import LinkValue
from app.messenger.types import PageId, Psid
from app.web.current import services

group = AppGroup("links", help="Who is linked to whom.")

COLUMNS = ("page_id", "psid", "issuer", "subject", "state", "version", "event_at")
BATCH = 500


@group.command()
@click.argument("psid", required=False)
@page_option
@json_option
def show(psid: str | None, page: PageId | None, *, as_json: bool) -> None:
    """Show the link of PSID, or every link that stands.

    Example: threadlink links show 1256217357730577
    """
    chosen = (link for link in _standing(page) if psid is None or link.psid == psid)
    found = 0
    for link in chosen:
        found += 1
        click.echo(_json(link) if as_json else _line(link))
    if not found and not as_json:
        click.echo("Nobody is linked." if psid is None else "This person is not linked.")
        click.echo("See why an attempt did not link: threadlink attempts show REFERENCE")
    if psid is not None and not found:
        raise SystemExit(1)


@group.command()
@click.argument("psid")
@page_option
@audited
def unlink(psid: str, page: PageId | None) -> None:
    """End the link of PSID; the worker then tells Messenger.

    Example: threadlink links unlink 1256217357730577
    """
    pages = [page] if page else sorted(services().page_ids)
    ended = [
        link
        for page_id in pages
        if (
            link := services().write(
                handlers.end_one,
                page_id,
                Psid(psid),
                cause="operator",
                policy=services().policy,
                at=clock.now(),
            )
        )
    ]
    for link in ended:
        click.echo(f"Ended: {_line(link)}")
    if not ended:
        raise click.ClickException("this person is not linked")
    click.echo("Messenger is told by the worker (threadlink run has one inside).")


@group.command()
@page_option
@json_option
@audited
def export(page: PageId | None, *, as_json: bool) -> None:
    """Print every link that stands as CSV, or with --json as lines of link objects.

    Example: threadlink links export > links.csv
    """
    if as_json:
        for link in _standing(page):
            click.echo(_json(link))
        return
    # Quoted throughout: before 3.13, csv leaves a carriage return bare, which ends a line too.
    table = csv.writer(sys.stdout, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    table.writerow(COLUMNS)
    for link in _standing(page):
        fields = msgspec.to_builtins(object_of(link))
        table.writerow([_harmless(fields[column]) for column in COLUMNS])


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@audited
def import_(file: Path, *, dry_run: bool) -> None:
    """Take over links made elsewhere, from a CSV file with page_id,psid,issuer,subject.

    Other columns are ignored. Whatever Messenger says of a person is newer than these. No bot is
    told of them; a mirror is.

    Example: threadlink links import links.csv --dry-run
    """
    tally = links_import.run(file, dry_run=dry_run)
    verb = "Would be taken over" if dry_run else "Taken over"
    click.echo(f"{verb}: {tally.taken}. Refused: {tally.refused}.")
    if dry_run and tally.taken:
        click.echo(f"Next: threadlink links import {file}")
    if tally.refused:
        raise SystemExit(1)


def _standing(page: PageId | None) -> Iterator[LinkValue]:
    """Yield the links that stand, a batch in memory at a time."""
    after: tuple[PageId, Psid] | None = None
    while batch := services().read(link_queries.list_links, page=page, after=after, most=BATCH):
        yield from batch
        after = (batch[-1].page_id, batch[-1].psid)


def _json(link: LinkValue) -> str:
    return msgspec.json.encode(object_of(link)).decode()


def _line(link: LinkValue) -> str:
    who = f"{link.user.issuer}:{link.user.subject}" if link.user else "-"
    name = link.messenger_name or "name unknown"
    return f"{link.page_id}  {link.psid}  {name}  ->  {link.display_name} ({who}), {link.state}"


def _harmless(value: object) -> object:
    # A spreadsheet runs what begins like a formula.
    text = "" if value is None else value
    return f"'{text}" if isinstance(text, str) and text[:1] in {*"=+-@\t\r"} else text
