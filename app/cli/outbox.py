import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import click

from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option
from app.infra import clock
from app.infra.observability.logs import printable
from app.outbox import heartbeats, inspection
from app.outbox.circuit_breaker import PACES, OpenCircuit
from app.outbox.inspection import ItemFilter, OutboxItem, QueueStats
from app.outbox.overdue import describe
from app.outbox.queue import Lane

group = ServiceGroup("outbox", help="Inspect and replay queued notices and deliveries.")

BATCH = 200
# Of a long queue, the failures of as many are counted, and the commonest are told.
REASONS_OF = 10_000
MOST_REASONS = 3
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M"]

kind_option = click.option(
    "--kind",
    type=click.Choice(
        ["notice", "delivery", "graph.unlink", "graph.ask", "graph.say", "privacy", "alert"]
    ),
    help="Only this kind.",
)


@group.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show the queues, and the targets that take nothing.

    Items that were never tried come before retries. With the reasons of the failures.

    Example: threadlink outbox status
    """
    at = clock.now()
    queues = services().read(inspection.queue_stats)
    for queue in queues:
        failures = services().read(inspection.failures, queue, most=REASONS_OF)
        click.echo(
            json.dumps(_queue_fields(queue, failures, at))
            if as_json
            else _queue_line(queue, failures, at)
        )
    for circuit in services().read(heartbeats.open_circuits, at=at):
        click.echo(json.dumps(_circuit_fields(circuit)) if as_json else _circuit_line(circuit, at))
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


def _queue_fields(
    queue: QueueStats, failures: Mapping[str | None, int], at: datetime
) -> dict[str, object]:
    next_try_at = queue.next_try_at and queue.next_try_at.isoformat(timespec="seconds")
    return {
        "kind": queue.kind,
        "state": queue.state,
        "lane": queue.lane and queue.lane.name.lower(),
        "count": queue.count,
        "oldest_minutes": _minutes(at - queue.oldest_at),
        "next_try_at": next_try_at,
        "failures": {failure: count for failure, count in failures.items() if failure},
    }


def _queue_line(queue: QueueStats, failures: Mapping[str | None, int], at: datetime) -> str:
    name = {Lane.FRESH: "never tried", Lane.RETRIES: "failed", None: "dead"}[queue.lane]
    age = _minutes(at - queue.oldest_at)
    line = f"{queue.kind:<13} {name:<12} {queue.count:>6}, oldest {age} minutes"
    if queue.next_try_at:
        wait = _minutes(queue.next_try_at - at)
        line += f", next try in {wait} minutes" if wait else ", next try within a minute"
    named = [(failure or "being tried", count) for failure, count in failures.items()]
    told = [f"{printable(failure)} ({count})" for failure, count in named[:MOST_REASONS]]
    if queue.lane is Lane.FRESH or not told:
        return line
    part = f" of the first {REASONS_OF}" if queue.count > REASONS_OF else ""
    return f"{line}; failures{part}: {', '.join(told)}"


def _circuit_fields(circuit: OpenCircuit) -> dict[str, object]:
    pace = PACES.get(circuit.cause)
    return {
        "kind": circuit.kind,
        "state": "failing",
        "since": circuit.since.isoformat(timespec="seconds"),
        "cause": circuit.cause.name.lower(),
        "failure": circuit.failure,
        "next_try_within_seconds": pace and pace.every.total_seconds(),
    }


def _circuit_line(circuit: OpenCircuit, at: datetime) -> str:
    pace = PACES.get(circuit.cause)
    slow = f"; up to {pace.items} in {pace.every.seconds} s are tried" if pace else ""
    since = f"{circuit.since:%Y-%m-%dT%H:%M:%SZ}, {_minutes(at - circuit.since)} minutes"
    return f"{circuit.kind:<13} takes nothing since {since}: {printable(describe(circuit))}{slow}"


def _minutes(time: timedelta) -> int:
    return max(0, int(time.total_seconds() // 60))


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
