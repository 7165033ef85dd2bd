"""Deliveries into the log: the same bytes as the bot would get by HTTP, and no row for them."""

import threading
from typing import Final

import pytest
from sqlalchemy import URL, func, select
from sqlalchemy.orm import Session

from app import create_app
from app.infra import clock
from app.outbox.bot_webhooks import DELIVERY
from app.outbox.models import OutboxRow
from app.services.background import make_worker
from app.services.container import Services, build
from tests.actors import Messenger, delivery, message, unlinked
from tests.browsers import InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, OTHER_PAGE, PAGE, PUBLIC_URL, settings_for
from tests.nats_cluster import Cluster
from tests.web.gateway_client import GatewayClient, gateway_of

# As no program would write it again.
ODD: Final = b"""{"object":"page",  "entry":[{"id":"1717527131834678",
 "messaging":[{"x":"\\u00e4\\/ \xc3\xa4"}]}]}
"""


def deliveries(services: Services) -> int:
    """Return the number of deliveries in the outbox."""

    def count(session: Session) -> int:
        rows = select(func.count()).where(OutboxRow.kind == DELIVERY)
        return session.scalar(rows) or 0

    return services.read(count)


def messenger_of(services: Services, *, is_fast: bool) -> Messenger:
    app = create_app(services)
    if is_fast:
        return Messenger(GatewayClient(gateway_of(app, services), PUBLIC_URL))
    return Messenger(InProcess(app, PUBLIC_URL))


@on_sqlite
@pytest.mark.parametrize("is_fast", [True, False], ids=["fast path", "Flask"])
def test_every_byte_and_metas_own_signatures_are_in_the_log(
    services: Services, stream: Cluster, *, is_fast: bool
) -> None:
    """R102: before Messenger hears 200, and without a row in the outbox."""
    messenger = messenger_of(services, is_fast=is_fast)

    answer = messenger.posts(ODD, **{"X-Hub-Signature": "sha1=0123", "X-Forwarded-For": "10.0.0.1"})

    (stored,) = stream.stored()
    assert (200, b"") == (answer.status, answer.body)
    assert ODD == stored.body
    assert stored.subject.endswith(f".{PAGE}")
    assert {
        "Content-Type": "application/json",
        "X-Hub-Signature": "sha1=0123",
        "X-Hub-Signature-256": messenger.signature(ODD),
    }.items() <= stored.headers.items()
    assert "X-Forwarded-For" not in stored.headers
    assert 0 == deliveries(services)


@on_sqlite
def test_a_delivery_that_messenger_repeats_is_in_the_log_once(
    services: Services, stream: Cluster
) -> None:
    messenger, body = (
        messenger_of(services, is_fast=True),
        delivery(message(ANA, "hi", clock.now())),
    )

    answers = [messenger.posts(body).status for _ in range(3)]

    assert [200, 200, 200] == answers
    assert [body] == [stored.body for stored in stream.stored()]


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        b'{"object":"page","entry":[{"id":"%s"},{"id":"%s"}]}'
        % (PAGE.encode(), OTHER_PAGE.encode()),
        b'{"object":"page","entry":[]}',
        b'{"object":"page","entry":[{"id":"1.>"}]}',
        b'{"object":"page","entry":[{"id":17}]}',
        b'{"object":"instagram","entry":[{"id":"17"}]}',
        b'{"something":"new"}',
    ],
    ids=["two pages", "no page", "no token", "a number", "instagram", "new"],
)
def test_what_is_not_about_one_page_has_a_subject_of_its_own(
    services: Services, stream: Cluster, body: bytes
) -> None:
    """No text of a stranger becomes part of a subject."""
    answer = messenger_of(services, is_fast=True).posts(body)

    (stored,) = stream.stored()
    assert 200 == answer.status
    assert (body, "other") == (stored.body, stored.subject.rpartition(".")[2])


@on_sqlite
def test_account_linking_alone_and_what_is_not_signed_stay_out(
    services: Services, stream: Cluster
) -> None:
    """R102: a code is nobody else's business."""
    messenger = messenger_of(services, is_fast=True)

    messenger.tells(unlinked(ANA, clock.now()), unlinked(BEN, clock.now()))
    refused = messenger.posts(ODD, **{"X-Hub-Signature-256": "sha256=" + "0" * 64})

    assert 403 == refused.status
    assert [] == stream.stored()


@on_sqlite
def test_what_waited_for_the_bot_by_http_is_moved_into_the_log(
    database: URL, stream: Cluster
) -> None:
    """Nothing is lost when an operator changes BOT_MESSENGER_URL from one to the other."""
    before = build(settings_for(database, BOT_MESSENGER_URL="http://127.0.0.1:9/"))
    messenger_of(before, is_fast=False).posts(ODD)
    before.close()
    after = build(settings_for(database, BOT_MESSENGER_URL=stream.url))

    make_worker(after, "w").run_once()
    after.close()

    (stored,) = stream.stored()
    assert ODD == stored.body
    assert stored.subject.endswith(f".{PAGE}")
    assert stored.headers["X-Hub-Signature-256"].startswith("sha256=")


@on_sqlite
def test_many_at_once_are_all_in_the_log(services: Services, stream: Cluster) -> None:
    """Each 200 stands for one message; acknowledgements are not mixed up."""
    messenger = messenger_of(services, is_fast=True)
    bodies = [delivery(message(ANA, f"number {number}", clock.now())) for number in range(40)]
    statuses: list[int] = []

    def post(some: list[bytes]) -> None:
        statuses.extend(messenger.posts(body).status for body in some)

    threads = [threading.Thread(target=post, args=(bodies[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [200] * 40 == statuses
    assert sorted(bodies) == sorted(stored.body for stored in stream.stored())
