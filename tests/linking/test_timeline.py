"""The timeline of an attempt, as an operator reads it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.linking import attempts, delivery_counts, graph_unlink, handlers, links, timeline
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.attempt_status import LIFE, status_of
from app.linking.conclusion import PATIENCE
from app.linking.handlers import Policy
from app.linking.models import Attempt
from app.linking.timeline import Timeline
from app.linking.values import Ticket
from app.messenger.events import AccountLinked
from app.outbox.models import OutboxRow
from app.outbox.queue import enqueue_once
from app.services.container import Services
from tests.actors import Graph, Person, log_in
from tests.installation import ANA, BEN, NOON, PAGE
from tests.linking.factories import (
    FOREIGN_JANE,
    JANE,
    MINUTE,
    SECOND,
    comes_back,
    confirm,
    opened,
    recognised,
    signed_in,
)


def _open(session: Session) -> Ticket:
    return opened(session)


def _refused_sign_ins(session: Session) -> Ticket:
    ticket = opened(session)
    attempts.recognise(session, ticket, recognised(ANA, "Ana Berg"), at=NOON)
    return ticket


def _cancelled(session: Session) -> Ticket:
    ticket = signed_in(session)
    attempts.cancel(session, ticket, at=NOON)
    return ticket


def _confirmed(session: Session) -> Ticket:
    ticket = signed_in(session)
    confirm(session, ticket)
    return ticket


def _linked(session: Session) -> Ticket:
    ticket = signed_in(session)
    comes_back(session, confirm(session, ticket))
    return ticket


def _stolen(session: Session) -> Ticket:
    ticket = signed_in(session)
    comes_back(session, confirm(session, ticket), psid=BEN)
    return ticket


def _unusable(session: Session) -> Ticket:
    ticket = signed_in(session)
    links.burn(session, confirm(session, ticket), "time", at=NOON)
    return ticket


def _brought_by_a_log_out(session: Session) -> Ticket:
    ticket = signed_in(session)
    links.burn(session, confirm(session, ticket), "unlinked", at=NOON)
    return ticket


def _token_refused(session: Session) -> Ticket:
    ticket = opened(session)
    attempts.refuse(session, ticket, "token refused", at=NOON)
    return ticket


@pytest.mark.parametrize(
    ("lived", "after", "slug"),
    [
        pytest.param(_open, timedelta(0), "never_displayed", id="open"),
        pytest.param(_refused_sign_ins, timedelta(0), "left_sign_in", id="recognised"),
        pytest.param(signed_in, timedelta(0), "left_confirm", id="signed in"),
        pytest.param(_open, LIFE, "never_displayed", id="expired"),
        pytest.param(_cancelled, timedelta(0), "cancelled", id="cancelled"),
        pytest.param(_token_refused, timedelta(0), "token_refused", id="token"),
        pytest.param(_confirmed, PATIENCE, "waiting", id="confirmed"),
        pytest.param(_confirmed, PATIENCE + SECOND, "webhook_silent", id="silence"),
        pytest.param(_linked, timedelta(days=1), "linked", id="linked"),
        pytest.param(_stolen, timedelta(0), "event_other_person", id="stolen"),
        pytest.param(_unusable, timedelta(0), "event_unusable", id="unusable"),
        pytest.param(_brought_by_a_log_out, timedelta(0), "event_unusable", id="log-out"),
    ],
)
def test_the_timeline_says_what_became_of_an_attempt(
    session: Session, lived: Callable[[Session], Ticket], after: timedelta, slug: str
) -> None:
    ticket = lived(session)

    assert slug == _told(session, ticket, at=NOON + after).conclusion.cause.slug


def test_the_timeline_has_each_step_in_order(session: Session) -> None:
    told = _told(session, _linked(session))

    words = [step.words for step in told.steps]
    assert [
        "opened",
        f"signed in as {JANE.display_name} (local)",
        "confirmed, sent back to Messenger with a code",
        "linked",
    ] == words


def test_an_unknown_reference_has_no_timeline(session: Session) -> None:
    assert timeline.timeline_of(session, "0000-0000", at=NOON) is None


def test_the_timeline_gives_nothing_away_that_could_be_used(session: Session) -> None:
    """R29: an operator pastes it into a ticket."""
    ticket = signed_in(session, token="ARRtokenofana")
    code = confirm(session, ticket)

    told = str(_told(session, ticket))

    for secret in (code, ticket.secret, "ARRtokenofana"):
        assert secret not in told


def _told(session: Session, ticket: Ticket, *, at: datetime = NOON) -> Timeline:
    reference = status_of(session, ticket, at=at).reference
    told = timeline.timeline_of(session, reference, at=at)
    assert told is not None
    return told


@pytest.fixture
def never_confirmed(services: Services, jane: str, graph: Graph, person: Person) -> Attempt:
    """Return an attempt that was sent back with a code."""
    assert jane
    login = log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    person.connects()
    return services.read(lambda session: session.scalars(select(Attempt)).one())


@pytest.mark.parametrize(
    ("counts", "slug", "words"),
    [
        pytest.param({}, "webhook_silent", "no delivery of any kind came", id="nothing came"),
        pytest.param({"refused": 3}, "webhook_signature", "3 deliveries", id="refused"),
        pytest.param(
            {"current": 2, "previous": 1, "refused": 1},
            "field_not_subscribed",
            "3 deliveries of other kinds",
            id="others came",
        ),
    ],
)
def test_an_overdue_event_is_explained_by_the_deliveries_that_came(
    services: Services,
    never_confirmed: Attempt,
    counts: dict[delivery_counts.Signer, int],
    slug: str,
    words: str,
) -> None:
    assert never_confirmed.confirmed_at
    minute = delivery_counts.minute_of(never_confirmed.confirmed_at)
    if counts:
        rows = {(minute, outcome): number for outcome, number in counts.items()}
        services.write(delivery_counts.add, rows)

    later = never_confirmed.confirmed_at + timedelta(minutes=3)
    told = services.read(timeline.timeline_of, never_confirmed.reference, at=later)

    assert told is not None
    assert slug == told.conclusion.cause.slug
    assert words in told.conclusion.sentence


def test_nothing_is_concluded_while_the_event_is_not_overdue(
    services: Services, never_confirmed: Attempt
) -> None:
    assert never_confirmed.confirmed_at

    soon = never_confirmed.confirmed_at + timedelta(minutes=2)
    told = services.read(timeline.timeline_of, never_confirmed.reference, at=soon)

    assert told is not None
    assert "waiting" == told.conclusion.cause.slug


def _noted(session: Session, *notes: Note) -> None:
    for note in notes:
        record(session, {note.key: Counted.one(note)})


def test_obstacles_stand_between_the_steps_with_first_and_last_time(session: Session) -> None:
    ticket = opened(session)
    reference = status_of(session, ticket, at=NOON).reference
    wrong = Note(reference=reference, kind=Kind.CREDENTIALS_WRONG, at=NOON, subject="local")
    page = Note(reference=reference, kind=Kind.PAGE_SHOWN, at=NOON + SECOND, subject="sign_in")
    _noted(
        session,
        page,
        *(replace(wrong, at=NOON + second * SECOND) for second in (10, 20)),
        replace(wrong, at=NOON + 30 * SECOND, detail="no_such_account"),
    )

    told = _told(session, ticket, at=NOON + MINUTE)

    assert ["opened", "sign-in page sent"] == [step.words for step in told.steps[:2]]
    last = told.steps[2]
    assert "wrong name or password (local): there is no such account, 3 times" == last.words
    assert (NOON + 10 * SECOND, NOON + 30 * SECOND) == (last.at, last.until)
    assert "local" == told.authenticator
    assert "3 times, last at 12:00:30 UTC" in told.conclusion.sentence
    # Whether there is such an account is for the steps, which support reads, alone.
    assert "no such account" not in told.conclusion.sentence


@pytest.mark.parametrize(
    ("identity", "tried", "named"),
    [
        (JANE, "ldap:staff", "local"),
        (FOREIGN_JANE, "oidc:shop", "oidc:shop"),
        # Its events were lost, or have not been stored yet.
        (FOREIGN_JANE, None, "oidc"),
    ],
)
def test_whoever_has_signed_in_did_so_by_one_authenticator(
    session: Session, identity: Identity, tried: str | None, named: str
) -> None:
    """Another that was tried before is not it, and a provider has no address for its name."""
    ticket = signed_in(session, as_=identity)
    if tried is not None:
        reference = status_of(session, ticket, at=NOON).reference
        returned = Note(
            reference=reference, kind=Kind.PROVIDER_RETURNED, at=NOON, subject="oidc:shop"
        )
        wrong = Note(reference=reference, kind=Kind.CREDENTIALS_WRONG, at=NOON, subject=tried)
        _noted(session, returned if tried == named else wrong)

    assert named == _told(session, ticket, at=NOON + MINUTE).authenticator


def test_a_request_without_an_attempt_has_a_timeline_too(session: Session) -> None:
    """The reference on "This link is not right" led nowhere."""
    refused = Note(
        reference="q3m9-7d2k",
        kind=Kind.ENTRY_REFUSED,
        at=NOON,
        subject="redirect_refused",
        detail="origin",
        page_id=PAGE,
    )
    _noted(session, refused)

    told = timeline.timeline_of(session, "q3m9-7d2k", at=NOON)

    assert told is not None
    assert ("none", PAGE, "entry_redirect") == (
        told.state,
        told.page_id,
        told.conclusion.cause.slug,
    )
    assert ["request refused: redirect refused: origin"] == [step.words for step in told.steps]


def _owed(session: Session, ticket: Ticket) -> list[tuple[str, str]]:
    return [(one.kind, one.state) for one in _told(session, ticket).owed]


def test_an_owed_unlink_of_this_person_is_told_until_they_are_linked(session: Session) -> None:
    ticket = signed_in(session)
    graph_unlink.enqueue_unlink(session, PAGE, BEN, at=NOON)
    assert [] == _owed(session, ticket)
    graph_unlink.enqueue_unlink(session, PAGE, ANA, at=NOON)
    session.flush()

    assert [("graph.unlink", "waiting")] == _owed(session, ticket)
    assert "still shows Log Out" in _told(session, ticket).owed[0].sentence
    session.execute(update(OutboxRow).values(state="dead", failure="PersonUnknown"))
    assert [("graph.unlink", "dead")] == _owed(session, ticket)

    comes_back(session, confirm(session, ticket))
    assert [] == _owed(session, ticket)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "has not got its notice yet"),
        ("dead", "never got its notice"),
        ("done", "The bot got its notice."),
    ],
)
def test_the_bots_notice_of_this_attempt_is_told(session: Session, state: str, words: str) -> None:
    policy = Policy(frozenset({PAGE}), tells_bot=True)
    mine, other = signed_in(session), signed_in(session, psid=BEN)
    for ticket, psid in ((mine, ANA), (other, BEN)):
        event = AccountLinked(PAGE, psid, NOON, confirm(session, ticket))
        handlers.handle(session, event, policy=policy, at=NOON)
    reference = status_of(session, mine, at=NOON).reference
    session.execute(update(OutboxRow).values(state="waiting"))
    session.execute(update(OutboxRow).where(OutboxRow.reference == reference).values(state=state))

    assert [("notice", state)] == _owed(session, mine)
    assert words in _told(session, mine).owed[0].sentence


def test_a_delivery_has_no_reference_and_so_no_second_index(session: Session) -> None:
    """Only notices pay for being found by their attempt."""
    enqueue_once(session, "delivery", b"{}", head="{}", at=NOON)

    assert [None] == session.scalars(select(OutboxRow.reference)).all()


@pytest.mark.parametrize(
    ("index", "query"),
    [
        ("ix_outbox_reference", "reference = :a"),
        (
            "ix_outbox_kept",
            "outbox.state <> 'done' AND kind = :a AND state IN (:b, :c) AND body = :d",
        ),
    ],
)
def test_what_is_owed_is_found_by_an_index(session: Session, index: str, query: str) -> None:
    """A look at one attempt reads no backlog of deliveries."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        # Of a few rows, PostgreSQL would read all.
        session.execute(text("SET LOCAL enable_seqscan = off"))
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"

    given = {**dict.fromkeys("abc", "x"), "d": b"x"}
    plan = session.execute(text(f"{explain} SELECT id FROM outbox WHERE {query}"), given).all()  # noqa: S608

    assert index in str(plan)
