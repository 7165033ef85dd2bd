"""Deliveries with events of invitations: committed, counted, and passed on only if the bot's."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import pytest
from sqlalchemy import URL, Engine, event, select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app import create_app
from app.infra import clock
from app.linking import invitations, link_queries
from app.linking.chat_messages import ASK
from app.linking.invitation_rows import Owner
from app.linking.invitations import Created, Offer
from app.linking.values import User
from app.outbox.bot_webhooks import DELIVERY
from app.outbox.models import OutboxRow
from app.services.background import make_worker
from app.services.container import Services, build
from app.web.fast_paths import FastPaths
from app.web.languages import chat_texts
from app.web.server.asgi import AsgiGateway
from tests.actors import Graph, Messenger, message
from tests.browsers import InProcess
from tests.installation import ANA, BEN, PAGE, PUBLIC_URL, add_jane, settings_for
from tests.linking.invitation_factories import KEY, SECRET
from tests.web.gateway_client import GatewayClient

BOT: Final = "http://127.0.0.1:1/messenger"
OWNER: Final = Owner(session_id="s" * 22)


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    settings = settings_for(
        database, INVITATIONS="1", BOT_MESSENGER_URL=BOT, SECRET_KEY=KEY, LOG_LEVEL="info"
    )
    services = build(settings, limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def messenger(services: Services) -> Messenger:
    gateway = AsgiGateway(create_app(services), threads=1, fast_path=FastPaths(services))
    return Messenger(GatewayClient(gateway, PUBLIC_URL))


@pytest.fixture
def created(services: Services) -> Created:
    user = User("local", add_jane(services))
    offer = Offer(page_id=PAGE, user=user, display_name="j•••@example.com", language="en")
    return services.write(
        invitations.create_for_session,
        offer,
        services.rate_limit_keys.invitations(user.issuer, user.subject),
        session_id=OWNER.session_id or "",
        browser_secret=SECRET,
        secret_key=KEY,
        at=clock.now(),
    )


SEEN: Final[list[str]] = []


def _note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
    verb = statement.split(maxsplit=1)[0]
    # The number of deliveries is written by a thread of its own.
    if verb in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"} and " intake " not in statement:
        SEEN.append(statement)


def about(psid: str, at: datetime, **parts: Any) -> dict[str, Any]:
    own = message(psid, "", at)
    del own["message"]
    return own | parts


def referral(created: Created, psid: str = ANA) -> dict[str, Any]:
    return about(psid, clock.now(), referral={"ref": created.secrets.ref, "type": "OPEN_THREAD"})


def kinds(services: Services) -> list[str]:
    return services.read(lambda session: list(session.scalars(select(OutboxRow.kind))))


@contextmanager
def statements() -> Iterator[list[str]]:
    """Yield the statements that follow."""
    SEEN.clear()
    event.listen(Engine, "before_cursor_execute", _note)
    yield SEEN
    event.remove(Engine, "before_cursor_execute", _note)


def state(services: Services, created: Created) -> str:
    return services.read(invitations.read, created.status.id, OWNER, at=clock.now()).state


def test_a_claim_and_its_answer_take_few_statements(
    services: Services, messenger: Messenger, graph: Graph, created: Created
) -> None:
    """A claim six at most, an answer three: Messenger waits for them."""
    graph.knows_person(ANA, "Ana Berg")
    with statements() as seen:
        assert 200 == messenger.tells(referral(created)).status
        of_claim = [*seen]
    make_worker(services, "w", chat_texts.say).run_once()
    (yes, _) = graph.payloads()
    tap = about(ANA, clock.now(), postback={"payload": yes, "title": "Yes", "mid": "m"})
    with statements() as seen:
        assert 200 == messenger.tells(tap).status
        of_answer = [*seen]

    assert "accepted" == state(services, created)
    assert 0 < len(of_claim) <= 6, of_claim
    assert 0 < len(of_answer) <= 3, of_answer
    assert DELIVERY not in kinds(services)


def test_a_thousand_ordinary_texts_cost_no_statement_more(services: Services) -> None:
    messenger = Messenger(InProcess(create_app(services), PUBLIC_URL))
    texts = [message(ANA, f"hello {number} tomorrow", clock.now()) for number in range(1000)]

    with statements() as seen:
        assert 200 == messenger.tells(*texts).status

    assert 1 == len(seen), seen
    assert [DELIVERY] == kinds(services)


def test_a_code_that_is_none_goes_to_the_bot_and_nothing_is_said(
    services: Services, messenger: Messenger
) -> None:
    with capture_logs() as logs:
        messenger.tells(message(ANA, "K7F2-M9QA", clock.now()))

    assert [DELIVERY] == kinds(services)
    assert "invitation.code_unknown" in [line["event"] for line in logs]
    assert "K7F2" not in str(logs)


def test_a_code_is_used_up_and_get_started_never_is(
    services: Services, messenger: Messenger, created: Created
) -> None:
    started = about(
        ANA,
        clock.now(),
        postback={"payload": "GET_STARTED", "referral": {"ref": created.secrets.ref}},
    )

    messenger.tells(message(ANA, created.secrets.shown_code.lower(), clock.now()))
    assert [ASK] == kinds(services)
    messenger.tells(started)

    assert DELIVERY in kinds(services)


def test_a_delivery_that_says_more_goes_to_the_bot(
    services: Services, messenger: Messenger, created: Created
) -> None:
    messenger.tells(referral(created), message(ANA, "hello", clock.now()))

    assert {ASK, DELIVERY} == set(kinds(services))


def test_off_means_that_nothing_is_looked_at(database: URL) -> None:
    off = build(settings_for(database, BOT_MESSENGER_URL=BOT), limit_seconds=60)
    messenger = Messenger(
        GatewayClient(AsgiGateway(create_app(off), threads=1, fast_path=FastPaths(off)), PUBLIC_URL)
    )
    ours = about(ANA, clock.now(), referral={"ref": "tli-" + "a" * 43})
    try:
        assert 200 == messenger.tells(ours).status
        assert [DELIVERY] == kinds(off)
    finally:
        off.close()


def test_a_second_profile_is_an_error_in_the_log(
    messenger: Messenger, services: Services, created: Created
) -> None:
    """R129."""
    messenger.tells(referral(created))
    with capture_logs() as logs:
        messenger.tells(referral(created, BEN))

    (line,) = [line for line in logs if line["event"] == "invitation.refused"]
    assert ("error", "claimed twice") == (line["log_level"], line["reason"])
    assert created.secrets.ref not in str(logs)
    assert services.read(link_queries.find_link, PAGE, ANA) is None


def test_what_is_stored_has_no_secret(
    services: Services, messenger: Messenger, created: Created
) -> None:
    """R131: a copy of the database is not enough to claim."""
    messenger.tells(referral(created))

    def dump(session: Session) -> str:
        tables = session.get_bind().dialect.get_table_names(session.connection())
        return "".join(
            str(row)
            for name in tables
            for row in session.connection().exec_driver_sql(f"SELECT * FROM {name}")  # noqa: S608 - of our tables
        )

    stored = services.read(dump)
    assert created.status.reference in stored
    for secret in (created.secrets.ref, created.secrets.code, created.secrets.shown_code):
        assert secret not in stored
