"""``threadlink invitations``: what became of links that began on the business's own site."""

import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, get_args

import click
import msgspec

from app.cli.attempt_lines import FIXERS, WIDTH
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option, page_option
from app.cli.people import chosen_user, user_options
from app.cli.since import Moment
from app.infra import clock
from app.infra.observability.logs import printable
from app.linking import invitation_story, references
from app.linking.invitation_object import object_of
from app.linking.invitation_status import State
from app.linking.invitation_story import Story
from app.messenger.types import PageId

_HEAD: Final = "invited (UTC)  reference  state      cause                      page"

group = ServiceGroup("invitations", help="Explain why an invitation made a link, or made none.")


@group.command()
@click.argument("reference")
@json_option
def show(reference: str, *, as_json: bool) -> None:
    """Show what happened to one invitation, why it ended so, and what to do.

    The person sees the REFERENCE at the foot of our page; the API answers it.

    Example: threadlink invitations show q3m9-7d2k
    """
    known = references.normalised(reference)
    told = known and services().read(invitation_story.story_of, known, at=clock.now())
    if not told:
        raise click.ClickException(f"nothing is kept of an invitation {reference}")
    tell(told, as_json=as_json)


@group.command("list")
@user_options
@page_option
@click.option(
    "--since", type=Moment(), metavar="2h|DATE", help="Made since then: 30m, 2h, 7d or a date."
)
@click.option("--state", type=click.Choice(get_args(State)), help="As it is now.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_(  # noqa: PLR0913 - the options
    *,
    user_name: str | None,
    issuer: str | None,
    subject: str | None,
    page: PageId | None,
    since: datetime | None,
    state: str | None,
    limit: int,
) -> None:
    """List the newest invitations, each with its cause.

    Example: threadlink invitations list --since 2h
    """
    found = services().read(
        invitation_story.stories,
        user=chosen_user(user_name, issuer, subject),
        page=page,
        since=since,
        most=limit,
        at=clock.now(),
    )
    shown = [story for story in found if state in {None, story.state}]
    if not shown:
        click.echo("There are no such invitations.")
        return
    click.echo(_HEAD)
    for story in shown:
        click.echo(
            printable(
                f"{story.created_at:%m-%d %H:%M}    {story.reference}  {story.state:<9}  "
                f"{story.cause.slug:<26} {story.page_id}"
            )
        )


def tell(story: Story, *, as_json: bool) -> None:
    """Print *story* for people, or for programs."""
    if as_json:
        click.echo(msgspec.json.encode(object_of(story)).decode())
        return
    for line in lines_of(story, services().page_names):
        click.echo(line)


def lines_of(story: Story, page_names: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of *story*: its steps, the conclusion and the fix."""
    page = page_names.get(story.page_id) or story.page_id
    yield printable(
        f"Invitation {story.reference} on page {page}, by {story.source}: {story.state}"
    )
    for step in story.steps:
        until = f" to {step.until:%H:%M:%S}" if step.until else ""
        words = f"  {step.at:%Y-%m-%d %H:%M:%S}{until} UTC  {printable(step.words)}"
        yield from _wrapped(words, indent=27)
    yield from _wrapped(printable(story.sentence), indent=2)
    fixer = FIXERS[story.cause.fixed_by]
    yield from _wrapped(printable(f"Fix ({fixer}): {story.fix}"), indent=2)


def _wrapped(line: str, *, indent: int) -> list[str]:
    # What is copied into a shell must stay whole.
    return textwrap.wrap(
        line,
        WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
