"""Forwarding of deliveries to the bot, unchanged."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, select
from sqlalchemy.orm import Session

from app import create_app
from app.infra import clock
from app.linking import link_queries
from app.outbox.models import OutboxRow
from app.services.background import make_worker
from app.services.container import Services, build
from tests import bot as bots
from tests.actors import Graph, Messenger, Person, delivery, linked, log_in, message, unlinked
from tests.bot import Bot
from tests.browsers import InProcess
from tests.installation import ANA, BEN, PAGE, PUBLIC_URL, add_jane, settings_for

# Spaces, escapes and a line break that no program would write again.
ODD = b"""{"object":"page",  "entry":[{"id":"1717527131834678",
 "messaging":[{"x":"\\u00e4\\/ \xc3\xa4"}]}]}
"""


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        yield bot


@pytest.fixture
def services(database: URL, bot: Bot) -> Iterator[Services]:
    services = build(settings_for(database, BOT_MESSENGER_URL=f"{bot.url}/webhook?from=us"))
    add_jane(services)
    yield services
    services.close()


@pytest.fixture
def messenger(services: Services) -> Messenger:
    return Messenger(InProcess(create_app(services), PUBLIC_URL))


def waiting(services: Services) -> int:
    def read(session: Session) -> int:
        return len(list(session.scalars(select(OutboxRow.id).where(OutboxRow.state == "waiting"))))

    return services.read(read)


def test_the_bot_gets_every_byte_and_metas_own_signatures(
    services: Services, messenger: Messenger, bot: Bot
) -> None:
    """R102: an existing bot checks them itself, and needs no change."""
    messenger.posts(ODD, **{"X-Hub-Signature": "sha1=0123", "X-Forwarded-For": "10.0.0.1"})

    make_worker(services, "w").run_once()

    (received,) = bot.received
    assert ODD == received.body
    assert messenger.signature(ODD) == received.headers["X-Hub-Signature-256"]
    assert "sha1=0123" == received.headers["X-Hub-Signature"]
    assert "application/json" == received.headers["Content-Type"]
    assert "/webhook?from=us" == received.path
    assert received.headers["X-Forwarded-For"] is None


def test_a_delivery_is_durable_before_messenger_hears_200(
    services: Services, messenger: Messenger, bot: Bot
) -> None:
    """R97: and the bot may be away."""
    bot.answers(503)

    answer = messenger.tells(message(ANA, "hi", clock.now()))
    make_worker(services, "w").run_once()

    assert 200 == answer.status
    assert 1 == waiting(services)


def test_a_delivery_that_messenger_repeats_is_passed_on_once(
    services: Services, messenger: Messenger, bot: Bot
) -> None:
    body = delivery(message(ANA, "hi", clock.now()))
    worker = make_worker(services, "w")

    messenger.posts(body)
    worker.run_once()
    messenger.posts(body)
    worker.run_once()

    assert 1 == len(bot.received)


@pytest.mark.parametrize(
    "body",
    [
        b'{"object":"page","entry":[{"id":"1","changes":[{"field":"feed"}]}]}',
        b'{"object":"instagram","entry":[]}',
        b'{"object":"page","entry":[]}',
        b'{"something":"new"}',
    ],
)
def test_whatever_is_signed_is_the_bots_to_judge(
    services: Services, messenger: Messenger, bot: Bot, body: bytes
) -> None:
    messenger.posts(body)

    make_worker(services, "w").run_once()

    assert [body] == [received.body for received in bot.received]


def test_what_is_not_signed_is_not_passed_on(services: Services, messenger: Messenger) -> None:
    """A bot that trusts its neighbour may not check again."""
    answer = messenger.posts(ODD, **{"X-Hub-Signature-256": "sha256=" + "0" * 64})

    assert 403 == answer.status
    assert 0 == waiting(services)


def test_account_linking_alone_is_ours_and_stays_here(
    services: Services, messenger: Messenger
) -> None:
    """R102: its code is nobody else's business."""
    messenger.tells(unlinked(ANA, clock.now()), unlinked(BEN, clock.now()))

    assert 0 == waiting(services)


def test_a_bot_that_asks_for_it_gets_account_linking_too(database: URL, bot: Bot) -> None:
    services = build(settings_for(database, BOT_MESSENGER_URL=bot.url, BOT_MESSENGER_LINKING="1"))
    messenger = Messenger(InProcess(create_app(services), PUBLIC_URL))

    messenger.tells(unlinked(ANA, clock.now()))
    make_worker(services, "w").run_once()

    (received,) = bot.received
    assert (
        "unlinked"
        == json.loads(received.body)["entry"][0]["messaging"][0]["account_linking"]["status"]
    )
    services.close()


def test_a_mixed_delivery_goes_whole_with_its_code_already_worthless(
    services: Services, messenger: Messenger, graph: Graph
) -> None:
    """R102: spent in the transaction that precedes the passing on."""
    login = log_in()
    graph.knows(login, ANA)
    person = Person(InProcess(create_app(services), PUBLIC_URL))
    person.taps_log_in(login)
    person.signs_in()
    code, at = person.connects(), clock.now()

    messenger.tells(linked(ANA, code, at), message(ANA, "hi", at))
    messenger.tells(linked(BEN, code, at))

    assert services.read(link_queries.find_link, PAGE, ANA) is not None
    assert services.read(link_queries.find_link, PAGE, BEN) is None
    assert 2 == waiting(services), "the delivery, and an unlink for whoever brought the code again"
