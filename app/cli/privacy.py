import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import click

from app.cli import privacy_import
from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option, page_option
from app.cli.people import is_psid
from app.infra import clock
from app.linking.references import normalised
from app.messenger.types import PageId, Psid
from app.privacy import requests
from app.privacy.erasure import TOMBSTONE_KEPT, is_held
from app.privacy.handler import erase
from app.privacy.requests import DUTY_WITHIN
from app.privacy.values import ErasedPerson, Request

group = ServiceGroup("privacy", help="List and do the privacy requests that Meta passes on.")

BATCH: Final = 200
_WORDS: Final = {
    "received": "the worker does it",
    "duty": "you have to find the person",
    "ended": "erased, but for the ids of ended links",
    "done": "done",
}


@group.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the requests that are not done, each with its date.

    Example: threadlink privacy list
    """
    count = 0
    for request in _unfinished():
        count += 1
        click.echo(json.dumps(_fields(request)) if as_json else _line(request))
    if not count and not as_json:
        click.echo("No request waits.")


@group.command()
@click.argument("reference")
@click.option("--psid", "psids", multiple=True, help="A person to erase; may be repeated.")
@page_option
@audited
def done(reference: str, psids: tuple[str, ...], page: PageId | None) -> None:
    """Close a request that was left to you.

    REFERENCE is in `privacy list`, and at the foot of the page that the person has. With --psid
    that person is erased first. Without it you say that nothing is kept of them, or that you have
    erased it by `users forget`.

    Example: threadlink privacy done q3m9-7d2k --psid 1256217357730577
    """
    request, at = _found(reference), clock.now()
    if request.state in {"ended", "done"}:
        raise click.ClickException(f"{request.reference} is closed already")
    people = [person for psid in psids for person in _held(psid, page)]
    found = erase(services().writer, request, people, policy=services().policy, at=at)
    click.echo(f"{request.reference} is closed; people of whom something was kept: {found}.")
    if found and request.kind != "deauthorize":
        click.echo(f"The ids of ended links go in {TOMBSTONE_KEPT.days} days, by themselves.")


@group.command()
@click.argument("reference")
@audited
def retry(reference: str) -> None:
    """Have the worker ask Meta again whom a request is about.

    Of use once the app and its Pages belong to one business portfolio: docs/privacy.md.

    Example: threadlink privacy retry q3m9-7d2k
    """
    request = _found(reference)
    if request.state != "duty":
        raise click.ClickException(f"{request.reference} was not left to you")
    services().write(partial(requests.retry, reference=request.reference, at=clock.now()))
    click.echo(f"The worker asks about {request.reference} again: threadlink privacy list")


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--ids",
    type=click.Choice(["app-scoped", "psid"]),
    help="What the ids are, in a file whose first line does not say it.",
)
@click.option("--dry-run", is_flag=True, help="Check the file and change nothing.")
@audited
def import_(file: Path, *, ids: privacy_import.Ids | None, dry_run: bool) -> None:
    """Take in a list that Meta sends, of people to erase.

    One id on each line, or CSV whose first line names user_id, or psid with or without page_id.
    Unless every line is right, nothing is done. The same file does nothing again.

    Example: threadlink privacy import deleted-users.csv --dry-run
    """
    listed = privacy_import.read(file, ids)
    if dry_run:
        click.echo(f"Would be taken in: {len(listed)}. Nothing was changed.")
        return
    new = privacy_import.take(listed)
    click.echo(f"Taken in: {new}; known already: {len(listed) - new}.")
    click.echo("The worker erases them: threadlink privacy list")


def _unfinished() -> Iterator[Request]:
    last: Request | None = None
    while some := services().read(partial(requests.unfinished, after=last, most=BATCH)):
        yield from some
        last = some[-1]


def _found(typed: str) -> Request:
    reference = normalised(typed)
    request = reference and services().read(partial(requests.find, reference=reference))
    if not request:
        raise click.ClickException("there is no such request. See: threadlink privacy list")
    return request


def _held(psid: str, page: PageId | None) -> list[ErasedPerson]:
    """Return the person on each Page, or on *page*, that anything is kept of.

    Raises:
        click.ClickException: There is none: a slip must not close the request.
    """
    pages = [page] if page else sorted(services().page_ids)
    people = [ErasedPerson(page_id, Psid(psid)) for page_id in pages] if is_psid(psid) else []
    held = [person for person in people if is_held(services().writer, person)]
    if not held:
        raise click.ClickException(
            f"nothing is kept of the PSID {psid!a}; is it right? Nothing was changed"
        )
    return held


def _line(request: Request) -> str:
    due = (request.asked_at + DUTY_WITHIN).date()
    who = f", app-scoped id {request.user_id}" if request.user_id else ""
    why = f" ({request.why})" if request.why else ""
    return (
        f"{request.reference}  {request.kind}  asked {request.asked_at:%Y-%m-%d}, due {due}: "
        f"{_WORDS[request.state]}{why}{who}"
    )


def _fields(request: Request) -> dict[str, str | int | None]:
    return {
        "reference": request.reference,
        "kind": request.kind,
        "state": request.state,
        "asked_at": request.asked_at.isoformat().replace("+00:00", "Z"),
        "due_on": (request.asked_at + DUTY_WITHIN).date().isoformat(),
        "why": request.why,
        "user_id": request.user_id,
        "found": request.found,
    }
