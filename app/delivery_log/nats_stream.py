"""The stream of the delivery log, made by `threadlink stream create` and by nothing else."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NoStreamResponseError

from app.delivery_log.nats_client import Connector
from app.infra.network.egress import Egress, trusting
from app.infra.settings.nats_url import NatsAddress
from app.infra.settings.retention import Retention

# Each id is held in the memory of the servers for so long.
DUPLICATE_WINDOW: Final = timedelta(minutes=2)
_TRY_S: Final = 1.0
_TOTAL_S: Final = 15.0


class StreamNotMade(Exception):
    """The stream was not made; the message says why."""


def create_stream(
    address: NatsAddress, egress: Egress, *, replicas: int, retention: Retention
) -> None:
    """Make the stream that *address* names; if it is there already, change nothing.

    An entry is deleted once a bot has acknowledged it (retention `workqueue`), or when it is too
    old or the oldest of too many, as in the outbox.

    Raises:
        StreamNotMade: There is no connection, or the servers refuse it.
    """
    config = StreamConfig(
        name=address.stream,
        subjects=[f"{address.stream}.>"],
        num_replicas=replicas,
        storage=StorageType.FILE,
        retention=RetentionPolicy.WORK_QUEUE,
        discard=DiscardPolicy.OLD,
        max_age=retention.deliveries.total_seconds(),
        max_bytes=retention.deliveries_bytes,
        duplicate_window=DUPLICATE_WINDOW.total_seconds(),
    )
    connector = Connector(address, trusting(egress.added_certificates))
    try:
        asyncio.run(_create(connector, config))
    except APIError as exc:
        # Of the server, about its configuration and ours.
        raise StreamNotMade(f"NATS refuses it: {exc.description}") from exc
    except NoStreamResponseError as exc:
        raise StreamNotMade("the NATS servers run without JetStream: start them with it") from exc
    except (NatsError, OSError, TimeoutError) as exc:
        raise StreamNotMade(f"NATS does not do it: {connector.why}") from exc


async def _create(connector: Connector, config: StreamConfig) -> None:
    async with asyncio.timeout(_TOTAL_S), connector.connected() as (client, _):
        stream = client.jetstream(timeout=_TRY_S)
        while True:
            # Servers that have just started answer nothing until they have elected a leader.
            with suppress(NatsTimeoutError):
                await stream.add_stream(config)
                return
