import click

from app.cli.audit import audited
from app.cli.context import ServiceGroup, services

group = ServiceGroup("stream", help="Make the stream of NATS that BOT_MESSENGER_URL names.")

DEFAULT_REPLICAS = 3


@group.command()
@click.option(
    "--replicas",
    type=click.IntRange(1, 5),
    help="Copies of each delivery, on as many servers.  [default: 3, or fewer servers]",
)
@audited
def create(replicas: int | None) -> None:
    """Make the stream for Messenger's deliveries.

    KEEP_DELIVERIES_HOURS and KEEP_DELIVERIES_MIB limit it. A stream that is there already is not
    changed.

    Example: threadlink stream create
    """
    settings = services().settings
    address = settings.bot.messenger_log
    if address is None:
        raise click.ClickException("BOT_MESSENGER_URL names no NATS: nats://HOST or tls://HOST")
    from app.delivery_log.nats_stream import StreamNotMade, create_stream  # noqa: PLC0415 - as `opening`

    replicas = replicas or min(DEFAULT_REPLICAS, len(address.servers))
    try:
        create_stream(address, settings.egress, replicas=replicas, retention=settings.retention)
    except StreamNotMade as exc:
        raise click.ClickException(f"{exc}\nNothing was changed.") from exc
    copies = "one copy" if replicas == 1 else f"{replicas} copies"
    click.echo(f"The stream {address.stream} is there: {copies} of each delivery.")
    click.echo("Next: threadlink doctor, then restart threadlink")
