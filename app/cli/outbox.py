import json
from collections.abc import Iterator
from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from app.cli.audit import audited
from app.cli.options import json_option
from app.infra import clock
from app.outbox import inspection, retention
from app.outbox.inspection import Letter, Selection
from app.web.current import services

group = AppGroup("outbox", help="What is still to be told to the bot and to Messenger.")

BATCH = 200
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M"]

kind_option = click.option(
    "--kind", type=click.Choice(["notice", "delivery", "graph.unlink"]), help="Only these."
)


@group.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show how much waits, how much was given up, and how old the oldest is.

    Example: threadlink outbox status
    """
    queues = services().read(retention.queues)
    for queue in queues:
        minutes = int((clock.now() - queue.oldest_at).total_seconds() // 60)
        if as_json:
            said = {"kind": queue.kind, "state": queue.state, "count": queue.count}
            click.echo(json.dumps({**said, "oldest_minutes": minutes}))
        else:
            click.echo(
                f"{queue.kind:<13} {queue.state:<8} {queue.count:>6}, oldest {minutes} minutes"
            )
    if not queues and not as_json:
        click.echo("Nothing waits, and nothing was given up.")
    if any(queue.state == "dead" for queue in queues) and not as_json:
        click.echo("See why: threadlink outbox list --state dead")


@group.command("list")
@click.option("--state", type=click.Choice(["waiting", "dead"]), help="Only these.")
@kind_option
@json_option
def list_(state: str | None, kind: str | None, *, as_json: bool) -> None:
    """List what waits and what was given up, oldest first.

    Example: threadlink outbox list --state dead
    """
    for letter in _every(Selection(state=state, kind=kind)):
        if as_json:
            click.echo(json.dumps(_fields(letter)))
        else:
            click.echo(_line(letter))


@group.command()
@click.argument("letter_id", metavar="ID", type=int)
def show(letter_id: int) -> None:
    """Show all of one, with its body: what the bot got, or will get.

    Example: threadlink outbox show 4711
    """
    letter = services().read(inspection.find, letter_id)
    if letter is None:
        raise click.ClickException(f"there is no {letter_id}, or it has been done")
    for name, value in _fields(letter).items():
        click.echo(f"{name:<11} {value}")
    click.echo(letter.body.decode(errors="replace"))
    click.echo(f"To have it tried now: threadlink outbox replay {letter_id}", err=True)


@group.command()
@click.argument("letter_ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--dead", "all_dead", is_flag=True, help="Everything that was given up.")
@click.option(
    "--since", type=click.DateTime(DATES), help="With --dead: made at this time (UTC) or later."
)
@click.option(
    "--until", type=click.DateTime(DATES), help="With --dead: made before this time (UTC)."
)
@kind_option
@audited
def replay(
    letter_ids: tuple[int, ...],
    since: datetime | None,
    until: datetime | None,
    kind: str | None,
    *,
    all_dead: bool,
) -> None:
    """Have ID tried again now, or with --dead all that was given up. Notice ids stay the same.

    Example: threadlink outbox replay --dead --since 2026-11-19
    """
    if bool(letter_ids) == all_dead:
        raise click.UsageError("say either which, by ID, or --dead")
    selection = Selection(kind=kind, state="dead", since=_utc(since), until=_utc(until))
    chosen = letter_ids or [letter.id for letter in _every(selection)]
    done = [one for one in chosen if services().write(inspection.replay, one, at=clock.now())]
    for missing in sorted(set(chosen) - set(done)):
        click.echo(f"There is no {missing}, or it has been done.", err=True)
    click.echo(f"To be tried now: {len(done)}. The worker does it (threadlink run has one inside).")
    if len(done) < len(chosen):
        raise SystemExit(1)


def _every(selection: Selection) -> Iterator[Letter]:
    after = 0
    while batch := services().read(inspection.listed, selection, after=after, most=BATCH):
        yield from batch
        after = batch[-1].id


def _fields(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "kind": letter.kind,
        "state": letter.state,
        "tries": letter.tries,
        "created_at": letter.created_at.isoformat(timespec="seconds"),
        "next_try_at": letter.not_before.isoformat(timespec="seconds"),
        "failure": letter.failure,
    }


def _line(letter: Letter) -> str:
    what = f"{letter.id:>8}  {letter.kind:<13} {letter.state:<8}"
    why = f", last: {letter.failure}" if letter.failure else ""
    return f"{what} made {letter.created_at:%Y-%m-%dT%H:%M:%SZ}, tries {letter.tries}{why}"


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)
