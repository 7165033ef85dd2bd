from datetime import timedelta
from typing import Final

import click
import msgspec

from app.cli import invitations
from app.cli.attempt_lines import lines_of
from app.cli.attempts_causes import causes
from app.cli.attempts_follow import TimelineFollower
from app.cli.attempts_list import list_
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option
from app.cli.signals import stopping
from app.infra import clock
from app.linking import invitation_story, references, timeline
from app.linking.attempt_object import object_of

POLL_SECONDS: Final = 0.5
# Longer than any attempt lasts.
FOLLOWED: Final = timedelta(minutes=20)

group = ServiceGroup("attempts", help="Explain why an attempt to link succeeded or failed.")
group.add_command(list_)
group.add_command(causes)


@group.command()
@click.argument("reference")
@json_option
def show(reference: str, *, as_json: bool) -> None:
    """Show what happened in one attempt, why it ended so, and what to do.

    The person sees the REFERENCE at the foot of each page. Capitals, spaces and the dash do not
    matter.

    Example: threadlink attempts show q3m9-7d2k
    """
    known = references.normalised(reference)
    if known is None:
        raise click.ClickException(_no_reference(reference))
    shown = services().read(timeline.timeline_of, known, at=clock.now())
    if (shown is None or shown.state == "none") and _show_invitation(known, as_json=as_json):
        return
    if shown is None:
        raise click.ClickException(_nothing_kept(known))
    if as_json:
        click.echo(msgspec.json.encode(object_of(shown, tells_credentials=True)).decode())
        return
    for line in lines_of(shown, services().page_names):
        click.echo(line)


def _show_invitation(reference: str, *, as_json: bool) -> bool:
    """Print the invitation with *reference*; return whether there is one."""
    story = services().read(invitation_story.story_of, reference, at=clock.now())
    if story is None:
        return False
    invitations.tell(story, as_json=as_json)
    return True


@group.command()
def follow() -> None:
    """Print each step and obstacle of every attempt as it happens.

    Start it, then tap Log In on the phone.

    Example: threadlink attempts follow
    """
    since = clock.now()
    follower = TimelineFollower()
    click.echo("Waiting for a person to tap Log In. Ctrl-C stops it.", err=True)
    with stopping() as stop:
        while not stop.wait(POLL_SECONDS):
            at = clock.now()
            timelines = services().read(timeline.timelines_since, since, at=at)
            for line in follower.new_lines(timelines, at=at):
                click.echo(line)
            since = max(since, at - FOLLOWED)


def _no_reference(typed: str) -> str:
    return (
        f"{typed!r} is no reference; one has eight letters and digits, such as q3m9-7d2k. If it is "
        f"from the log: journalctl -u threadlink | grep {typed!r}"
    )


def _nothing_kept(reference: str) -> str:
    kept = services().settings.retention
    return (
        f"nothing is kept under {reference}. Attempts are kept for "
        f"{kept.failed_attempts.days} days, those in which nobody was recognised for "
        f"{kept.attempts // timedelta(hours=1)} hours, those that were confirmed for "
        f"{kept.codes.days} days. The log may have it: journalctl -u threadlink | grep {reference}"
    )
