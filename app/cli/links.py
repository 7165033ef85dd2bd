import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import join, quote

import click
import msgspec

from app.cli import links_import
from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option, page_option
from app.cli.people import chosen_user, is_psid, user_options
from app.infra import clock
from app.infra.observability.logs import printable
from app.linking import handlers, link_queries
from app.linking.link_object import object_of
from app.linking.values import Endings, LinkValue, User
from app.messenger.types import PageId, Psid

group = ServiceGroup("links", help="Show, end, export and import links.")

COLUMNS = ("page_id", "psid", "issuer", "subject", "state", "version", "event_at")
BATCH = 500
CAUSE = "operator"
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\u2212")


@group.command()
@click.argument("psid", required=False)
@page_option
@user_options
@json_option
def show(  # noqa: PLR0913 - the options
    *,
    psid: str | None,
    page: PageId | None,
    user_name: str | None,
    issuer: str | None,
    subject: str | None,
    as_json: bool,
) -> None:
    """Show the link of PSID, the links of a user, or all links.

    Example: threadlink links show --user jane@example.com
    """
    user = chosen_user(user_name, issuer, subject)
    if user is not None and psid is not None:
        raise click.UsageError("give either a PSID or a user")
    count = 0
    for link in _chosen(psid, user, page):
        count += 1
        click.echo(_json(link) if as_json else line(link))
    if psid is not None and not count and not is_psid(psid):
        raise click.ClickException(
            f"{psid} is no PSID. Try: threadlink links show --user {quote(psid)}"
        )
    if not count and not as_json:
        click.echo(_nothing(psid, user))
    if not count and (psid or user):
        raise SystemExit(1)


@group.command()
@click.argument("psid")
@page_option
@audited
def unlink(psid: str, page: PageId | None) -> None:
    """End the link of PSID.

    Ends every attempt of this person to connect as well. The worker then tells Messenger.

    Example: threadlink links unlink 1256217357730577
    """
    pages = [page] if page else sorted(services().page_ids)
    endings = [
        services().write(
            handlers.end_one,
            page_id,
            Psid(psid),
            cause=CAUSE,
            policy=services().policy,
            at=clock.now(),
        )
        for page_id in pages
    ]
    _report(endings, nothing="this person is not linked")


@group.command()
@click.argument("issuer")
@click.argument("subject")
@page_option
@audited
def unlink_user(issuer: str, subject: str, page: PageId | None) -> None:
    """End every link of a user.

    Ends every attempt in which the user has signed in as well. ISSUER and SUBJECT are those of
    `links show`, whichever way the user signs in.

    Example: threadlink links unlink-user ldap:staff 7c1f42a0
    """
    endings = services().write(
        handlers.end_all,
        User(issuer, subject),
        cause=CAUSE,
        policy=services().policy,
        page=page,
        at=clock.now(),
    )
    _report([endings], nothing="this user has no link, and no attempt to connect")


@group.command()
@page_option
@json_option
@audited
def export(page: PageId | None, *, as_json: bool) -> None:
    """Print all links as CSV, or with --json as lines of JSON.

    Example: threadlink links export > links.csv
    """
    if as_json:
        for link in _all_links(page):
            click.echo(_json(link))
        return
    # Every cell is quoted: before Python 3.13, csv leaves a carriage return bare, which ends a row.
    table = csv.writer(sys.stdout, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    table.writerow(COLUMNS)
    for link in _all_links(page):
        fields = msgspec.to_builtins(object_of(link))
        table.writerow([_escaped(fields[column]) for column in COLUMNS])


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check the file and change nothing.")
@audited
def import_(file: Path, *, dry_run: bool) -> None:
    """Import links that were made elsewhere from a CSV file.

    The file has the columns page_id, psid, issuer and subject; others are ignored. Every event
    from Messenger counts as newer than an imported link. The bot gets no notice of imported links;
    the API's list of changes contains them.

    Example: threadlink links import links.csv --dry-run
    """
    tally = links_import.run(file, dry_run=dry_run)
    verb = "Would be imported" if dry_run else "Imported"
    click.echo(f"{verb}: {tally.imported}. Refused: {tally.refused}.")
    if dry_run and tally.imported:
        click.echo(f"Next: threadlink links import {file}")
    if tally.refused:
        raise SystemExit(1)


def _chosen(psid: str | None, user: User | None, page: PageId | None) -> Iterator[LinkValue]:
    if user is not None:
        return iter(services().read(link_queries.links_of_user, user, page=page))
    if psid is None:
        return _all_links(page)
    return iter(services().read(link_queries.links_of_psid, Psid(psid), page=page))


def _nothing(psid: str | None, user: User | None) -> str:
    if user is not None:
        words = join(("--issuer", user.issuer, "--subject", user.subject))
        return f"This user has no link. Their attempts: threadlink attempts list {words}"
    if psid is not None:
        return f"This person is not linked. Their attempts: threadlink attempts list --psid {psid}"
    return "There are no links. To see why an attempt failed: threadlink attempts list"


def _report(endings: Sequence[Endings], *, nothing: str) -> None:
    """Print what was ended; fail with *nothing* where that is all there was."""
    for link in (link for each in endings for link in each.links):
        click.echo(f"Ended: {line(link)}")
    attempts = sum(each.attempts for each in endings)
    if attempts:
        click.echo(f"Attempts to connect that were ended before Messenger confirmed: {attempts}.")
    if not any(endings):
        raise click.ClickException(nothing)
    if any(each.links for each in endings):
        click.echo("The worker tells Messenger (threadlink run includes one).")


def _all_links(page: PageId | None) -> Iterator[LinkValue]:
    """Yield the links that have not ended, with one batch in memory at a time."""
    after: tuple[PageId, Psid] | None = None
    while batch := services().read(link_queries.list_links, page=page, after=after, most=BATCH):
        yield from batch
        after = (batch[-1].page_id, batch[-1].psid)


def _json(link: LinkValue) -> str:
    return msgspec.json.encode(object_of(link)).decode()


def line(link: LinkValue) -> str:
    """Return *link* for a terminal."""
    who = f"{link.user.issuer}:{link.user.subject}" if link.user else "-"
    name = link.messenger_name or "name unknown"
    return printable(
        f"{link.page_id}  {link.psid}  {name}  ->  {link.display_name} ({who}), {link.state}"
    )


def _escaped(value: object) -> object:
    # A spreadsheet evaluates text that begins like a formula, also in full width (OWASP, "CSV
    # Injection"), and some drop a space before it (R82).
    text = "" if value is None else value
    if not isinstance(text, str):
        return text
    is_formula = text[:1] in {"\t", "\r"} or text.lstrip()[:1] in _FORMULA
    return f"'{text}" if is_formula else text
