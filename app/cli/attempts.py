import json
from datetime import timedelta
from typing import Final

import click

from app.cli.attempts_causes import causes
from app.cli.attempts_follow import TimelineFollower
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option
from app.cli.signals import stopping
from app.infra import clock
from app.linking import timeline

POLL_SECONDS: Final = 0.5
# Longer than any attempt lasts.
FOLLOWED: Final = timedelta(minutes=20)

group = ServiceGroup("attempts", help="Explain why an attempt to link succeeded or failed.")
group.add_command(causes)


@group.command()
@click.argument("reference")
@json_option
def show(reference: str, *, as_json: bool) -> None:
    """Show each step of one attempt and its result.

    The person sees the REFERENCE at the foot of each page.

    Example: threadlink attempts show q3m9-7d2k
    """
    attempt = services().read(timeline.timeline_of, reference.strip().lower(), at=clock.now())
    if attempt is None:
        kept = services().settings.retention
        raise click.ClickException(
            "there is no attempt of this reference; attempts are deleted after "
            f"{kept.attempts // timedelta(hours=1)} hours, those with a code after "
            f"{kept.codes.days} days"
        )
    if as_json:
        steps = [{"at": step.at.isoformat(), "words": step.words} for step in attempt.steps]
        body = {"reference": attempt.reference, "page_id": attempt.page_id, "state": attempt.state}
        click.echo(json.dumps({**body, "steps": steps, "conclusion": attempt.conclusion}))
        return
    click.echo(
        f"Attempt {attempt.reference} on page {attempt.page_id}: {attempt.state.replace('_', ' ')}"
    )
    for step in attempt.steps:
        click.echo(f"  {step.at:%Y-%m-%d %H:%M:%S} UTC  {step.words}")
    click.echo(attempt.conclusion)


@group.command()
def follow() -> None:
    """Print each step of every attempt as it happens.

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
