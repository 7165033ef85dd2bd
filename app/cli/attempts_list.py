"""``threadlink attempts list``: many attempts, one line each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import click
import msgspec

from app.cli.context import ServiceCommand, services
from app.cli.options import json_option, page_option
from app.cli.people import chosen_user, user_options
from app.cli.since import Moment
from app.infra import clock
from app.infra.observability.logs import printable
from app.linking import attempt_queries, references
from app.linking.attempt_object import object_of
from app.linking.attempt_queries import WINDOW, AttemptFilter, AttemptUnknown
from app.linking.causes.cause import Stage
from app.linking.causes.table import CAUSES
from app.linking.timeline import Timeline

# Attempts that one command looks at, however few of them fit.
LOOKED_AT: Final = 5_000
_HEAD: Final = "opened (UTC)  reference  state      cause                       page"


@dataclass(frozen=True, slots=True)
class _Found:
    """The attempts that fit. *behind* is where older ones begin, None where there are none."""

    shown: list[Timeline]
    behind: str | None = None
    looked_back_to: datetime | None = None


@click.command("list", cls=ServiceCommand)
@click.option(
    "--since", type=Moment(), metavar="2h|DATE", help="Opened since then: 30m, 2h, 7d or a date."
)
@click.option("--until", type=Moment(), metavar="2h|DATE", help="Opened before then.")
@page_option
@user_options
@click.option("--psid", help="The Messenger person.")
@click.option("--cause", type=click.Choice(tuple(CAUSES)), metavar="CAUSE", help="As listed.")
@click.option(
    "--stage", type=click.Choice([stage.value for stage in Stage][1:]), help="The furthest stage."
)
@click.option("--authenticator", metavar="NAME", help="The one tried last, e.g. oidc:google.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--before", metavar="REFERENCE", help="Opened before this attempt: goes on there.")
@json_option
def list_(  # noqa: PLR0913 - the options
    *,
    user_name: str | None,
    issuer: str | None,
    subject: str | None,
    limit: int,
    before: str | None,
    as_json: bool,
    **conditions: Any,
) -> None:
    """List attempts, newest first, each with its cause.

    Requests that never became an attempt are not listed: threadlink attempts show REFERENCE

    Example: threadlink attempts list --since 2h --cause credentials_wrong
    """
    wanted = AttemptFilter(user=chosen_user(user_name, issuer, subject), **conditions)
    found = _look(wanted, limit, _place(before))
    for line in _objects(found.shown) if as_json else lines(found.shown):
        click.echo(line)
    if not found.shown and not as_json:
        click.echo("No attempt fits." if found.behind else "There are no such attempts.")
    if found.behind:
        looked = f"Looked back to {found.looked_back_to:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{looked}. Older ones: --before {found.behind}", err=True)


def lines(timelines: Iterable[Timeline]) -> Iterator[str]:
    """Yield a line for each of *timelines*, below a head if there are any."""
    head = [_HEAD]
    for timeline in timelines:
        yield from head
        head = []
        state = timeline.state.replace("_", " ")
        yield printable(
            f"{timeline.opened_at:%m-%d %H:%M}   {timeline.reference}  {state:<9}  "
            f"{timeline.conclusion.cause.slug:<27} {timeline.page_id}"
        )


def _objects(timelines: Iterable[Timeline]) -> Iterator[str]:
    for timeline in timelines:
        yield msgspec.json.encode(object_of(timeline, tells_credentials=True)).decode()


def _look(wanted: AttemptFilter, limit: int, before: str | None) -> _Found:
    """Read windows until *limit* attempts fit, or as many were looked at as one command may."""
    shown: list[Timeline] = []
    looked_at = 0
    most = WINDOW if wanted.is_derived else min(limit, WINDOW)
    while True:
        try:
            one = services().read(
                attempt_queries.window, wanted, before=before, most=most, at=clock.now()
            )
        except AttemptUnknown:
            raise click.ClickException(f"there is no attempt {before}") from None
        shown += one.timelines
        looked_at += one.looked_at
        if len(shown) >= limit:
            last = shown[limit - 1]
            return _Found(shown[:limit], last.reference, last.opened_at)
        if one.looked_at < most:
            return _Found(shown)
        if looked_at >= LOOKED_AT:
            return _Found(shown, one.last, one.looked_back_to)
        before = one.last


def _place(before: str | None) -> str | None:
    if before is None:
        return None
    known = references.normalised(before)
    if known is None:
        raise click.UsageError(f"--before: {before!r} is no reference")
    return known
