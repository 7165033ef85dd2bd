"""Deliveries with link events and messages: whatever ends when, nothing is lost and none is twice.

The orders of `app.web.webhook.intake`. A process that ends is a `BaseException` from within it, and
the services after it are built anew.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import pytest
from sqlalchemy import URL, select
from sqlalchemy.orm import Session

from app import create_app
from app.delivery_log.log import DeliveryLog, Entry, LogState, NotAppended
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.linking.models import Link
from app.outbox.bot_webhooks import NOTICE
from app.outbox.models import OutboxRow
from app.services.container import Services, build
from tests.actors import Messenger, delivery, message, unlinked
from tests.browsers import Answer, InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, PAGE, PUBLIC_URL, settings_for
from tests.linking.factories import linked
from tests.nats_cluster import Cluster
from tests.web.gateway_client import GatewayClient, gateway_of

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Interrupted:
    """A log whose caller meets *trouble* once, before or after the entry is in the log."""

    log: DeliveryLog
    trouble: Callable[[], BaseException]
    is_before: bool

    def start(self, loop: AbstractEventLoop | None = None) -> None:
        self.log.start(loop)

    async def append(self, entry: Entry, *, within: float) -> None:
        if self.is_before:
            raise self.trouble()
        await self.log.append(entry, within=within)
        raise self.trouble()

    def append_and_wait(self, entry: Entry, *, within: float) -> None:
        if self.is_before:
            raise self.trouble()
        self.log.append_and_wait(entry, within=within)
        raise self.trouble()

    def look(self, *, within: float) -> LogState:
        return self.log.look(within=within)

    def close(self) -> None:
        self.log.close()


@dataclass
class Installation:
    """One database and one stream; each delivery meets a process that has just begun."""

    database: URL
    stream: Cluster

    def posts(
        self,
        body: bytes,
        change: Callable[[Services], Services] = lambda built: built,
        *,
        is_fast: bool,
    ) -> Answer | None:
        """Return the answer; None if the process has ended before it."""
        with self.services(change) as built:
            app = create_app(built)
            browser = GatewayClient(gateway_of(app, built), PUBLIC_URL)
            messenger = Messenger(browser if is_fast else InProcess(app, PUBLIC_URL))
            try:
                return messenger.posts(body)
            except Killed:
                return None

    @contextmanager
    def services(
        self, change: Callable[[Services], Services] = lambda built: built
    ) -> Iterator[Services]:
        settings = settings_for(
            self.database,
            BOT_MESSENGER_URL=self.stream.url,
            BOT_WEBHOOK_URL="http://127.0.0.1:9/",
            BOT_WEBHOOK_SECRET=SECRET,
        )
        built = change(build(settings, limit_seconds=60))
        try:
            yield built
        finally:
            built.close()

    @property
    def state(self) -> tuple[str, int, list[bytes]]:
        """The state of Ana's link, the number of notices about its end, and what is in the log."""

        def read(session: Session) -> tuple[str, int]:
            bodies = session.scalars(select(OutboxRow.body).where(OutboxRow.kind == NOTICE))
            ended = sum(b"link.removed" in body for body in bodies)
            return session.get_one(Link, (PAGE, ANA)).state, ended

        with self.services() as built:
            return *built.read(read), [stored.body for stored in self.stream.stored()]


@pytest.fixture
def installation(database: URL, stream: Cluster) -> Installation:
    there = Installation(database, stream)
    with there.services() as built:
        built.write(_link)
    return there


@pytest.fixture
def mixed() -> bytes:
    return delivery(message(BEN, "hi", clock.now()), unlinked(ANA, clock.now()))


def interrupted(
    trouble: Callable[[], BaseException], *, is_before: bool
) -> Callable[..., Services]:
    def change(built: Services) -> Services:
        assert built.delivery_log
        return replace(built, delivery_log=Interrupted(built.delivery_log, trouble, is_before))

    return change


def _link(session: Session) -> None:
    linked(session, at=clock.now())


pytestmark = on_sqlite
both_ways = pytest.mark.parametrize("is_fast", [True, False], ids=["fast path", "Flask"])


@both_ways
def test_the_link_is_committed_and_the_message_is_in_the_log_before_200(
    installation: Installation, mixed: bytes, *, is_fast: bool
) -> None:
    answers = [installation.posts(mixed, is_fast=is_fast) for _ in range(2)]

    assert [200, 200] == [answer.status for answer in answers if answer]
    assert ("ended", 1, [mixed]) == installation.state


@both_ways
@pytest.mark.parametrize("is_before", [True, False], ids=["before the log", "after the log"])
def test_a_process_that_is_killed_between_loses_nothing_and_doubles_nothing(
    installation: Installation, mixed: bytes, *, is_fast: bool, is_before: bool
) -> None:
    killed = interrupted(Killed, is_before=is_before)

    gone = installation.posts(mixed, killed, is_fast=is_fast)
    link, notices, in_log = installation.state
    repeated = installation.posts(mixed, is_fast=is_fast)

    assert gone is None
    assert ("ended", 1, [] if is_before else [mixed]) == (link, notices, in_log)
    assert repeated
    assert 200 == repeated.status
    assert ("ended", 1, [mixed]) == installation.state


@both_ways
def test_a_log_that_takes_nothing_is_503_until_it_does(
    installation: Installation, mixed: bytes, *, is_fast: bool
) -> None:
    away = interrupted(lambda: NotAppended("unreachable"), is_before=True)

    refused = [installation.posts(mixed, away, is_fast=is_fast) for _ in range(2)]
    taken = installation.posts(mixed, is_fast=is_fast)

    assert [(503, "5")] * 2 == [(it.status, it.headers["retry-after"]) for it in refused if it]
    assert taken
    assert 200 == taken.status
    assert ("ended", 1, [mixed]) == installation.state


@both_ways
def test_a_database_that_takes_nothing_keeps_it_out_of_the_log(
    installation: Installation, mixed: bytes, monkeypatch: pytest.MonkeyPatch, *, is_fast: bool
) -> None:
    """Else a bot would look for a link that is not there."""

    def refuse(*_: object, **__: object) -> None:
        raise NotCommitted("busy")

    async def refuse_meanwhile(*_: object, **__: object) -> None:
        refuse()

    with monkeypatch.context() as patch:
        patch.setattr("app.infra.database.writer.Writer.write_meanwhile", refuse_meanwhile)
        patch.setattr("app.linking.flow.take_in", refuse)
        refused = installation.posts(mixed, is_fast=is_fast)
    between = installation.state
    taken = installation.posts(mixed, is_fast=is_fast)

    assert refused
    assert taken
    assert (503, 200) == (refused.status, taken.status)
    assert ("linked", 0, []) == between
    assert ("ended", 1, [mixed]) == installation.state
