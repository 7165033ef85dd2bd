"""What the bot gives before a link comes back once, unchanged, and to nobody else (R132)."""

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, delete, func, select
from sqlalchemy.orm import Session

from app.infra.database.engine import make_engine
from app.infra.database.writer import Writer
from app.linking import attempts, changes, handlers, link_queries, resume, timeline, voiding
from app.linking.handlers import Policy
from app.linking.link_object import object_of
from app.linking.models import Attempt, Resume
from app.linking.retention import needless_names
from app.linking.values import ACCOUNT_CLOSED, Ticket
from app.messenger.events import AccountLinked, Unusable
from app.messenger.types import PageId, Psid
from app.outbox.models import OutboxRow
from app.web.api.buttons import Button
from app.web.api.operations import decoded
from tests.cleanups import clean
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import (
    JANE,
    MINUTE,
    OMAR,
    SECOND,
    confirm,
    confirmed,
    linked,
    signed_in,
    successor,
    user,
)

POLICY: Final = Policy(frozenset({PAGE, OTHER_PAGE}), tells_bot=True)
ORDER: Final = "order 1042"
# `make drills-resume` has 10,000 and 200.
TEXTS: Final = int(os.environ.get("DRILL_RESUME_TEXTS", "12"))
RACES: Final = int(os.environ.get("DRILL_RESUME_RACES", "3"))
MANY: Final = 8
tried = settings(max_examples=TEXTS, suppress_health_check=[HealthCheck.function_scoped_fixture])


def button(session: Session, text: str = ORDER, *, psid: Psid = ANA, page_id: PageId = PAGE) -> str:
    """Return the `state` in the address of a button that was sent with *text*."""
    return resume.keep(session, page_id, psid, text, at=NOON)


def comes_back(
    session: Session,
    code: str,
    *,
    psid: Psid = ANA,
    page_id: PageId = PAGE,
    event_at: datetime = NOON,
) -> None:
    event = AccountLinked(page_id, psid, event_at, code)
    handlers.handle(session, event, policy=POLICY, at=event_at)


def notices(session: Session) -> list[dict[str, Any]]:
    rows = select(OutboxRow).where(OutboxRow.kind == "notice").order_by(OutboxRow.id)
    return [json.loads(row.body) for row in session.scalars(rows)]


def told(session: Session) -> list[tuple[str, str | None]]:
    """Return of each notice its type and what it brings back."""
    return [(one["type"], one["data"]["resume"]) for one in notices(session)]


def kept(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Resume)) or 0


def state_of(session: Session) -> str | None:
    session.flush()
    session.expire_all()
    return session.scalar(select(Attempt.state_ref))


_seconds = itertools.count(1)


def brought_back(session: Session, state: str) -> Any:
    """Link Ana by an attempt with *state*; return what the bot is told of it."""
    at = NOON + next(_seconds) * SECOND
    comes_back(session, confirmed(session, state_ref=state, at=at), event_at=at)
    return notices(session)[-1]["data"]["resume"]


@tried
@example("\n")
@example("\u0001\u007f\u2028\ufeff\uffff \t")
@example("e\u0301 \u00e9 \U0001f600\U000e0001")
@example("😀" * 512)
@given(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=512
    )
)
def test_a_text_comes_back_bit_for_bit_and_once(session: Session, text: str) -> None:
    """R132: from the body that the bot posts to the notice that it gets."""
    body = json.dumps({"kind": "login", "psid": ANA, "resume": text}).encode()
    with session.begin_nested() as step:
        state = button(session, str(decoded(body, Button).resume))

        first, second = brought_back(session, state), brought_back(session, state)
        step.rollback()

    assert (text, None) == (first, second)


@tried
@example("~" * 128)
@example("r")
@example("R.x")
@given(st.from_regex(r"(?!r\.)[A-Za-z0-9._~-]{1,128}", fullmatch=True))
def test_a_short_text_in_an_address_comes_back(session: Session, text: str) -> None:
    """R132: as OAuth's clients know it (RFC 6749, 4.1.1)."""
    with session.begin_nested() as step:
        back = brought_back(session, str(resume.state_ref([text])))
        step.rollback()

    assert text == back


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["a", "a"],
        ["a b"],
        ["a/b"],
        ["é"],
        ["a\n"],
        ["x" * 129],
        ["r."],
        ["r.order"],
        ["r." + "x" * 23],
        ["r." + "x" * 21 + "\n"],
    ],
)
def test_any_other_state_is_ignored(values: Sequence[str]) -> None:
    assert resume.state_ref(values) is None


def test_an_address_without_our_buttons_takes_short_texts_alone() -> None:
    """An invitation is nobody's yet, so what was given to one person is no business of it."""
    of_row = "r." + "x" * 22

    assert (of_row, None) == (resume.state_ref([of_row]), resume.short_text([of_row]))
    assert "a" == resume.short_text(["a"])


@pytest.mark.parametrize(
    ("psid", "page_id"), [(BEN, PAGE), (ANA, OTHER_PAGE)], ids=["person", "page"]
)
def test_a_button_that_another_opens_brings_nothing(
    session: Session, psid: Psid, page_id: PageId
) -> None:
    """R132: its address was passed on; whom it was sent to still has it."""
    state = button(session)
    code = confirmed(session, psid=psid, page_id=page_id, state_ref=state)

    comes_back(session, code, psid=psid, page_id=page_id)
    comes_back(session, confirmed(session, state_ref=state))

    assert [("link.created", None), ("link.created", ORDER)] == told(session)


def test_a_second_tap_links_again_without_it(session: Session) -> None:
    """R132."""
    state = button(session)
    comes_back(session, confirmed(session, state_ref=state))
    comes_back(session, confirmed(session, as_=OMAR, state_ref=state), event_at=NOON + SECOND)

    assert [("link.created", ORDER), ("link.replaced", None)] == told(session)
    assert 0 == kept(session)


def test_whoever_replaces_another_brings_it_back(session: Session) -> None:
    linked(session, at=NOON - MINUTE)

    comes_back(session, confirmed(session, as_=OMAR, state_ref=button(session)))

    assert [("link.replaced", ORDER)] == told(session)


def test_messengers_repeat_brings_nothing_again(session: Session) -> None:
    code = confirmed(session, state_ref="order-1042")
    for _ in range(3):
        comes_back(session, code)

    assert [("link.created", "order-1042")] == told(session)


def _signs_out(session: Session, ticket: Ticket) -> Ticket:
    attempts.sign_out(session, ticket, successor(ticket), at=NOON)
    return successor(ticket)


def _signs_in(session: Session, ticket: Ticket, who: Any) -> Ticket:
    attempts.sign_in(session, ticket, who, successor(ticket), at=NOON)
    return successor(ticket)


@pytest.mark.parametrize("who", [JANE, OMAR], ids=["the same", "another"])
@pytest.mark.parametrize("kind", ["button", "short"])
def test_after_not_you_nothing_comes_back(session: Session, kind: str, who: Any) -> None:
    """R132: better lost than told of another; also where the same person signs in again."""
    state = button(session) if kind == "button" else "order-1042"
    ticket = _signs_out(session, signed_in(session, state_ref=state))

    comes_back(session, confirm(session, _signs_in(session, ticket, who)))

    assert [("link.created", None)] == told(session)


def test_another_who_signs_in_by_a_form_of_before_hears_nothing(session: Session) -> None:
    """R132: a sign-in page that was left open in a second tab; the same one again is a repeat."""
    same = _signs_in(session, signed_in(session, state_ref="same"), JANE)
    other = _signs_in(session, signed_in(session, state_ref="other", psid=BEN), OMAR)

    comes_back(session, confirm(session, same))
    comes_back(session, confirm(session, other), psid=BEN)

    assert [("link.created", "same"), ("link.created", None)] == told(session)


def test_a_code_that_came_too_late_brings_it_back(session: Session) -> None:
    """R132: the bot can say that it did not work, and what it was about."""
    comes_back(session, confirmed(session, state_ref=button(session)), event_at=NOON + 11 * MINUTE)

    assert [("link.refused", ORDER)] == told(session)


@pytest.mark.parametrize("state", ["order-1042", None], ids=["short", "button"])
def test_a_code_that_another_brings_does_not(session: Session, state: str | None) -> None:
    """R132: `other person`, `other page`, `spent`: who came is not who was asked."""
    state = state or button(session)
    stolen = confirmed(session, state_ref=state)
    comes_back(session, stolen, psid=BEN)
    comes_back(session, stolen, event_at=NOON + SECOND)
    astray = confirmed(session, state_ref=state)
    comes_back(session, astray, page_id=OTHER_PAGE)

    causes = [one["data"]["cause"] for one in notices(session)]
    assert ["other person", "spent", "other page"] == causes
    assert {("link.refused", None)} == {*told(session)}


@pytest.mark.parametrize("psid", [ANA, BEN])
def test_a_code_that_was_void_before_brings_it_to_its_person(session: Session, psid: Psid) -> None:
    """R132: the account was disabled while Messenger was on its way; and once, however often."""
    code = confirmed(session, state_ref="order-1042")
    voiding.void_of_user(session, user(JANE), ACCOUNT_CLOSED, at=NOON)

    comes_back(session, code, psid=psid)
    comes_back(session, code, psid=psid, event_at=NOON + SECOND)

    first = "order-1042" if psid == ANA else None
    assert [("link.refused", first), ("link.refused", None)] == told(session)


def test_an_event_of_nobody_brings_nothing(session: Session) -> None:
    code = confirmed(session, state_ref=button(session))

    handlers.handle(session, Unusable(code, "time"), policy=POLICY, at=NOON)

    assert [("link.refused", None)] == told(session)
    assert state_of(session) is None


def _cancelled(session: Session) -> None:
    attempts.cancel(session, signed_in(session, state_ref="a"), at=NOON)


def _refused(session: Session) -> None:
    attempts.refuse(session, signed_in(session, state_ref="a"), "region", at=NOON)


def _voided(session: Session) -> None:
    signed_in(session, state_ref="a")
    voiding.void_of_person(session, PAGE, ANA, "ended by us", at=NOON)


def _linked(session: Session) -> None:
    comes_back(session, confirmed(session, state_ref="a"))


def _superseded(session: Session) -> None:
    code = confirmed(session, state_ref="a")
    linked(session, psid=ANA, at=NOON + MINUTE)
    comes_back(session, code)


@pytest.mark.parametrize("ends", [_cancelled, _refused, _voided, _linked, _superseded])
def test_an_attempt_that_has_ended_keeps_none(
    session: Session, ends: Callable[[Session], None]
) -> None:
    """R132: and one that is superseded makes no notice either."""
    ends(session)

    session.flush()
    session.expire_all()
    assert {None} == {*session.scalars(select(Attempt.state_ref))}


@pytest.mark.parametrize(
    ("lives", "age", "is_kept"),
    [
        (signed_in, 4 * MINUTE, True),
        (signed_in, 5 * MINUTE, False),
        (confirmed, timedelta(hours=47), True),
        (confirmed, timedelta(hours=48), False),
    ],
    ids=["running", "expired", "link may come", "link will not come"],
)
def test_state_is_kept_only_while_it_is_needed(
    session: Session, lives: Callable[..., Any], age: timedelta, *, is_kept: bool
) -> None:
    """R132: an attempt that nobody ended is blanked by the sweep."""
    lives(session, state_ref="order-1042")

    session.flush()
    clean(session, *needless_names(NOON + age))

    assert ("order-1042" if is_kept else None) == state_of(session)


def test_a_text_that_nobody_took_goes_after_a_week_and_its_button_works(session: Session) -> None:
    """R132: KEEP_RESUME_DAYS."""
    state = button(session)
    session.flush()
    assert [] == clean(session, resume.old(NOON - SECOND))

    assert [1] == clean(session, resume.old(NOON))
    comes_back(session, confirmed(session, state_ref=state))

    assert [("link.created", None)] == told(session)


def test_a_business_without_a_bot_spends_nothing(session: Session) -> None:
    """It is taken with a notice or not at all: who sets up a bot later has lost none."""
    event = AccountLinked(PAGE, ANA, NOON, confirmed(session, state_ref=button(session)))

    handlers.handle(session, event, policy=Policy(POLICY.pages, tells_bot=False), at=NOON)

    assert ([], 1) == (notices(session), kept(session))


def test_a_transaction_that_fails_has_taken_nothing(session: Session) -> None:
    """R132: no notice, no loss."""
    state = button(session)
    with session.begin_nested() as step:
        comes_back(session, confirmed(session, state_ref=state))
        step.rollback()

    comes_back(session, confirmed(session, state_ref=state))

    assert [("link.created", ORDER)] == told(session)


def test_look_ups_changes_and_outcomes_do_not_have_it(session: Session) -> None:
    """R132: nor does what a log line is made of."""
    event = AccountLinked(PAGE, ANA, NOON, confirmed(session, state_ref="order-1042"))
    outcome = handlers.handle(session, event, policy=POLICY, at=NOON)
    session.flush()
    changes.number(session, most=10)

    link = link_queries.find_link(session, PAGE, ANA)
    assert link is not None
    (change,) = changes.since(session, 0, page=None, most=10)
    shown = (repr(outcome), repr(link), repr(object_of(link)), repr(object_of(change.link)))
    assert not [one for one in shown if "order-1042" in one or "resume" in one]


@pytest.mark.parametrize(
    ("state", "words"),
    [(None, "resume: of the bot's button"), ("order-1042", "resume: 10 characters")],
)
def test_an_operator_sees_that_there_is_one_and_not_what(
    session: Session, state: str | None, words: str
) -> None:
    """R132."""
    state = state or button(session)
    signed_in(session, state_ref=state)
    reference = session.scalar(select(Attempt.reference)) or ""

    shown = timeline.timeline_of(session, reference, at=NOON)

    assert shown is not None
    assert words in [step.words for step in shown.steps]
    assert not [one for one in (state, state[2:], ORDER) if one in str(shown.steps)]


@pytest.fixture
def writer(database: URL) -> Iterator[Writer]:
    engine = make_engine(database, pool_size=MANY)
    yield Writer(engine)
    engine.dispose()


@pytest.mark.parametrize("kind", ["button", "void"])
def test_of_many_notices_at_once_one_has_it(writer: Writer, kind: str) -> None:
    """R132: taps of one button that come back together; one void code in several events."""
    for number in range(RACES):
        ask = _taps if kind == "button" else _events_of_a_void_code
        events = ask(writer, Psid(f"{ANA}{number}"))

        _at_once(writer, events)

        brought = [text for _, text in writer.read(told)]
        writer.write(_forget_notices)
        assert MANY == len(brought)
        assert 1 == brought.count(ORDER if kind == "button" else "order-1042")


def _forget_notices(session: Session) -> None:
    session.execute(delete(OutboxRow))


def _taps(writer: Writer, psid: Psid) -> list[AccountLinked]:
    state = writer.write(button, psid=psid)
    codes = [writer.write(confirmed, psid=psid, state_ref=state) for _ in range(MANY)]
    # Too late, so that each is told, in whatever order they come.
    return [
        AccountLinked(PAGE, psid, NOON + 11 * MINUTE + number * SECOND, code)
        for number, code in enumerate(codes)
    ]


def _events_of_a_void_code(writer: Writer, psid: Psid) -> list[AccountLinked]:
    code = writer.write(confirmed, psid=psid, state_ref="order-1042")
    writer.write(voiding.void_of_person, PAGE, psid, ACCOUNT_CLOSED, at=NOON)
    return [AccountLinked(PAGE, psid, NOON + number * SECOND, code) for number in range(MANY)]


def _at_once(writer: Writer, events: Sequence[AccountLinked]) -> None:
    barrier = threading.Barrier(len(events))

    def begin(event: AccountLinked) -> None:
        barrier.wait()
        writer.write(handlers.handle, event, policy=POLICY, at=event.event_at)

    with ThreadPoolExecutor(len(events)) as pool:
        list(pool.map(begin, events))
