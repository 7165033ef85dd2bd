"""What the worker writes into chats: the question, digits, and short messages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import URL, select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.infra.database.engine import make_engine
from app.infra.database.writer import Writer
from app.linking import invitation_secrets
from app.linking.attempt_events import events_of
from app.linking.chat_messages import ASK, SAY
from app.linking.chat_writer import ChatWriter
from app.linking.invitation_models import Invitation
from app.linking.invitation_status import read_by_id
from app.linking.invitations import Created
from app.messenger.errors import GraphUnavailable, WindowClosed
from app.messenger.graph.profiles import Profile
from app.messenger.types import Psid
from app.outbox.handlers import RetryLater
from app.outbox.models import OutboxRow
from app.outbox.queue import Claim
from app.web.languages import chat_texts
from tests.installation import ANA, NOON, PAGE
from tests.linking.factories import MINUTE
from tests.linking.invitation_factories import KEY, LIMITS, accepted, answers, claims, invited


@dataclass
class Chat:
    """A client of Graph that keeps what it was given."""

    name: str | None = "Ana Berg"
    error: Exception | None = None
    sent: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def profile(self, psid: Psid, *, with_picture: bool = True, deadline: Any = None) -> Profile:
        assert (psid, with_picture) == (ANA, False)
        assert deadline.left_s() <= 2.0
        return Profile(self.name, None, "profile" if self.name else "withheld")

    def send_text(self, psid: Psid, text: str, *, deadline: Any = None) -> str:
        return self.send_postbacks(psid, text, {}, deadline=deadline)

    def send_postbacks(
        self, psid: Psid, text: str, payloads: Mapping[str, str], *, deadline: Any = None
    ) -> str:
        del psid, deadline
        self.sent.append((text, payloads))
        if self.error:
            raise self.error
        return "m_1"


@pytest.fixture
def writer(database: URL) -> Iterator[Writer]:
    engine = make_engine(database)
    writer = Writer(engine)
    yield writer
    writer.close()
    engine.dispose()


def chat_writer(store: Writer, chat: Chat, *, always: bool = False, at: Any = NOON) -> ChatWriter:
    return ChatWriter(
        store=store,
        graph={PAGE: chat},
        say=chat_texts.say,
        page_name=lambda _: "Harbour Coffee",
        always_digits=always,
        secret_key=KEY,
        rate_limit_keys=LIMITS,
        clock=lambda: at,
    )


def items(store: Writer, kind: str) -> list[Claim]:
    def query(session: Session) -> list[tuple[int, bytes, datetime]]:
        rows = select(OutboxRow.id, OutboxRow.body, OutboxRow.created_at)
        found = session.execute(rows.where(OutboxRow.kind == kind).order_by(OutboxRow.id))
        return [(id_, body, created_at) for id_, body, created_at in found]

    return [Claim(id_, kind, body, 1, at) for id_, body, at in store.read(query)]


def claimed(store: Writer) -> Created:
    created = store.write(invited)
    store.write(claims, created)
    return created


def stored(store: Writer, created: Created) -> Invitation:
    row = store.read(lambda session: session.get(Invitation, created.status.id))
    assert row is not None
    return row


def test_the_question_names_the_account_and_has_two_answers(writer: Writer) -> None:
    """R126: it says what it means, and its buttons carry the nonce of this invitation."""
    created, chat = claimed(writer), Chat()

    chat_writer(writer, chat).asks().perform(items(writer, ASK)[0])

    ((text, payloads),) = chat.sent
    assert "j•••@example.com" in text
    assert "Harbour Coffee" in text
    assert "If someone sent you a link, tap No." in text
    nonce = invitation_secrets.nonce_for(created.status.id, KEY)
    assert {"Yes": f"threadlink:yes:{nonce}", "No": f"threadlink:no:{nonce}"} == payloads
    row = stored(writer, created)
    assert (NOON, 1, "Ana Berg", "named") == (
        row.asked_at,
        row.asks,
        row.messenger_name,
        row.name_outcome,
    )
    assert nonce not in str(row.nonce_hash)
    assert writer.write(answers, created) is not None


@pytest.mark.parametrize(
    ("name", "always"), [(None, False), ("Harbour Coffee Support", False), ("Ana Berg", True)]
)
def test_digits_come_where_the_name_says_nothing(
    writer: Writer, name: str | None, *, always: bool
) -> None:
    """R126: withheld, like the page's, or by CONFIRM_IN_CHAT; nothing is consented to by a tap."""
    created, chat = claimed(writer), Chat(name)

    chat_writer(writer, chat, always=always).asks().perform(items(writer, ASK)[0])

    ((text, payloads),) = chat.sent
    assert {} == payloads
    digits = "".join(char for char in text if char.isdecimal())
    row = stored(writer, created)
    assert row.nonce_hash is None
    assert row.digits_hash == invitation_secrets.digits_hash(digits, row.id, KEY)


def test_a_message_that_may_have_arrived_is_repeated_twice_at_most(writer: Writer) -> None:
    """With the same nonce, so that either of the two can be answered; it counts once."""
    created, chat = claimed(writer), Chat(error=GraphUnavailable("timeout"))
    item = items(writer, ASK)[0]
    handler = chat_writer(writer, chat).asks()

    for tries in (1, 2):
        with pytest.raises(RetryLater):
            handler.perform(replace(item, tries=tries))
    handler.perform(replace(item, tries=3))

    assert 3 == len(chat.sent)
    assert 1 == len({tuple(payloads.values()) for _, payloads in chat.sent})
    assert (1, "chat_refused") == (stored(writer, created).asks, stored(writer, created).reason)


def test_messenger_s_refusal_is_the_page_s_to_explain(writer: Writer) -> None:
    """The invitation goes on: the person writes first, and is asked again."""
    created, chat = claimed(writer), Chat(error=WindowClosed("no", code=10, subcode=2018278))

    with capture_logs() as logs:
        chat_writer(writer, chat).asks().perform(items(writer, ASK)[0])

    status = writer.read(read_by_id, created.status.id, at=NOON)
    assert ("claimed", "chat_refused") == (status.state, status.reason)
    (failed,) = [line for line in logs if line["event"] == "invitation.ask_failed"]
    assert (10, 2018278) == (failed["code"], failed["subcode"])
    reference = created.status.reference
    events = writer.read(lambda session: list(events_of(session, [reference])[reference]))
    assert [(10, 2018278)] == [(event.code, event.subcode) for event in events]


@pytest.mark.parametrize("what", ["answered", "late", "gone"])
def test_nothing_is_asked_after_the_end(writer: Writer, what: str) -> None:
    created, chat = claimed(writer), Chat()
    item, at = items(writer, ASK)[0], NOON
    if what == "answered":
        chat_writer(writer, chat).asks().perform(item)
        writer.write(answers, created)
        chat.sent.clear()
    elif what == "late":
        at = NOON + 5 * MINUTE
    else:
        writer.write(lambda session: session.delete(session.get(Invitation, created.status.id)))

    chat_writer(writer, chat, at=at).asks().perform(item)

    assert [] == chat.sent


def test_short_messages_are_said_and_soon_or_never(writer: Writer) -> None:
    writer.write(accepted)
    (item,) = items(writer, SAY)
    chat = Chat()

    chat_writer(writer, chat).says().perform(item)
    chat_writer(writer, chat, at=NOON + timedelta(minutes=6)).says().perform(item)

    assert [("Almost done. Go back to the page to finish.", {})] == chat.sent
