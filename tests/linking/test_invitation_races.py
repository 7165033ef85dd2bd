"""Races of invitations: the database decides who claims, and that one Connect makes the link.

Tens here; `make drills-invitations` runs hundreds (DRILL_INVITATIONS) and prints what came of them.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final, TypeVar

import pytest
from sqlalchemy import URL, func, select
from sqlalchemy.orm import Session

from app.infra.database.engine import make_engine
from app.infra.database.writer import Writer
from app.linking import handlers, invitation_claims, invitation_consents, link_queries, voiding
from app.linking.handlers import Policy
from app.linking.invitation_errors import InvitationOver
from app.linking.invitation_links import Confirmed
from app.linking.invitation_models import Invitation
from app.linking.invitation_outcomes import Claimed
from app.linking.invitation_rows import Owner
from app.linking.invitations import Created
from app.linking.models import Link
from app.linking.values import User
from app.messenger.invitation_events import Claim
from app.messenger.types import Psid
from app.outbox.models import OutboxRow
from tests.installation import ANA, BEN, NOON, PAGE
from tests.linking.factories import MINUTE, SECOND
from tests.linking.invitation_factories import ELSE, OWNER, RULES, USER, accepted, claims, invited

T = TypeVar("T")

ROUNDS: Final = int(os.environ.get("DRILL_INVITATIONS", "10"))
AT_ONCE: Final = 2
POLICY: Final = Policy(frozenset({PAGE}), tells_bot=True, invitations=RULES)


@pytest.fixture
def writer(database: URL) -> Iterator[Writer]:
    engine = make_engine(database, pool_size=8)
    writer = Writer(engine)
    yield writer
    writer.close()
    engine.dispose()


def test_two_profiles_with_one_ref_never_make_two_claims(writer: Writer) -> None:
    """R128, R129: one claims, the other ends it; nobody is linked."""
    began, outcomes = time.perf_counter(), Counter[str]()
    for number in range(ROUNDS):
        owner = Owner(session_id=f"s{number}")
        created = writer.write(invited, owner=owner, user=_user(number))
        people = [Psid(f"{psid}{number}") for psid in (ANA, BEN)]

        def bring(which: int, one: Created = created, of: Sequence[Psid] = people) -> object:
            event = Claim(PAGE, of[which], NOON, "existing_thread", one.secrets.ref)
            return writer.write(invitation_claims.claim, event, rules=RULES, at=NOON)

        got = _at_once(bring)

        assert 1 == sum(isinstance(one, Claimed) for one in got)
        outcomes.update(type(one).__name__ for one in got)
        ended = writer.read(_stored, created)
        assert ("refused", "claimed twice") == (ended.ended_as, ended.reason)
    assert 0 == _count(writer, Link)
    _print("two profiles, one ref", began, outcomes)


def test_two_connects_make_one_link_and_one_notice(writer: Writer) -> None:
    """R126: a double click."""
    began, outcomes = time.perf_counter(), Counter[str]()
    for number in range(ROUNDS):
        owner, psid = Owner(session_id=f"s{number}"), Psid(f"{ANA}{number}")
        created = writer.write(accepted, owner=owner, user=_user(number), psid=psid)

        def connect(_: int, one: Created = created, by: Owner = owner) -> Confirmed:
            done = writer.write(
                invitation_consents.confirm,
                one.status.id,
                by,
                is_answer_to=lambda _: True,
                rules=RULES,
                at=NOON + MINUTE,
            )
            assert isinstance(done, Confirmed)
            return done

        got = _at_once(connect)

        assert [False, True] == sorted(one.is_new for one in got)
        outcomes.update("new" if one.is_new else "same" for one in got)
    assert ROUNDS == _count(writer, Link)
    assert ROUNDS == writer.read(_notices)
    _print("double Connect", began, outcomes)


def test_connect_beside_an_end_by_the_business_leaves_no_link(writer: Writer) -> None:
    """R126: whichever is first: either there was no link, or it was ended."""
    for number in range(ROUNDS):
        owner, psid = Owner(session_id=f"s{number}"), Psid(f"{ANA}{number}")
        created = writer.write(accepted, owner=owner, user=_user(number), psid=psid)

        def one_of(which: int, one: Created = created, by: Owner = owner, of: Psid = psid) -> None:
            if which:
                writer.write(
                    handlers.end_one, PAGE, of, cause="api", policy=POLICY, at=NOON + MINUTE
                )
                return
            try:
                writer.write(
                    invitation_consents.confirm,
                    one.status.id,
                    by,
                    is_answer_to=lambda _: True,
                    rules=RULES,
                    at=NOON + MINUTE,
                )
            except InvitationOver:
                return

        _at_once(one_of)

        assert writer.read(link_queries.find_link, PAGE, psid) is None


def test_two_invitations_for_one_profile_make_one_link(writer: Writer) -> None:
    """R127: whoever connects second finds it connected, or another's."""
    for number in range(ROUNDS):
        psid = Psid(f"{ANA}{number}")
        owners = [Owner(session_id=f"a{number}"), Owner(session_id=f"b{number}")]
        users = [_user(number), _user(number, ELSE.subject)]
        made = [
            writer.write(accepted, owner=owner, user=user, psid=psid, at=NOON + n * SECOND)
            for n, (owner, user) in enumerate(zip(owners, users, strict=True))
        ]

        def connect(
            which: int, ones: Sequence[Created] = made, by: Sequence[Owner] = owners
        ) -> object:
            return writer.write(
                invitation_consents.confirm,
                ones[which].status.id,
                by[which],
                is_answer_to=lambda _: True,
                rules=RULES,
                at=NOON + MINUTE,
            )

        got = _at_once(connect)

        assert 1 == sum(isinstance(one, Confirmed) for one in got)
        link = writer.read(link_queries.find_link, PAGE, psid)
        assert link is not None
        assert link.user in users


def test_a_claim_beside_the_end_of_its_user_links_nobody(writer: Writer) -> None:
    for number in range(ROUNDS):
        user = _user(number)
        created = writer.write(invited, owner=OWNER, user=user)

        def one_of(which: int, one: Created = created, of: User = user) -> object:
            if which:
                return writer.write(voiding.void_of_user, of, "account closed", at=NOON)
            return writer.write(claims, one)

        _at_once(one_of)

        left = writer.read(_stored, created)
        assert "refused" == left.ended_as


def _user(number: int, subject: str = USER.subject) -> User:
    return User(USER.issuer, f"{subject}{number}")


def _stored(session: Session, created: Created) -> Invitation:
    return session.get_one(Invitation, created.status.id)


def _at_once(do: Callable[[int], T]) -> list[T]:
    together = Barrier(AT_ONCE)

    def run(which: int) -> T:
        together.wait(10)
        return do(which)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(run, range(AT_ONCE)))


def _count(writer: Writer, table: type[Link]) -> int:
    return writer.read(lambda session: session.scalar(select(func.count()).select_from(table)) or 0)


def _notices(session: Session) -> int:
    return session.scalar(select(func.count()).where(OutboxRow.kind == "notice")) or 0


def _print(what: str, began: float, outcomes: Counter[str]) -> None:
    if "DRILL_INVITATIONS" in os.environ:
        took = time.perf_counter() - began
        sys.stdout.write(f"{what}: {ROUNDS} rounds in {took:.1f} s, {dict(outcomes)}\n")
