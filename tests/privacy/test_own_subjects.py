"""Own subjects of deleted accounts are taken out of what stays of them, within the day (R112)."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.identity import Identity
from app.infra.database.portions import PORTION
from app.linking import account_changes, browser_sessions, changes
from app.linking.invitation_models import Invitation
from app.linking.models import Attempt, Link, LinkEvent
from app.linking.values import User
from app.messenger.types import Psid
from app.privacy import own_subjects, user_data
from app.privacy.erasure import TOMBSTONE_KEPT
from app.privacy.handler import finish_due
from app.services import background
from app.services.container import Services
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, NOON, PAGE
from tests.linking.factories import MINUTE, OMAR, SECOND, confirmed, linked, logs_out, signed_in
from tests.linking.invitation_factories import invited
from tests.privacy.test_erasure import KEYS, POLICY, everything, tables_with

NUMBER = "customer-10042"
JANE = "jane@example.com"
ACCOUNT = Identity(local.ISSUER, NUMBER, "j•••@example.com")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _account(services: Services) -> None:
    """Give Jane a link that has ended, one that stands, one that Omar has now, and an attempt."""
    add(services)

    def live(session: Session) -> None:
        linked(session, psid=ANA, as_=ACCOUNT)
        logs_out(session, psid=ANA, event_at=NOON + SECOND)
        linked(session, psid=BEN, as_=ACCOUNT)
        linked(session, psid=Psid("3"), as_=ACCOUNT)
        linked(session, psid=Psid("3"), as_=OMAR, at=NOON + MINUTE)
        signed_in(session, psid=Psid("4"), as_=ACCOUNT)
        user, ticket = User(local.ISSUER, NUMBER), browser_sessions.new_ticket()
        invited(session, user=user)
        browser_sessions.open_for(session, ticket, user, None, page_id=PAGE, at=NOON)

    services.write(live)


def add(services: Services, *, is_same_person: bool = False) -> None:
    services.write(
        local.add, JANE, None, "x", own_subject=NUMBER, is_same_person=is_same_person, at=NOON
    )


def delete(services: Services) -> None:
    close = partial(local.delete, at=NOON)
    services.write(account_changes.close_account, close, JANE, policy=POLICY, at=NOON)


def sweep(services: Services, at: timedelta = DAY) -> None:
    for _ in own_subjects.forget_due(services.writer, NOON + at):
        pass


def subjects(session: Session) -> Iterator[str | None]:
    for table in (Link, Attempt, Invitation, LinkEvent):
        yield from session.scalars(select(table.subject))


def test_a_deleted_account_is_known_by_its_number_nowhere(services: Services) -> None:
    """R112: what stays is one random text, and notices that wait, by which the bot learns of it."""
    omars = services.read(lambda session: [*subjects(session)].count(OMAR.subject))
    delete(services)

    sweep(services)

    assert {"outbox"} == tables_with(services, NUMBER)
    left = services.read(lambda session: [*subjects(session)])
    others = {subject for subject in left if subject != OMAR.subject}
    assert 1 == len(others)
    assert omars == left.count(OMAR.subject)


def test_the_end_is_seen_by_whoever_polls_within_the_hour(services: Services) -> None:
    delete(services)

    sweep(services, HOUR - SECOND)

    def ended(session: Session) -> set[str | None]:
        changes.number(session, most=100)
        told = changes.since(session, 0, page=None, most=100)
        return {change.link.subject for change in told if change.link.state == "ended"}

    assert {NUMBER} == services.write(ended)
    sweep(services, HOUR)
    assert "link" not in tables_with(services, NUMBER)


def test_the_worker_does_it(services: Services) -> None:
    delete(services)

    for _ in background.sweep(services, NOON + DAY):
        pass

    assert {"outbox"} >= tables_with(services, NUMBER)


@on_sqlite
def test_much_is_done_in_portions(services: Services) -> None:
    """R49."""

    def live(session: Session) -> None:
        for number in range(PORTION + 1):
            confirmed(session, psid=Psid(str(1000 + number)), as_=ACCOUNT)

    services.write(live)
    delete(services)

    steps = sum(1 for _ in own_subjects.forget_due(services.writer, NOON + DAY))

    assert 4 < steps < 10
    assert "attempt" not in tables_with(services, NUMBER)


def test_the_same_person_keeps_their_history(services: Services) -> None:
    """`--same-person`, before the sweep and after it."""
    delete(services)
    add(services, is_same_person=True)

    sweep(services)

    kept = {"account", "attempt", "browser_session", "invitation", "link", "link_event", "outbox"}
    assert kept == tables_with(services, NUMBER)


@on_sqlite
def test_whoever_comes_back_in_the_midst_of_a_sweep_loses_no_more(services: Services) -> None:
    """What has been replaced stays so: the link is made anew anyway."""
    delete(services)
    steps = own_subjects.forget_due(services.writer, NOON + DAY)
    next(steps)
    add(services, is_same_person=True)

    for _ in steps:
        pass

    assert {"link", "link_event"} <= tables_with(services, NUMBER)


@on_sqlite
def test_an_account_that_is_there_keeps_its_number(services: Services) -> None:
    before = everything(services)

    sweep(services)

    assert before == everything(services)


def test_who_is_forgotten_leaves_a_digest(services: Services) -> None:
    """R112: `users forget`: the last rows of the links lose the number within the day."""
    user_data.forget_user(
        services.writer, User(local.ISSUER, NUMBER), secret_keys=KEYS, policy=POLICY, at=NOON
    )
    assert {"link", "outbox", "retired_subject"} == tables_with(services, NUMBER)

    sweep(services)
    for _ in finish_due(services.writer, NOON + TOMBSTONE_KEPT):
        pass

    assert set() == tables_with(services, NUMBER)
