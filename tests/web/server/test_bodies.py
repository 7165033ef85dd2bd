"""The budgets of the ASGI gateway: bodies that are large, slow, or too many (R45, R89)."""

import asyncio
from typing import Any

import pytest

from app.web.server.asgi import AsgiGateway
from app.web.server.bodies import Bodies
from app.web.server.limits import MOST_BODY_BYTES, MOST_LARGE_BYTES, Limits, Refused
from tests.web.server.test_asgi import CHUNKED, NEVER, Wire, echo, length, part, run, serve

DELIVERY = b"/webhook"


def gateway(**limits: Any) -> AsgiGateway:
    """Return a gateway where four bytes are much, and eight are allowed to deliveries."""
    small = {"body_bytes": 4, "large_body_bytes": 8, **limits}
    return AsgiGateway(
        echo,
        threads=1,
        limits=Limits(**small),
        may_be_large=lambda scope: bool(scope["raw_path"] == DELIVERY),
    )


def slow(content: bytes, *, path: bytes = DELIVERY) -> Wire:
    """Return a client that sends *content*, and never the rest."""
    return Wire(part(content, more=True), NEVER, headers=CHUNKED, raw_path=path)


@pytest.mark.parametrize("path", [b"/", b"/webhook/", b"/Webhook", b"/%77ebhook", b"/api/v1/links"])
@pytest.mark.parametrize("framing", [length(5), CHUNKED], ids=["length", "chunked"])
def test_only_a_delivery_may_be_large(path: bytes, framing: list[tuple[bytes, bytes]]) -> None:
    """R45: every other body is small."""
    delivery, other = (
        Wire(part(b"12345"), headers=framing, raw_path=path) for path in (DELIVERY, path)
    )

    serve(gateway(), delivery, other)

    assert 200 == delivery.status
    assert other.status in {400, 413}
    assert b"close" == other.headers[b"connection"]


def test_what_declares_too_much_is_not_received() -> None:
    """R45: nothing of it is read."""
    wire = Wire(NEVER, headers=length(5), raw_path=b"/")

    serve(gateway(), wire)

    assert 413 == wire.status


def test_the_slowest_is_shed_not_the_newest() -> None:
    """R89: sixteen bodies that lacked their last byte kept all deliveries out for 30 s."""
    many = gateway(large_bodies_bytes=16, stall_seconds=3)
    held = [slow(b"1234567") for _ in range(2)]
    delivery = Wire(part(b"1234567", more=True), part(b"8"), headers=length(8))

    serve(many, *held, delivery)

    assert 200 == delivery.status
    assert 503 in {wire.status for wire in held}
    assert all(b"retry-after" in wire.headers for wire in held if wire.status == 503)


class Late(Wire):
    """A client whose body comes when *until* is set, a moment after its head."""

    def __init__(self, until: asyncio.Event, *messages: object, **head: Any) -> None:
        super().__init__(*messages, **head)
        self._until = until

    async def receive(self) -> Any:
        await self._until.wait()
        return await super().receive()


class Filling(Wire):
    """A client that sends a byte in each round of the event loop, and stops before the end."""

    def __init__(self, count: int, *, then: asyncio.Event | None = None) -> None:
        super().__init__(*[part(b"1", more=True)] * count, NEVER, headers=CHUNKED)
        self._then = then

    async def receive(self) -> Any:
        await asyncio.sleep(0)
        if self._then and self._messages == [NEVER]:
            self._then.set()
        return await super().receive()


def test_a_body_that_has_brought_nothing_yet_is_not_shed() -> None:
    """R89: that would free nothing, and a signed delivery's may come a moment after its head."""
    many = gateway(large_bodies_bytes=16)

    async def deliver_late() -> None:
        filled = asyncio.Event()
        held = [Filling(5), Filling(5), Filling(5), Filling(5, then=filled)]
        delivery = Late(filled, part(b"12345678"), headers=length(8))
        tasks = [asyncio.create_task(many(w.scope, w.receive, w.send)) for w in held]
        # They begin first.
        await asyncio.sleep(0)
        await many(delivery.scope, delivery.receive, delivery.send)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert 200 == delivery.status

    run(deliver_late())


def test_a_body_that_times_out_ends_nobody_elses_request() -> None:
    """R89: who filled the budget in that moment, maybe Messenger, was not answered at all."""

    async def fill_when_expired() -> None:
        limits = Limits(bodies_bytes=8, stall_seconds=0.01)
        bodies = Bodies(limits)
        held, other = (bodies.begin(5, may_be_large=False) for _ in range(2))
        stalled = asyncio.create_task(held.receive(slow(b"1234").receive))
        # Set by the first step of the task.
        await asyncio.sleep(0)
        while not held._limit.is_over:  # noqa: SLF001, ASYNC110 - it lasts for one round
            await asyncio.sleep(0)

        assert b"12345" == await other.receive(Wire(part(b"12345")).receive)
        with pytest.raises(Refused):
            await stalled

    run(fill_when_expired())


@pytest.mark.parametrize(
    ("most", "size"),
    [
        pytest.param(MOST_BODY_BYTES, 300, id="some events"),
        pytest.param(MOST_LARGE_BYTES, 300_000, id="a large batch"),
    ],
)
def test_a_short_body_is_not_slow_because_it_is_short(
    monkeypatch: pytest.MonkeyPatch, most: int, size: int
) -> None:
    """R89: a delivery that took one second was shed before what had stalled for two."""

    async def compare() -> None:
        loop = asyncio.get_running_loop()
        bodies, began_at = Bodies(Limits()), loop.time()
        stalled = bodies.begin(most, may_be_large=True)
        monkeypatch.setattr(loop, "time", lambda: began_at + 2)
        delivery = bodies.begin(size, may_be_large=True)
        stalled.length, delivery.length = most - 1, size

        assert delivery.rate(began_at + 3) > stalled.rate(began_at + 3)

    run(compare())


def test_large_bodies_leave_room_for_small_ones() -> None:
    """R89: each kind has a budget of its own."""
    many = gateway(large_bodies_bytes=8, bodies_bytes=4, stall_seconds=0.1)
    held = [slow(b"1234567") for _ in range(3)]
    small = Wire(part(b"1234"), headers=length(4))

    serve(many, *held, small)

    assert 200 == small.status


def test_a_body_that_is_over_counts_no_longer() -> None:
    """R89: shed, too slow, refused and answered ones."""
    many = gateway(large_bodies_bytes=8, stall_seconds=0.01)
    serve(many, *(slow(b"1234567") for _ in range(3)), slow(b"123456789"))

    again = Wire(part(b"12345678"), headers=length(8))
    serve(many, again)

    assert 200 == again.status


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"stall_seconds": 0.01}, id="nothing comes"),
        pytest.param({"body_seconds": 0.01}, id="too long altogether"),
    ],
)
def test_a_slow_body_times_out(limits: dict[str, float]) -> None:
    """R89."""
    wire = slow(b"1", path=b"/")

    serve(gateway(**limits), wire)

    assert 408 == wire.status


def test_a_body_in_crumbs_is_refused() -> None:
    """R89: each part costs as much as a request; 65,000 of a byte took four seconds."""
    crumbs = [part(b"1", more=True)] * 1000
    wire = Wire(*crumbs, part(b"1"), headers=CHUNKED, raw_path=b"/")

    serve(gateway(body_bytes=MOST_BODY_BYTES), wire)

    assert 400 == wire.status
    assert b"close" == wire.headers[b"connection"]


def test_a_body_in_packets_of_a_slow_network_is_taken() -> None:
    """RFC 9293, 3.7.1: a segment has 536 bytes where nothing else is agreed upon."""
    packets = [part(b"1" * 536, more=True)] * (MOST_BODY_BYTES // 536)
    wire = Wire(*packets, part(b"1"), headers=CHUNKED, raw_path=b"/")

    serve(gateway(body_bytes=MOST_BODY_BYTES), wire)

    assert 200 == wire.status


class Trickle(Wire):
    """A client that sends a byte now and then, for ever."""

    async def receive(self) -> Any:
        await asyncio.sleep(0.001)
        return part(b"1", more=True)


def test_a_body_that_trickles_times_out() -> None:
    """R89: a byte now and then is not enough."""
    wire = Trickle(headers=CHUNKED)
    patient = {"body_seconds": 3600, "large_body_bytes": 10**9, "bytes_per_second": 10**9}

    serve(gateway(stall_seconds=0.05, **patient), wire)

    assert 408 == wire.status
