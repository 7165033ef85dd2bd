import json
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option
from app.infra import clock
from app.infra.observability.logs import printable
from app.outbox import inspection
from app.outbox.inspection import ItemFilter, OutboxItem

group = ServiceGroup("outbox", help="Inspect and replay queued notices and deliveries.")

BATCH = 200
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M"]

kind_option = click.option(
    "--kind", type=click.Choice(["notice", "delivery", "graph.unlink"]), help="Only this kind."
)


@group.command()
@json_option
def status(*, as_json: bool) -> None:
    """Count the waiting items and the dead letters.

    Shows the age of the oldest of each kind.

    Example: threadlink outbox status
    """
    queues = services().read(inspection.queue_stats)
    for queue in queues:
        minutes = int((clock.now() - queue.oldest_at).total_seconds() // 60)
        if as_json:
            counted = {"kind": queue.kind, "state": queue.state, "count": queue.count}
            click.echo(json.dumps({**counted, "oldest_minutes": minutes}))
        else:
            click.echo(
                f"{queue.kind:<13} {queue.state:<8} {queue.count:>6}, oldest {minutes} minutes"
            )
    if not queues and not as_json:
        click.echo("No waiting items and no dead letters.")
    if any(queue.state == "dead" for queue in queues) and not as_json:
        click.echo("To see why: threadlink outbox list --state dead")


@group.command("list")
@click.option("--state", type=click.Choice(["waiting", "dead"]), help="Only this state.")
@kind_option
@json_option
def list_(state: str | None, kind: str | None, *, as_json: bool) -> None:
    """List the waiting items and the dead letters, oldest first.

    Example: threadlink outbox list --state dead
    """
    for letter in _every(ItemFilter(state=state, kind=kind)):
        if as_json:
            click.echo(json.dumps(_fields(letter)))
        else:
            click.echo(_line(letter))


@group.command()
@click.argument("letter_id", metavar="ID", type=int)
def show(letter_id: int) -> None:
    """Show one item with its body.

    The body is what the bot got or will get.

    Example: threadlink outbox show 4711
    """
    letter = services().read(inspection.find, letter_id)
    if letter is None:
        raise click.ClickException(f"no pending item {letter_id}")
    for name, value in _fields(letter).items():
        click.echo(f"{name:<11} {printable(str(value))}")
    # Strangers wrote parts of it: no character may act on the terminal (R82). A line break stays.
    for line in letter.body.decode(errors="replace").split("\n"):
        click.echo(printable(line))
    click.echo(f"To retry it now: threadlink outbox replay {letter_id}", err=True)


@group.command()
@click.argument("letter_ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--dead", "all_dead", is_flag=True, help="Every dead letter.")
@click.option(
    "--since", type=click.DateTime(DATES), help="With --dead: created at this time (UTC) or later."
)
@click.option(
    "--until", type=click.DateTime(DATES), help="With --dead: created before this time (UTC)."
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
    """Retry the items ID now, or with --dead every dead letter.

    The ids of notices stay the same.

    Example: threadlink outbox replay --dead --since 2026-11-19
    """
    if bool(letter_ids) == all_dead:
        raise click.UsageError("give either an ID or --dead")
    selection = ItemFilter(kind=kind, state="dead", since=_utc(since), until=_utc(until))
    chosen = letter_ids or [letter.id for letter in _every(selection)]
    due = [item for item in chosen if services().write(inspection.replay, item, at=clock.now())]
    for missing in sorted(set(chosen) - set(due)):
        click.echo(f"No pending item {missing}.", err=True)
    click.echo(f"To be retried now by the worker: {len(due)} (threadlink run includes a worker).")
    if len(due) < len(chosen):
        raise SystemExit(1)


def _every(selection: ItemFilter) -> Iterator[OutboxItem]:
    after = 0
    while batch := services().read(inspection.list_items, selection, after=after, limit=BATCH):
        yield from batch
        after = batch[-1].id


def _fields(letter: OutboxItem) -> dict[str, object]:
    return {
        "id": letter.id,
        "kind": letter.kind,
        "state": letter.state,
        "tries": letter.tries,
        "created_at": letter.created_at.isoformat(timespec="seconds"),
        "next_try_at": letter.not_before.isoformat(timespec="seconds"),
        "failure": letter.failure,
    }


def _line(letter: OutboxItem) -> str:
    item = f"{letter.id:>8}  {letter.kind:<13} {letter.state:<8}"
    failure = f", last failure: {printable(letter.failure)}" if letter.failure else ""
    return f"{item} created {letter.created_at:%Y-%m-%dT%H:%M:%SZ}, tries {letter.tries}{failure}"


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)
