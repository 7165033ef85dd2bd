import json
from datetime import timedelta
from typing import Final

import click
from flask.cli import AppGroup

from app.cli.attempts_follow import TimelineFollower
from app.cli.options import json_option
from app.cli.signals import stopping
from app.infra import clock
from app.linking import timeline
from app.web.current import services

POLL_SECONDS: Final = 0.5
# Longer than any attempt goes on.
FOLLOWED: Final = timedelta(minutes=20)

group = AppGroup("attempts", help="Why somebody was linked, or was not.")


@group.command()
@click.argument("reference")
@json_option
def show(reference: str, *, as_json: bool) -> None:
    """Tell the story of one attempt; the person sees its REFERENCE at the foot of each page.

    Example: threadlink attempts show q3m9-7d2k
    """
    told = services().read(timeline.timeline_of, reference.strip().lower(), at=clock.now())
    if told is None:
        raise click.ClickException("no attempt by this reference is kept (they go after 24 hours)")
    if as_json:
        steps = [{"at": step.at.isoformat(), "words": step.words} for step in told.steps]
        body = {"reference": told.reference, "page_id": told.page_id, "state": told.state}
        click.echo(json.dumps({**body, "steps": steps, "conclusion": told.conclusion}))
        return
    click.echo(f"Attempt {told.reference} on page {told.page_id}: {told.state.replace('_', ' ')}")
    for step in told.steps:
        click.echo(f"  {step.at:%Y-%m-%d %H:%M:%S} UTC  {step.words}")
    click.echo(told.conclusion)


@group.command()
def follow() -> None:
    """Tell each step of every attempt as it happens: start it, then tap Log In on the phone.

    Example: threadlink attempts follow
    """
    since = clock.now()
    live = TimelineFollower()
    click.echo("Waiting for somebody to tap Log In. Ctrl-C stops.", err=True)
    with stopping() as stop:
        while not stop.wait(POLL_SECONDS):
            at = clock.now()
            for line in live.news(services().read(timeline.timelines_since, since, at=at), at=at):
                click.echo(line)
            since = max(since, at - FOLLOWED)
