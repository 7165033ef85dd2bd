"""Checks of the delivery log: whether it takes deliveries, and on how many machines it has them."""

from collections.abc import Iterator
from typing import Final

from app.delivery_log.log import DeliveryLog, LogState, Reason
from app.infra.settings.nats_url import NatsAddress
from app.setup.findings import Finding, ok, problem, warning

SUBJECT: Final = "delivery log"
# A delivery of 1,000 events; larger ones are legal, and rare.
LEAST_BYTES: Final = 1024 * 1024
LOOK_S: Final = 5.0
_SERVERS: Final = "look at the NATS servers: nats server check connection, or their log"


def check_delivery_log(
    log: DeliveryLog, address: NatsAddress, *, within: float = LOOK_S
) -> Iterator[Finding]:
    """Yield what is wrong with *log*, which is at *address*, or that nothing is."""
    state = log.look(within=within)
    if state.reason is not None:
        yield _fault(state.reason, state.why, address)
        return
    faults = [*_warnings(state, address)]
    yield from faults or [
        ok(
            SUBJECT,
            f"{address.stream} takes deliveries, {state.replicas} copies, {state.unread} in it",
        )
    ]


def _fault(reason: Reason, why: str, address: NatsAddress) -> Finding:
    if reason == "unreachable":
        told = why or "there is no connection"
        return problem(
            SUBJECT, f"NATS does not take us: {told}", "compare BOT_MESSENGER_URL with it"
        )
    if reason == "no stream":
        return problem(
            SUBJECT,
            f"NATS has no stream {address.stream}, or that has no leader: deliveries get 503",
            "threadlink stream create",
        )
    if reason == "no answer":
        words = "NATS does not answer in time: too few of its servers run, or it is slow"
        return problem(SUBJECT, words, _SERVERS)
    return problem(SUBJECT, f"NATS refuses to tell of its stream {address.stream}", _SERVERS)


def _warnings(state: LogState, address: NatsAddress) -> Iterator[Finding]:
    if state.current < state.replicas:
        yield warning(
            SUBJECT,
            f"only {state.current} of {state.replicas} copies of {address.stream} are up to date",
            _SERVERS,
        )
    if state.replicas == 1:
        yield warning(
            SUBJECT,
            f"{address.stream} has one copy: what was acknowledged ends with its disk",
            f"three servers, and: nats stream edit {address.stream} --replicas 3",
        )
    if state.largest < LEAST_BYTES:
        yield warning(
            SUBJECT,
            f"the servers take {state.largest} bytes at most, and Messenger may send more",
            "max_payload: 8MB in the configuration of the NATS servers",
        )
    if address.is_in_clear:
        yield warning(
            SUBJECT,
            "BOT_MESSENGER_URL is nats://: who can listen on the network to it reads all",
            "BOT_MESSENGER_URL: tls://, unless that network is yours",
        )
