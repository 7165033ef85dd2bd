"""Links: made, refused, replaced and ended, in any order of events."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.linking import link_queries, links
from app.linking.authorization_codes import CLOCK_SKEW, CODE_LIFE, digest
from app.linking.links import MOST_AHEAD
from app.linking.models import Attempt, Link, LinkEvent
from app.linking.values import ACCOUNT_CLOSED, Made, Refused
from app.linking.voiding import void_of_user
from app.messenger.types import PageId, Psid
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import (
    FOREIGN_JANE,
    JANE,
    MINUTE,
    OMAR,
    SECOND,
    comes_back,
    confirm,
    confirmed,
    linked,
    logs_out,
    signed_in,
    user,
)

DAY = timedelta(days=1)


def test_a_code_that_comes_back_makes_the_link(session: Session) -> None:
    code = confirmed(session, psid=ANA, as_=JANE)

    made = comes_back(session, code, psid=ANA)

    assert isinstance(made, Made)
    assert made.replaced is None
    assert made.link == link_queries.find_link(session, PAGE, ANA)
    assert (user(JANE), "linked", 1, NOON, "messenger") == (
        made.link.user,
        made.link.state,
        made.link.version,
        made.link.event_at,
        made.link.cause,
    )
    assert (JANE.display_name, "Ana Berg") == (made.link.display_name, made.link.messenger_name)
    assert [("linked", "messenger", JANE.subject)] == _history(session)


def test_a_link_is_of_one_page_only(session: Session) -> None:
    """A PSID means nothing without its page."""
    linked(session, psid=ANA, page_id=PAGE)

    assert link_queries.find_link(session, OTHER_PAGE, ANA) is None


def test_a_stolen_code_links_nobody_and_is_burnt(session: Session) -> None:
    """R32: Messenger passes on whatever code a browser brings, with that browser's PSID."""
    code = confirmed(session, psid=ANA, as_=JANE)
    reference = session.scalar(select(Attempt.reference))

    theft = comes_back(session, code, psid=BEN)
    owner = comes_back(session, code, psid=ANA)

    assert Refused("other person", user(JANE), reference) == theft
    assert Refused("spent", user(JANE), reference) == owner
    assert session.scalar(select(Link)) is None


def test_a_code_of_another_page_links_nobody_and_is_burnt(session: Session) -> None:
    """R31."""
    code = confirmed(session, page_id=PAGE)

    elsewhere = comes_back(session, code, page_id=OTHER_PAGE)
    here = comes_back(session, code, page_id=PAGE)

    assert ["other page", "spent"] == [_reason(elsewhere), _reason(here)]
    assert session.scalar(select(Link)) is None


def test_an_unknown_code_links_nobody(session: Session) -> None:
    """R30."""
    refused = comes_back(session, "tl_made-up")

    assert Refused("unknown", None, None) == refused
    assert [("refused", "unknown", None)] == _history(session)
    assert session.scalar(select(Link)) is None


@pytest.mark.parametrize(
    ("passed", "is_good"),
    [
        pytest.param(-CLOCK_SKEW - SECOND, False, id="three minutes before"),
        pytest.param(-CLOCK_SKEW, True, id="two minutes before"),
        pytest.param(timedelta(0), True, id="at once"),
        pytest.param(CODE_LIFE, True, id="ten minutes after"),
        pytest.param(CODE_LIFE + SECOND, False, id="later"),
        pytest.param(DAY, False, id="a day after"),
    ],
)
def test_a_code_is_good_by_the_time_of_the_event(
    session: Session, passed: timedelta, *, is_good: bool
) -> None:
    """R30: confirmed_at - 120 s <= event time <= confirmed_at + 10 min."""
    code = confirmed(session, at=NOON)

    outcome = comes_back(session, code, event_at=NOON + passed, at=NOON)
    again = comes_back(session, code, event_at=NOON + SECOND, at=NOON)

    assert is_good == isinstance(outcome, Made)
    assert is_good == (link_queries.find_link(session, PAGE, ANA) is not None)
    assert (again is None) == is_good
    if not is_good:
        assert ["expired", "spent"] == [_reason(outcome), _reason(again)]


def test_an_outage_of_ours_does_not_make_a_code_old(session: Session) -> None:
    """Messenger repeats for a day; what counts is when the person came back, not when we heard."""
    code = confirmed(session, at=NOON)

    outcome = comes_back(session, code, event_at=NOON + MINUTE, at=NOON + DAY)

    assert isinstance(outcome, Made)


def test_a_code_of_a_closed_account_links_nobody(session: Session) -> None:
    code = confirmed(session, as_=JANE)
    void_of_user(session, user(JANE), ACCOUNT_CLOSED, at=NOON)

    outcome = comes_back(session, code)

    assert "account closed" == _reason(outcome)
    assert link_queries.find_link(session, PAGE, ANA) is None


def test_the_codes_attempt_says_why_it_made_no_link(session: Session) -> None:
    code = confirmed(session)

    comes_back(session, code, psid=BEN)

    attempt = session.scalars(select(Attempt)).one()
    assert ("refused", "other person") == (attempt.ended_as, attempt.reason)


@pytest.mark.parametrize("later", [SECOND, timedelta(hours=1), timedelta(days=30)], ids=str)
def test_a_repeated_linked_changes_nothing_at_any_age(session: Session, later: timedelta) -> None:
    """R36."""
    code = confirmed(session)
    comes_back(session, code)
    before = _dump(session)

    again = comes_back(session, code, event_at=NOON, at=NOON + later)

    assert again is None
    assert before == _dump(session)


def test_a_repeat_is_known_when_its_attempt_is_long_gone(session: Session) -> None:
    """R36: attempts are kept for 30 days, history for a year."""
    code = confirmed(session)
    comes_back(session, code)
    session.execute(delete(Attempt))
    before = _dump(session)

    again = comes_back(session, code, event_at=NOON, at=NOON + 60 * DAY)

    assert again is None
    assert before == _dump(session)


def test_a_repeated_linked_does_not_revive_what_has_ended_since(session: Session) -> None:
    code = confirmed(session)
    comes_back(session, code)
    logs_out(session, event_at=NOON + SECOND)

    again = comes_back(session, code, event_at=NOON, at=NOON + MINUTE)

    assert again is None
    assert link_queries.find_link(session, PAGE, ANA) is None


def test_a_repeated_refusal_is_told_once(session: Session) -> None:
    first = comes_back(session, "tl_made-up")

    again = comes_back(session, "tl_made-up", at=NOON + DAY)

    assert "unknown" == _reason(first)
    assert again is None
    assert 1 == len(_history(session))


def test_a_repeated_unlinked_changes_nothing(session: Session) -> None:
    """R36."""
    linked(session)
    logs_out(session, event_at=NOON + MINUTE)
    before = _dump(session)

    again = logs_out(session, event_at=NOON + MINUTE, at=NOON + DAY)

    assert again is None
    assert before == _dump(session)


def test_a_spent_code_brought_by_somebody_else_harms_nobody(session: Session) -> None:
    """R33: the holder keeps the link; the operator hears of it."""
    code = confirmed(session, psid=ANA)
    comes_back(session, code, psid=ANA)

    thief = comes_back(session, code, psid=BEN)

    assert "spent" == _reason(thief)
    assert isinstance(thief, Refused)
    assert user(JANE) == thief.user
    assert link_queries.find_link(session, PAGE, BEN) is None
    assert link_queries.find_link(session, PAGE, ANA) is not None


def test_an_unlinked_ends_the_link(session: Session) -> None:
    linked(session)

    ended = logs_out(session, event_at=NOON + MINUTE)

    assert ended is not None
    assert (user(JANE), "ended", 2, "messenger") == (
        ended.user,
        ended.state,
        ended.version,
        ended.cause,
    )
    assert link_queries.find_link(session, PAGE, ANA) is None


def test_an_older_unlinked_that_comes_late_ends_nothing(session: Session) -> None:
    """R35: it ended what stood before."""
    linked(session, at=NOON)

    ended = logs_out(session, event_at=NOON - SECOND, at=NOON + MINUTE)

    assert ended is None
    assert link_queries.find_link(session, PAGE, ANA) is not None
    assert ("unlinked", "superseded", JANE.subject) in _history(session)


def test_an_older_linked_that_comes_late_does_not_stand(session: Session) -> None:
    """R35: it is recorded and not made current."""
    code = confirmed(session)
    logs_out(session, event_at=NOON + SECOND)

    outcome = comes_back(session, code, event_at=NOON, at=NOON + MINUTE)

    assert outcome is None
    assert link_queries.find_link(session, PAGE, ANA) is None
    assert ("linked", "superseded", JANE.subject) in _history(session)


@pytest.mark.parametrize("first", ["linked", "unlinked"])
def test_at_equal_times_the_end_wins_in_either_order(session: Session, first: str) -> None:
    """A link too few is a tap, a link too many a leak."""
    code = confirmed(session)

    if first == "linked":
        comes_back(session, code, event_at=NOON)
    logs_out(session, event_at=NOON)
    if first == "unlinked":
        comes_back(session, code, event_at=NOON)

    assert link_queries.find_link(session, PAGE, ANA) is None


def test_an_unlinked_of_nobody_leaves_a_bare_tombstone(session: Session) -> None:
    """R37: no end to tell, and yet an older linked must not stand."""
    ended = logs_out(session, event_at=NOON)

    row = session.get_one(Link, (PAGE, ANA))
    assert ended is None
    assert ("ended", 0, None, NOON) == (row.state, row.version, row.subject, row.event_at)
    assert link_queries.list_links(session, page=None, after=None, most=10) == ()


def test_the_first_link_after_a_bare_tombstone_is_version_one(session: Session) -> None:
    logs_out(session, event_at=NOON - MINUTE)

    assert 1 == linked(session, at=NOON).version


def test_a_time_far_ahead_counts_as_arrival(session: Session) -> None:
    """Else nothing could end the link for as long as Meta's clock was wrong."""
    code = confirmed(session, at=NOON)
    ahead = NOON + CODE_LIFE
    arrived = ahead - MOST_AHEAD - SECOND
    comes_back(session, code, event_at=ahead, at=arrived)

    ended = logs_out(session, event_at=arrived + SECOND, at=arrived + MINUTE)

    assert ended is not None
    assert session.get_one(Link, (PAGE, ANA)).event_at == arrived + SECOND


def test_a_time_a_little_ahead_is_taken_as_it_is(session: Session) -> None:
    code = confirmed(session, at=NOON)

    comes_back(session, code, event_at=NOON + CODE_LIFE, at=NOON + CODE_LIFE - MOST_AHEAD)

    assert session.get_one(Link, (PAGE, ANA)).event_at == NOON + CODE_LIFE


def test_an_unlinked_far_ahead_does_not_keep_a_person_out(session: Session) -> None:
    logs_out(session, event_at=NOON + 365 * DAY, at=NOON)

    assert "linked" == linked(session, at=NOON + SECOND).state


def test_history_keeps_the_time_as_it_was_received(session: Session) -> None:
    """Else a repeat that arrives later would be another event."""
    ahead = NOON + DAY
    logs_out(session, event_at=ahead, at=NOON)

    logs_out(session, event_at=ahead, at=NOON + MINUTE)

    assert [ahead] == list(session.scalars(select(LinkEvent.event_at)))
    assert NOON == session.get_one(Link, (PAGE, ANA)).event_at


def test_another_account_takes_the_profile_over(session: Session) -> None:
    linked(session, as_=JANE, at=NOON)
    code = confirmed(session, as_=OMAR, at=NOON + MINUTE)

    made = comes_back(session, code, event_at=NOON + MINUTE)

    assert isinstance(made, Made)
    assert user(JANE) == made.replaced
    assert (user(OMAR), 2) == (made.link.user, made.link.version)
    assert [("linked", OMAR.subject), ("replaced", JANE.subject)] == [
        (status, subject) for status, _, subject in _history(session)[1:]
    ]


@pytest.mark.parametrize(
    ("before", "replaced"), [(JANE, None), (FOREIGN_JANE, FOREIGN_JANE)], ids=["same", "issuer"]
)
def test_who_is_replaced_is_told_by_issuer_and_subject(
    session: Session, before: Identity, replaced: Identity | None
) -> None:
    """A subject means nothing without its issuer."""
    linked(session, as_=before, at=NOON)
    code = confirmed(session, as_=JANE, at=NOON + MINUTE)

    made = comes_back(session, code, event_at=NOON + MINUTE)

    assert isinstance(made, Made)
    assert (replaced and user(replaced)) == made.replaced
    assert 2 == made.link.version


def test_a_link_that_had_ended_is_not_replaced(session: Session) -> None:
    linked(session, as_=JANE, at=NOON)
    logs_out(session, event_at=NOON + SECOND)
    code = confirmed(session, as_=OMAR, at=NOON + MINUTE)

    made = comes_back(session, code, event_at=NOON + MINUTE)

    assert isinstance(made, Made)
    assert made.replaced is None
    assert 3 == made.link.version


def test_we_end_a_link_and_say_why(session: Session) -> None:
    linked(session)

    ended = links.end(session, PAGE, ANA, cause="operator", at=NOON + MINUTE)

    assert ended is not None
    assert ("ended", 2, "operator", user(JANE)) == (
        ended.state,
        ended.version,
        ended.cause,
        ended.user,
    )
    assert ("unlinked", "operator", JANE.subject) == _history(session)[-1]


def test_nobody_is_ended_twice(session: Session) -> None:
    linked(session)
    links.end(session, PAGE, ANA, cause="operator", at=NOON)
    before = _dump(session)

    again = links.end(session, PAGE, ANA, cause="operator", at=NOON + MINUTE)

    assert again is None
    assert before == _dump(session)


def test_messengers_answer_to_our_end_changes_nothing(session: Session) -> None:
    """Messenger says "unlinked" when it is told of the end, which was told already."""
    linked(session)
    links.end(session, PAGE, ANA, cause="operator", at=NOON + MINUTE)

    ended = logs_out(session, event_at=NOON + MINUTE)

    row = session.get_one(Link, (PAGE, ANA))
    assert ended is None
    assert (2, "operator") == (row.version, row.cause)


def test_what_was_confirmed_before_our_end_is_void(session: Session) -> None:
    linked(session, at=NOON)
    code = confirmed(session, at=NOON + MINUTE)
    links.end(session, PAGE, ANA, cause="operator", at=NOON + 2 * MINUTE)

    outcome = comes_back(session, code, event_at=NOON + 3 * MINUTE)

    assert "ended by us" == _reason(outcome)
    assert link_queries.find_link(session, PAGE, ANA) is None


def test_what_is_confirmed_after_our_end_is_good(session: Session) -> None:
    linked(session, at=NOON)
    links.end(session, PAGE, ANA, cause="operator", at=NOON + MINUTE)

    assert 3 == linked(session, as_=OMAR, at=NOON + 2 * MINUTE).version


def test_what_our_end_made_void_stays_void_after_a_new_link(session: Session) -> None:
    """Else a second tab, confirmed for another account, could take the new link over."""
    linked(session, at=NOON)
    void = confirmed(session, as_=OMAR, at=NOON + MINUTE)
    links.end(session, PAGE, ANA, cause="operator", at=NOON + 2 * MINUTE)
    linked(session, as_=JANE, at=NOON + 3 * MINUTE)

    outcome = comes_back(session, void, event_at=NOON + 4 * MINUTE)

    assert "ended by us" == _reason(outcome)
    standing = link_queries.find_link(session, PAGE, ANA)
    assert standing is not None
    assert user(JANE) == standing.user


def test_links_are_listed_in_batches_by_their_keys(session: Session) -> None:
    keys = [(PAGE, ANA), (PAGE, BEN), (OTHER_PAGE, ANA)]
    for page_id, psid in keys:
        linked(session, psid=psid, page_id=page_id)
    linked(session, psid=Psid("77")).state = "ended"

    listed: list[tuple[PageId, Psid]] = []
    while batch := link_queries.list_links(
        session, page=None, after=listed[-1] if listed else None, most=2
    ):
        listed += [(link.page_id, link.psid) for link in batch]

    assert sorted(keys) == listed


def test_links_of_one_page_are_listed_alone(session: Session) -> None:
    linked(session, page_id=PAGE)
    linked(session, page_id=OTHER_PAGE)

    (only,) = link_queries.list_links(session, page=OTHER_PAGE, after=None, most=10)

    assert OTHER_PAGE == only.page_id


def test_the_links_of_a_user_are_found_by_issuer_and_subject(session: Session) -> None:
    linked(session, psid=ANA, as_=JANE)
    linked(session, psid=BEN, as_=FOREIGN_JANE)

    assert [ANA] == [link.psid for link in link_queries.links_of_user(session, user(JANE))]


def test_no_row_holds_a_code_a_secret_or_a_token(session: Session) -> None:
    """R29: hashes only, in every table, before and after the code is spent."""
    ticket = signed_in(session, token="ARRtokenofana")
    code = confirm(session, ticket)
    before = _dump(session)
    comes_back(session, code)
    comes_back(session, "tl_made-up", psid=BEN)

    after = _dump(session)

    for secret in (code, code.removeprefix("tl_"), ticket.secret, "ARRtokenofana", "tl_made-up"):
        assert secret not in before + after
    assert digest(code) in before


def _reason(outcome: object) -> str | None:
    return outcome.reason if isinstance(outcome, Refused) else None


def _history(session: Session) -> list[tuple[str, str, str | None]]:
    rows = session.scalars(select(LinkEvent).order_by(LinkEvent.id))
    return [(row.status, row.cause, row.subject) for row in rows]


def _dump(session: Session) -> str:
    """Return every cell of every table as text."""
    session.flush()
    tables = (Attempt.metadata.tables[name] for name in sorted(Attempt.metadata.tables))
    return "\n".join(str(row) for table in tables for row in session.execute(select(table)))
