"""Notices to the bot: their content, and exactly one for each change."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, select
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from app import create_app
from app.accounts import local
from app.infra import clock
from app.linking import handlers
from app.outbox.models import OutboxRow
from app.services.background import make_worker
from app.services.container import Services, build
from tests import bot as bots
from tests.actors import Graph, LogIn, Messenger, Person, linked, log_in, unlinked
from tests.bot import Bot
from tests.browsers import InProcess
from tests.installation import ANA, BEN, NOON, PAGE, PASSWORD, PUBLIC_URL, add_jane, settings_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        yield bot


@pytest.fixture
def services(database: URL, bot: Bot) -> Iterator[Services]:
    settings = settings_for(
        database, BOT_WEBHOOK_URL=f"{bot.url}/notices", BOT_WEBHOOK_SECRET=SECRET
    )
    services = build(settings)
    add_jane(services)
    yield services
    services.close()


def notices(services: Services) -> list[dict[str, Any]]:
    """Return what waits to be told to the bot."""

    def read(session: Session) -> list[dict[str, Any]]:
        waiting = select(OutboxRow).where(OutboxRow.kind == "notice").order_by(OutboxRow.id)
        return [json.loads(row.body) for row in session.scalars(waiting)]

    return services.read(read)


def code_of(services: Services, graph: Graph, login: LogIn, psid: str) -> str:
    graph.knows(login, psid)
    person = person_of(services)
    person.taps_log_in(login)
    person.signs_in()
    return person.connects()


def person_of(services: Services) -> Person:
    return Person(InProcess(create_app(services), PUBLIC_URL))


def messenger_of(services: Services) -> Messenger:
    return Messenger(InProcess(create_app(services), PUBLIC_URL))


def test_a_new_link_is_told_with_all_that_is_known_of_it(services: Services, graph: Graph) -> None:
    """R21, R22: so that the business can tell the owner of the account."""
    code = code_of(services, graph, log_in(), ANA)

    messenger_of(services).tells(linked(ANA, code, clock.now()))

    (notice,) = notices(services)
    assert "link.created" == notice["type"]
    assert ("linked", 1, "messenger") == tuple(
        notice["data"][name] for name in ("state", "version", "cause")
    )
    assert (PAGE, ANA, "local", "Ana Berg", "j•••@example.com") == tuple(
        notice["data"][name]
        for name in ("page_id", "psid", "issuer", "messenger_name", "display_name")
    )
    assert notice["data"]["also_opened_elsewhere"] is False
    assert code not in json.dumps(notice)


def test_a_log_in_that_was_opened_elsewhere_is_told_as_such(
    services: Services, graph: Graph
) -> None:
    """R21: the business may ask the person before it trusts the link."""
    login = log_in()
    graph.knows(login, ANA)
    person_of(services).taps_log_in(login)
    code = code_of(services, graph, login, ANA)

    messenger_of(services).tells(linked(ANA, code, clock.now()))

    (notice,) = notices(services)
    assert ("link.created", True) == (notice["type"], notice["data"]["also_opened_elsewhere"])


def test_messengers_repeat_of_an_event_is_not_told_again(services: Services, graph: Graph) -> None:
    """One change, one notice."""
    event = linked(ANA, code_of(services, graph, log_in(), ANA), clock.now())
    messenger = messenger_of(services)

    messenger.tells(event)
    messenger.tells(event)

    assert ["link.created"] == [notice["type"] for notice in notices(services)]


def test_a_log_out_is_told_with_a_higher_version(services: Services, graph: Graph) -> None:
    """R22: notices may overtake each other; the version tells which is newer."""
    messenger = messenger_of(services)
    messenger.tells(linked(ANA, code_of(services, graph, log_in(), ANA), clock.now()))

    messenger.tells(unlinked(ANA, clock.now()))

    created, removed = notices(services)
    assert ("link.removed", "ended") == (removed["type"], removed["data"]["state"])
    assert created["data"]["version"] < removed["data"]["version"]


def test_an_end_by_the_business_is_told_once(services: Services, graph: Graph) -> None:
    """R22: Messenger's own event about it comes later, and changes nothing."""
    messenger = messenger_of(services)
    messenger.tells(linked(ANA, code_of(services, graph, log_in(), ANA), clock.now()))
    services.write(
        handlers.end_one, PAGE, ANA, cause="operator", policy=services.policy, at=clock.now()
    )

    messenger.tells(unlinked(ANA, clock.now()))

    assert ["link.created", "link.removed"] == [notice["type"] for notice in notices(services)]


def test_a_stolen_code_is_told_to_the_bot_of_its_owner(services: Services, graph: Graph) -> None:
    """R22: somebody tried to take over an account; the business wants to know whose."""
    code = code_of(services, graph, log_in(), ANA)

    messenger_of(services).tells(linked(BEN, code, clock.now()))

    (notice,) = notices(services)
    assert ("link.refused", "refused", None) == (
        notice["type"],
        notice["data"]["state"],
        notice["data"]["version"],
    )
    assert (BEN, "other person") == (notice["data"]["psid"], notice["data"]["cause"])
    assert code not in json.dumps(notice)


def test_a_code_in_a_log_out_is_told_to_the_bot_of_its_owner(
    services: Services, graph: Graph
) -> None:
    """Meta documents no such event: whoever made it up knew the code."""
    code = code_of(services, graph, log_in(), ANA)
    event = unlinked(BEN, clock.now())
    event["account_linking"]["authorization_code"] = code

    answer = messenger_of(services).tells(event)

    (notice,) = notices(services)
    assert 200 == answer.status
    assert ("link.refused", "unlinked") == (notice["type"], notice["data"]["cause"])
    assert code not in json.dumps(notice)


def test_a_code_that_is_nobodys_is_not_told(services: Services) -> None:
    """Anybody can send us any text as a code, as often as they like."""
    messenger_of(services).tells(linked(BEN, "tl_invented", clock.now()))

    assert [] == notices(services)


def test_nothing_is_written_for_a_business_without_a_bot(database: URL, graph: Graph) -> None:
    services = build(settings_for(database))
    add_jane(services)

    code = code_of(services, graph, log_in(), ANA)
    messenger_of(services).tells(linked(ANA, code, clock.now()))

    assert [] == notices(services)
    services.close()


def test_the_bot_gets_what_the_reference_library_verifies(
    services: Services, bot: Bot, graph: Graph
) -> None:
    """R98: and the same id on every try, so that a bot can tell a repeat."""
    worker = make_worker(services, "w")
    messenger_of(services).tells(linked(ANA, code_of(services, graph, log_in(), ANA), clock.now()))
    bot.answers(500)
    worker.run_once()
    bot.answers(204)
    services.write(_hurry)
    worker.run_once()

    first, second = bot.received
    assert "link.created" == Webhook(SECRET).verify(second.body, dict(second.headers))["type"]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_a_person_who_changes_accounts_is_told_as_one_change(
    services: Services, graph: Graph
) -> None:
    """R22: `link.replaced` says who has the person now, and who lost them."""
    messenger = messenger_of(services)
    add_other(services)
    messenger.tells(linked(ANA, code_of(services, graph, log_in(), ANA), clock.now()))
    login = log_in()
    graph.knows(login, ANA)
    person = Person(InProcess(create_app(services), PUBLIC_URL))
    person.taps_log_in(login)
    person.signs_in(username="joe@example.com")

    messenger.tells(linked(ANA, person.connects(), clock.now() + timedelta(seconds=1)))

    created, replaced = notices(services)
    assert "link.replaced" == replaced["type"]
    assert created["data"]["subject"] == replaced["data"]["replaced"]["subject"]
    assert created["data"]["subject"] != replaced["data"]["subject"]


def add_other(services: Services) -> None:
    password_hash = services.hasher.hash(PASSWORD)
    services.write(local.add, "joe@example.com", None, password_hash, at=NOON)


def _hurry(session: Session) -> None:
    for row in session.scalars(select(OutboxRow)):
        row.not_before = row.created_at
