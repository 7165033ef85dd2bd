"""Invitations: two consents, one claim, nobody's link replaced (R126-R129, R131)."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.accounts.rate_limiter import RateLimited
from app.linking import (
    handlers,
    invitation_answers,
    invitation_consents,
    invitation_rows,
    invitation_secrets,
    invitations,
    link_queries,
    links,
    voiding,
)
from app.linking.chat_messages import ASK, SAY, Said, Text
from app.linking.handlers import Policy
from app.linking.invitation_claims import ChatRules
from app.linking.invitation_errors import (
    AskedTooOften,
    InvitationError,
    InvitationOver,
    InvitationUnknown,
    NobodyToInvite,
    NotAccepted,
    NothingToAsk,
    QuestionChanged,
    TooManyLinks,
    WrongDigits,
)
from app.linking.invitation_links import Confirmed, Refusal
from app.linking.invitation_models import Invitation
from app.linking.invitation_outcomes import (
    NOTHING,
    Answered,
    Claimed,
    InvitationRefused,
    NotACode,
)
from app.linking.invitation_rows import Owner
from app.linking.invitation_status import status_of
from app.linking.invitations import Created
from app.linking.models import Link
from app.linking.values import ENDED_BY_US, User
from app.messenger.events import AccountUnlinked
from app.messenger.invitation_events import Claim, Disconnect, UnusableClaim
from app.messenger.types import Psid
from app.outbox.models import OutboxRow
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import JANE, MINUTE, SECOND, linked, logs_out
from tests.linking.invitation_factories import (
    DIGITS,
    ELSE,
    KEY,
    LIMITS,
    NAMELESS,
    OLD_KEY,
    OWNER,
    RULES,
    SECRET,
    USER,
    accepted,
    answers,
    asked,
    claims,
    invited,
    offer,
    row,
)

POLICY: Final = Policy(frozenset({PAGE, OTHER_PAGE}), tells_bot=True, invitations=RULES)
THIEF: Final = Owner(session_id="t" * 22)


def confirm(
    session: Session, created: Any, *, owner: Owner = OWNER, at: Any = NOON + MINUTE, **changed: Any
) -> Confirmed | Refusal:
    return invitation_consents.confirm(
        session,
        created.status.id,
        owner,
        is_answer_to=changed.pop("is_answer_to", lambda _: True),
        rules=replace(RULES, **changed),
        at=at,
    )


def enter(session: Session, created: Any, typed: str = DIGITS, *, at: Any = NOON + SECOND) -> Any:
    return invitation_consents.enter_digits(
        session,
        created.status.id,
        OWNER,
        typed,
        secret_keys=(KEY, OLD_KEY),
        rate_limit_keys=LIMITS,
        rules=RULES,
        at=at,
    )


def state(session: Session, created: Any, at: Any = NOON + MINUTE) -> tuple[str, str | None]:
    told = status_of(row(session, created), at)
    return told.state, told.reason


def said(session: Session) -> list[Text]:
    rows = select(OutboxRow.body).where(OutboxRow.kind == SAY).order_by(OutboxRow.id)
    return [Said.from_body(body).text for body in session.scalars(rows)]


def notices(session: Session) -> list[str]:
    rows = select(OutboxRow.body).where(OutboxRow.kind == "notice").order_by(OutboxRow.id)
    return [body.decode() for body in session.scalars(rows)]


def count(session: Session, kind: str) -> int:
    return session.scalar(select(func.count()).where(OutboxRow.kind == kind)) or 0


def test_a_link_has_both_consents_and_says_where_it_was_made(session: Session) -> None:
    """R126: claimed, Yes in the chat, Connect on the page; one link, one notice, one message."""
    created = accepted(session)

    done = confirm(session, created)

    assert isinstance(done, Confirmed)
    assert done.is_new
    link = link_queries.find_link(session, PAGE, ANA)
    assert link == done.link
    assert (link.user, link.cause, link.reference) == (USER, "m.me", created.status.reference)
    assert (link.event_at, link.messenger_name) == (NOON + SECOND, "Ana Berg")
    assert state(session, created) == ("linked", None)
    assert [Text.ALMOST_DONE, Text.CONNECTED] == said(session)
    (notice,) = notices(session)
    assert '"type":"link.created"' in notice
    assert '"cause":"m.me"' in notice


def test_connect_twice_is_one_link_and_one_notice(session: Session) -> None:
    created = accepted(session)

    first, second = confirm(session, created), confirm(session, created)

    assert isinstance(first, Confirmed)
    assert isinstance(second, Confirmed)
    assert (first.link, True, False) == (second.link, first.is_new, second.is_new)
    assert 1 == len(notices(session))


@pytest.mark.parametrize("how", ["open", "claimed", "asked", "digits sent"])
def test_connect_without_the_chat_s_consent_makes_nothing(session: Session, how: str) -> None:
    """R126: the page alone can link nobody."""
    created = invited(session)
    if how != "open":
        claims(session, created)
    if how == "asked":
        asked(session, created)
    if how == "digits sent":
        asked(session, created, named=NAMELESS, digits=DIGITS)

    with pytest.raises(NotAccepted):
        confirm(session, created)

    assert link_queries.find_link(session, PAGE, ANA) is None
    assert [] == notices(session)


def test_another_browser_or_key_learns_and_does_nothing(session: Session) -> None:
    """R126: a holder of ref and code alone consents to nothing on the page's side."""
    created = accepted(session)
    for request in (
        lambda: confirm(session, created, owner=THIEF),
        lambda: invitations.read(session, created.status.id, THIEF, at=NOON),
        lambda: invitations.cancel(session, created.status.id, THIEF, at=NOON),
        lambda: invitations.ask_again(session, created.status.id, THIEF, at=NOON),
        lambda: confirm(session, created, owner=Owner()),
        lambda: confirm(session, created, owner=Owner(api_key_id="k")),
    ):
        with pytest.raises(InvitationUnknown):
            request()

    assert ("accepted", None) == state(session, created)


def test_the_name_is_told_once_the_chat_has_agreed(session: Session) -> None:
    """R126: a tap alone tells nobody who tapped."""
    created = invited(session)
    claims(session, created)
    asked(session, created)
    before = status_of(row(session, created), NOON)
    answers(session, created)
    after = status_of(row(session, created), NOON)

    assert (None, None, None) == (before.psid, before.messenger_name, before.name_outcome)
    assert (ANA, "Ana Berg") == (after.psid, after.messenger_name)


def test_a_changed_question_is_not_answered(session: Session) -> None:
    created = accepted(session)

    with pytest.raises(QuestionChanged):
        confirm(session, created, is_answer_to=lambda status: status.messenger_name == "Ben")

    assert ("accepted", None) == state(session, created)


def test_digits_are_the_chat_s_consent_where_there_is_no_name(session: Session) -> None:
    """R126: state accepted; the page asks Connect as ever, and the claim's time orders the link."""
    created = invited(session)
    claims(session, created)
    asked(session, created, named=NAMELESS, digits=DIGITS)
    assert status_of(row(session, created), NOON).needs_digits

    wrong = enter(session, created, "000000")
    right = enter(session, created, "75 90-01")

    assert isinstance(wrong, WrongDigits)
    assert "accepted" == right.state
    done = confirm(session, created)
    assert isinstance(done, Confirmed)
    assert (NOON, None) == (done.link.event_at, done.link.messenger_name)


def test_the_fifth_wrong_digits_end_it(session: Session) -> None:
    created = invited(session)
    claims(session, created)
    asked(session, created, named=NAMELESS, digits=DIGITS)

    results = [enter(session, created, f"00000{number}") for number in range(5)]

    assert [WrongDigits] * 4 == [type(result) for result in results[:4]]
    assert Refusal.WRONG_DIGITS is results[4]
    assert ("refused", "wrong digits") == state(session, created)
    with pytest.raises(InvitationOver):
        enter(session, created)
    assert '"cause":"wrong digits"' in notices(session)[0]


def test_digits_of_an_older_secret_key_still_fit(session: Session) -> None:
    created = invited(session)
    claims(session, created)
    asked(session, created, named=NAMELESS, digits=DIGITS)
    row(session, created).digits_hash = invitation_secrets.digits_hash(
        DIGITS, created.status.id, OLD_KEY
    )
    session.flush()

    assert "accepted" == enter(session, created).state


def test_digits_that_nobody_sent_are_refused(session: Session) -> None:
    created = invited(session)
    claims(session, created)
    asked(session, created)

    with pytest.raises(NothingToAsk):
        enter(session, created)


def test_a_code_claims_like_a_ref_under_every_secret_key(session: Session) -> None:
    created = invited(session)
    row(session, created).code_hash = invitation_secrets.code_hash(created.secrets.code, OLD_KEY)
    session.flush()

    outcome = claims(session, created, typed=True)

    assert Claimed(created.status.reference, "typed") == outcome
    assert 1 == count(session, ASK)


def test_the_same_chat_is_asked_again_and_a_repeat_of_meta_s_changes_nothing(
    session: Session,
) -> None:
    created = invited(session)
    claims(session, created)
    asked(session, created)

    repeat = claims(session, created)
    again = claims(session, created, event_at=NOON + MINUTE)

    assert NOTHING == repeat
    assert Claimed(created.status.reference, "existing_thread", again=True) == again
    assert 2 == count(session, ASK)


@pytest.mark.parametrize("typed", [False, True])
def test_a_second_chat_ends_what_is_not_linked(session: Session, *, typed: bool) -> None:
    """R129: its secret is in other hands; neither of the two is linked."""
    created = accepted(session)

    outcome = claims(session, created, psid=BEN, typed=typed, event_at=NOON + 2 * SECOND)

    assert InvitationRefused("claimed twice", created.status.reference) == outcome
    assert ("refused", "claimed twice") == state(session, created)
    with pytest.raises(InvitationOver):
        confirm(session, created)
    (notice,) = notices(session)
    assert '"cause":"claimed twice"' in notice
    assert link_queries.find_link(session, PAGE, BEN) is None


def test_a_second_chat_after_the_link_changes_nothing_but_is_told(session: Session) -> None:
    """R129: the link stands, and the business hears that the secret is spent."""
    created = accepted(session)
    confirm(session, created)

    outcome = claims(session, created, psid=BEN, event_at=NOON + MINUTE)

    assert InvitationRefused("spent", created.status.reference) == outcome
    assert link_queries.find_link(session, PAGE, ANA) is not None
    assert link_queries.find_link(session, PAGE, BEN) is None
    assert '"cause":"spent"' in notices(session)[-1]


def test_a_linked_profile_is_never_taken_from_another_user(session: Session) -> None:
    """R127: refused at the claim, of which the bot learns, and the page sees nothing."""
    linked(session, as_=JANE)
    created = invited(session)

    outcome = claims(session, created, event_at=NOON + MINUTE)

    assert InvitationRefused("other account", created.status.reference) == outcome
    assert ("claimed", None) == state(session, created)
    assert '"cause":"other account"' in notices(session)[-1]
    assert asked(session, created, at=NOON + MINUTE)
    assert ("claimed", None) == state(session, created)
    answers(session, created, event_at=NOON + MINUTE + SECOND)
    with pytest.raises(NotAccepted):
        confirm(session, created, at=NOON + MINUTE + SECOND)
    assert ("expired", None) == state(session, created, at=NOON + 6 * MINUTE)
    link = link_queries.find_link(session, PAGE, ANA)
    assert link is not None
    assert JANE.subject == link.subject


def test_nor_at_connect_where_it_was_linked_meanwhile(session: Session) -> None:
    """R127: read again under the lock of the link."""
    created = accepted(session)
    linked(session, as_=JANE, at=NOON + 2 * SECOND)

    assert Refusal.OTHER_ACCOUNT is confirm(session, created)

    link = link_queries.find_link(session, PAGE, ANA)
    assert link is not None
    assert JANE.subject == link.subject


def test_of_two_invitations_for_one_chat_the_second_is_already_connected(
    session: Session,
) -> None:
    first = accepted(session)
    second = accepted(session, owner=THIEF, at=NOON + 2 * SECOND)
    confirm(session, first)

    done = confirm(session, second, owner=THIEF)

    assert isinstance(done, Confirmed)
    assert not done.is_new
    assert 1 == len(notices(session))
    assert 1 == session.scalar(select(func.count()).select_from(Link))


def test_a_chat_that_is_this_user_s_already_is_told_and_not_asked(session: Session) -> None:
    confirm(session, accepted(session))
    again = invited(session, owner=THIEF, at=NOON + 2 * MINUTE)

    claims(session, again, event_at=NOON + 2 * MINUTE)

    assert ("linked", "already connected") == state(session, again, NOON + 2 * MINUTE)
    assert Text.ALREADY_CONNECTED is said(session)[-1]
    assert 1 == len(notices(session))


def test_refusals_of_a_claim_look_the_same_to_the_page(session: Session) -> None:
    """R127: one tap tells no sender of links whether somebody is a customer."""
    linked(session, as_=JANE)

    customer = told_after(session, ANA)
    anybody = told_after(session, BEN)
    too_many = told_after(session, BEN, rules=replace(RULES, max_links=0))
    replayed = told_after(session, BEN, event_at=NOON - timedelta(minutes=3))

    assert ("claimed", None, None, None) == customer == anybody
    assert ("refused", None, None, None) == too_many == replayed


def told_after(
    session: Session, psid: Psid, *, rules: ChatRules = RULES, event_at: datetime = NOON + MINUTE
) -> tuple[object, ...]:
    """Return what the page is told of an invitation that the chat of *psid* claims."""
    number = session.scalar(select(func.count()).select_from(Invitation))
    created = invited(session, owner=Owner(session_id=f"s{number}"))
    claims(session, created, psid=psid, rules=rules, event_at=event_at, at=NOON + MINUTE)
    told = status_of(row(session, created), NOON + MINUTE)
    return told.state, told.reason, told.psid, told.messenger_name


@pytest.mark.parametrize(
    ("psid", "at", "reason", "text"),
    [
        (ANA, NOON - timedelta(seconds=121), "replayed", None),
        (ANA, NOON + timedelta(minutes=10), "expired", Text.EXPIRED),
    ],
)
def test_a_claim_too_early_or_too_late_is_none(
    session: Session, psid: Psid, at: Any, reason: str, text: Text | None
) -> None:
    """R128: an event from before the invitation is no claim, nor is one after its ten minutes."""
    created = invited(session)

    outcome = claims(session, created, psid=psid, event_at=at, at=max(at, NOON))

    assert InvitationRefused(reason, created.status.reference) == outcome
    assert ([text] if text else []) == said(session)
    assert 0 == count(session, ASK)


def test_a_ref_on_another_page_or_in_an_unusable_event_is_burnt(session: Session) -> None:
    first, second = invited(session), invited(session, owner=THIEF)

    claims(session, first, page_id=OTHER_PAGE)
    burnt = UnusableClaim("standby", second.secrets.ref)
    handlers.handle(session, burnt, policy=POLICY, at=NOON)

    assert ("refused", None) == state(session, first)
    assert ("refused", None) == state(session, second)
    late = claims(session, second)
    assert InvitationRefused("expired", second.status.reference) == late
    assert row(session, first).psid is None


def test_an_event_of_a_foreign_page_burns_its_ref(session: Session) -> None:
    created = invited(session)
    event = Claim(OTHER_PAGE, ANA, NOON, "existing_thread", created.secrets.ref)
    policy = replace(POLICY, pages=frozenset({PAGE}))

    handlers.handle(session, event, policy=policy, at=NOON)

    assert ("refused", None) == state(session, created)


@pytest.mark.parametrize("who", ["other person", "other page", "late", "twice", "ended"])
def test_only_the_asked_chat_answers_and_once(session: Session, who: str) -> None:
    """R126: the nonce is bound to the person, the page and the invitation."""
    created = invited(session)
    claims(session, created)
    asked(session, created)
    at = NOON + SECOND
    if who == "twice":
        answers(session, created)
        at += SECOND
    if who == "ended":
        invitations.cancel(session, created.status.id, OWNER, at=NOON)
    if who == "late":
        at = NOON + timedelta(minutes=5)
    outcome = answers(
        session,
        created,
        psid=BEN if who == "other person" else ANA,
        page_id=OTHER_PAGE if who == "other page" else PAGE,
        yes=who != "twice",
        event_at=at,
    )

    assert NOTHING == outcome
    over = [Text.QUESTION_OVER] if who in {"late", "twice", "ended"} else []
    assert over == [text for text in said(session) if text is Text.QUESTION_OVER]
    assert ("accepted" if who == "twice" else "claimed") == state(session, created, NOON)[0] or (
        who == "ended"
    )


def test_no_ends_it_and_the_bot_is_told(session: Session) -> None:
    created = invited(session)
    claims(session, created)
    asked(session, created)

    outcome = answers(session, created, yes=False)

    assert Answered(created.status.reference, is_yes=False) == outcome
    assert ("declined", None) == state(session, created)
    assert [Text.DECLINED] == said(session)
    assert '"cause":"declined"' in notices(session)[0]
    with pytest.raises(InvitationOver):
        confirm(session, created)


def test_an_unknown_code_is_answered_by_nothing_and_counted(session: Session) -> None:
    """R131: ten in an hour; then even a right one is not looked up."""
    created = invited(session)
    wrong = replace(created, secrets=replace(created.secrets, code="K7F2M9QA"))

    outcomes = [claims(session, wrong, typed=True) for _ in range(11)]
    right = claims(session, created, typed=True)

    assert [NotACode(PAGE, "unknown")] * 10 == outcomes[:10]
    assert NotACode(PAGE, "too many") == outcomes[10] == right
    assert [] == said(session)
    assert ("open", None) == state(session, created)
    assert isinstance(claims(session, created), Claimed)


def test_a_user_has_three_open_and_makes_ten_in_an_hour(session: Session) -> None:
    made = [invited(session, owner=Owner(session_id=f"s{n}")) for n in range(4)]

    assert ["cancelled", "open", "open", "open"] == sorted(
        state(session, one, NOON)[0] for one in made
    )
    for n in range(4, 10):
        invited(session, owner=Owner(session_id=f"s{n}"))
    with pytest.raises(RateLimited):
        invited(session)
    invited(session, user=ELSE)


def test_a_new_invitation_of_a_browser_ends_the_one_before(session: Session) -> None:
    first, second = invited(session), invited(session)

    assert ("cancelled", None) == state(session, first)
    assert ("open", None) == state(session, second)
    assert created_again(second) == second.secrets
    assert first.secrets != second.secrets


def created_again(created: Any) -> Any:
    return invitation_secrets.derived(KEY, SECRET, created.status.id)


def test_a_handed_over_invitation_has_new_secrets_and_one_browser(session: Session) -> None:
    """The ref and the code that the API told are dead, and so is the token."""
    made = invitations.create_for_key(
        session,
        offer(resume="order 1042"),
        LIMITS.invitations(USER.issuer, USER.subject),
        api_key_id="key1",
        secret_key=KEY,
        at=NOON,
    )

    def hand_over() -> Created:
        return invitations.hand_over(
            session,
            made.handoff_token or "",
            session_id=OWNER.session_id or "",
            browser_secret=SECRET,
            secret_key=KEY,
            at=NOON + 9 * MINUTE,
        )

    handed = hand_over()

    with pytest.raises(InvitationUnknown):
        hand_over()
    assert InvitationRefused("unknown", None) == claims(session, made, event_at=NOON + 9 * MINUTE)
    assert isinstance(claims(session, handed, event_at=NOON + 15 * MINUTE), Claimed)
    key = Owner(api_key_id="key1")
    assert "claimed" == invitations.read(session, made.status.id, key, at=NOON + 15 * MINUTE).state
    with pytest.raises(InvitationOver):
        confirm(session, made, owner=key)
    with pytest.raises(InvitationOver):
        invitations.cancel(session, made.status.id, key, at=NOON)
    assert "order 1042" == row(session, made).resume


def test_a_claimed_invitation_is_not_handed_over(session: Session) -> None:
    made = invitations.create_for_key(
        session, offer(), LIMITS.invitations("", ""), api_key_id="k", secret_key=KEY, at=NOON
    )
    claims(session, made)

    with pytest.raises(InvitationUnknown):
        invitations.hand_over(
            session,
            made.handoff_token or "",
            session_id="s",
            browser_secret=SECRET,
            secret_key=KEY,
            at=NOON,
        )


def test_nobody_is_invited_whose_built_in_account_is_gone(session: Session) -> None:
    with pytest.raises(NobodyToInvite):
        invited(session, user=User("local", "nobody"))


def test_the_most_links_hold_at_the_claim_and_at_connect(session: Session) -> None:
    created = accepted(session)

    with pytest.raises(TooManyLinks):
        confirm(session, created, max_links=0)

    assert ("accepted", None) == state(session, created)
    assert isinstance(confirm(session, created), Confirmed)


def test_a_later_event_of_messenger_s_wins(session: Session) -> None:
    """A link too few is a tap, a link too many a leak."""
    created = accepted(session)
    links.end_by_event(session, AccountUnlinked(PAGE, ANA, NOON + SECOND), at=NOON + SECOND)

    assert Refusal.SUPERSEDED is confirm(session, created)
    assert link_queries.find_link(session, PAGE, ANA) is None


def test_ends_by_the_business_void_what_was_claimed(session: Session) -> None:
    created = accepted(session, resume="order 1042")

    ended = handlers.end_one(session, PAGE, ANA, cause="api", policy=POLICY, at=NOON + 2 * SECOND)

    assert 1 == ended.attempts
    assert ("refused", ENDED_BY_US) == state(session, created)
    assert row(session, created).resume is None
    assert row(session, created).messenger_name is None
    with pytest.raises(InvitationOver):
        confirm(session, created)


def test_ends_of_a_user_void_every_invitation(session: Session) -> None:
    mine, other = invited(session), invited(session, user=ELSE, owner=THIEF)

    assert 1 == voiding.void_of_user(session, USER, "account closed", at=NOON)

    assert ("refused", "account closed") == state(session, mine)
    assert ("open", None) == state(session, other)


def test_messenger_is_not_told_of_the_end_of_a_link_it_does_not_know(session: Session) -> None:
    """It shows Log In, not Log Out, for such a person."""
    confirm(session, accepted(session))
    handlers.end_one(session, PAGE, ANA, cause="api", policy=POLICY, at=NOON + 2 * MINUTE)
    assert 0 == count(session, "graph.unlink")

    linked(session, at=NOON + 3 * MINUTE)
    handlers.end_one(session, PAGE, ANA, cause="api", policy=POLICY, at=NOON + 4 * MINUTE)
    assert 1 == count(session, "graph.unlink")


def test_disconnect_ends_the_link_of_whoever_taps_it(session: Session) -> None:
    confirm(session, accepted(session))

    outcome = handlers.handle(
        session, Disconnect(PAGE, ANA, NOON + 2 * MINUTE), policy=POLICY, at=NOON + 2 * MINUTE
    )

    assert outcome is not None
    assert link_queries.find_link(session, PAGE, ANA) is None
    assert '"cause":"person"' in notices(session)[-1]
    assert 0 == count(session, "graph.unlink")


def test_a_late_repeat_of_disconnect_ends_no_link_made_since(session: Session) -> None:
    """Messenger repeats events for 36 hours."""
    confirm(session, accepted(session))
    event = Disconnect(PAGE, ANA, NOON + 2 * MINUTE)
    invitation_answers.disconnect(session, event, rules=RULES, at=NOON + 2 * MINUTE)
    confirm(session, accepted(session, at=NOON + 3 * MINUTE), at=NOON + 4 * MINUTE)

    late = invitation_answers.disconnect(session, event, rules=RULES, at=NOON + 5 * MINUTE)

    assert late is None
    assert link_queries.find_link(session, PAGE, ANA) is not None


def test_disconnect_ends_no_link_of_the_first_road(session: Session) -> None:
    linked(session)
    event = Disconnect(PAGE, ANA, NOON + MINUTE)

    assert invitation_answers.disconnect(session, event, rules=RULES, at=NOON + MINUTE) is None
    assert link_queries.find_link(session, PAGE, ANA) is not None


def test_log_in_later_makes_an_ordinary_link_of_it(session: Session) -> None:
    confirm(session, accepted(session))

    linked(session, at=NOON + 5 * MINUTE)

    link = link_queries.find_link(session, PAGE, ANA)
    assert link is not None
    assert "messenger" == link.cause
    assert logs_out(session, event_at=NOON + 6 * MINUTE) is not None


def test_the_question_is_repeated_three_times_at_most(session: Session) -> None:
    created = invited(session)
    with pytest.raises(NothingToAsk):
        invitations.ask_again(session, created.status.id, OWNER, at=NOON)
    claims(session, created)
    for _ in range(2):
        assert asked(session, created)
        invitations.ask_again(session, created.status.id, OWNER, at=NOON)
    assert asked(session, created)

    with pytest.raises(AskedTooOften):
        invitations.ask_again(session, created.status.id, OWNER, at=NOON)
    assert 3 == count(session, ASK)


def test_a_chat_is_asked_three_times_an_hour(session: Session) -> None:
    """A page made to message people: only whoever tapped, and three times."""
    made = [
        invited(session, owner=Owner(session_id=f"s{n}"), at=NOON + n * SECOND) for n in range(4)
    ]
    asked_ = []
    for created in [*made[1:], invited(session, user=ELSE, owner=THIEF)]:
        claims(session, created)
        asked_.append(asked(session, created))

    assert [True, True, True, False] == asked_


def test_resume_comes_back_once_and_to_nobody_else(session: Session) -> None:
    """R132: with the link alone. Before both sides have agreed, the chat may be anybody's."""
    created = accepted(session, resume="order 1042")
    confirm(session, created)
    confirm(session, created)
    declined = invited(session, owner=THIEF, resume="order 1043", user=ELSE)
    claims(session, declined, psid=BEN)
    asked(session, declined)
    answers(session, declined, psid=BEN, yes=False)
    stolen = accepted(session, user=ELSE, psid=Psid("3"), resume="order 1044")
    claims(session, stolen, psid=Psid("4"), event_at=NOON + MINUTE)

    told = notices(session)

    assert 1 == sum('"resume":"order 1042"' in notice for notice in told)
    assert 1 == sum('"cause":"declined"' in notice for notice in told)
    assert 1 == sum('"cause":"claimed twice"' in notice for notice in told)
    assert 1 == "".join(told).count("order 10")
    for one in (created, declined, stolen):
        assert row(session, one).resume is None


def test_one_delivery_looks_few_codes_up(session: Session) -> None:
    """R131: hundreds, each by another profile, would keep Messenger waiting until it gives up."""
    typed = [Claim(PAGE, Psid(str(n)), NOON, "typed", code="AB23CD45") for n in range(22)]

    outcomes = handlers.handle_all(session, typed, policy=POLICY, at=NOON)

    assert [NotACode(PAGE, "unknown")] * 20 == list(outcomes[:20])
    assert [NotACode(PAGE, "too many")] * 2 == list(outcomes[20:])


# Each state, and a way to it.
WAYS: Final[dict[str, Callable[[Session], Any]]] = {}


def _way(name: str) -> Callable[[Callable[[Session], Any]], Callable[[Session], Any]]:
    def add(make: Callable[[Session], Any]) -> Callable[[Session], Any]:
        WAYS[name] = make
        return make

    return add


@_way("open")
def _open(session: Session) -> Any:
    return invited(session)


@_way("claimed")
def _claimed(session: Session) -> Any:
    created = invited(session)
    claims(session, created)
    asked(session, created)
    return created


@_way("digits")
def _digits(session: Session) -> Any:
    created = invited(session)
    claims(session, created)
    asked(session, created, named=NAMELESS, digits=DIGITS)
    return created


@_way("accepted")
def _accepted(session: Session) -> Any:
    return accepted(session)


@_way("linked")
def _linked(session: Session) -> Any:
    created = accepted(session)
    confirm(session, created)
    return created


@_way("declined")
def _declined(session: Session) -> Any:
    created = _claimed(session)
    answers(session, created, yes=False)
    return created


@_way("cancelled")
def _cancelled(session: Session) -> Any:
    created = _claimed(session)
    invitations.cancel(session, created.status.id, OWNER, at=NOON)
    return created


@_way("refused")
def _refused(session: Session) -> Any:
    created = _claimed(session)
    claims(session, created, psid=BEN)
    return created


@_way("expired")
def _expired(session: Session) -> Any:
    created = accepted(session)
    early = row(session, created)
    early.claimed_at = NOON - timedelta(minutes=5)
    session.flush()
    return created


REQUESTS: Final[dict[str, Callable[[Session, Any], Any]]] = {
    "again": lambda session, one: invitations.ask_again(session, one.status.id, OWNER, at=NOON),
    "digits": enter,
    "confirm": lambda session, one: confirm(session, one, at=NOON + 2 * SECOND),
    "cancel": lambda session, one: invitations.cancel(session, one.status.id, OWNER, at=NOON),
}
# What each request does in each state: the state after, or the error.
DONE: Final[dict[str, dict[str, object]]] = {
    "open": {"again": NothingToAsk, "digits": NothingToAsk, "confirm": NotAccepted},
    "claimed": {"again": "claimed", "digits": NothingToAsk, "confirm": NotAccepted},
    "digits": {"again": "claimed", "digits": "accepted", "confirm": NotAccepted},
    "accepted": {"again": NothingToAsk, "digits": "accepted", "confirm": "linked"},
    "linked": {"again": InvitationOver, "digits": InvitationOver, "confirm": "linked"},
}
OVER: Final = {"again": InvitationOver, "digits": InvitationOver, "confirm": InvitationOver}


@pytest.mark.parametrize("name", WAYS)
def test_each_request_in_each_state(session: Session, name: str) -> None:
    """R126: no request but Connect after the chat's consent makes a link."""
    for request, do in REQUESTS.items():
        savepoint = session.begin_nested()
        created = WAYS[name](session)
        had = link_queries.find_link(session, PAGE, ANA)
        told: object
        try:
            do(session, created)
            told = status_of(row(session, created), NOON + SECOND).state
        except InvitationError as exc:
            told = type(exc)
        if request == "cancel":
            running = {"open", "claimed", "digits", "accepted"}
            assert ("cancelled" if name in running else name) == told
        else:
            assert DONE.get(name, OVER)[request] == told, request
        is_linked = link_queries.find_link(session, PAGE, ANA) is not None
        assert is_linked == (had is not None or (name, request) == ("accepted", "confirm"))
        savepoint.rollback()
        session.expire_all()


STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(["claim", "code", "yes", "no", "ask", "burn", "disconnect"]),
        st.sampled_from([ANA, BEN]),
        st.integers(0, 3),
    ),
    max_size=8,
)


def _step(session: Session, created: Any, what: str, psid: Psid, at: Any) -> bool:
    """Do *what* from the chat of *psid*; return whether that chat has agreed by it."""
    if what in {"claim", "code"}:
        claims(session, created, psid=psid, typed=what == "code", event_at=at)
    elif what == "ask":
        before = row(session, created)
        if before.asks < 3 and status_of(before, NOON).state == "claimed":
            asked(session, created)
    elif what in {"yes", "no"}:
        outcome = answers(session, created, psid=psid, yes=what == "yes", event_at=at)
        return isinstance(outcome, Answered) and outcome.is_yes
    elif what == "burn":
        unusable = UnusableClaim("echo", created.secrets.ref)
        handlers.handle(session, unusable, policy=POLICY, at=at)
    elif what == "disconnect":
        handlers.handle(session, Disconnect(PAGE, psid, at), policy=POLICY, at=at)
    return False


@settings(max_examples=60)
@given(steps=STEPS, connects=st.booleans())
def test_whatever_comes_in_whatever_order_no_link_is_without_both_consents(
    sqlite_engine: Engine, steps: list[tuple[str, Psid, int]], *, connects: bool
) -> None:
    """R126, R128, R129: whoever is linked has claimed first, agreed, and was confirmed."""
    with Session(sqlite_engine) as session:
        created = invited(session)
        agreed: set[str] = set()
        claimed = [psid for what, psid, _ in steps if what in {"claim", "code"}]
        for what, psid, second in steps:
            if _step(session, created, what, psid, NOON + second * SECOND):
                agreed.add(psid)
            assert session.scalar(select(func.count()).select_from(Link)) == 0
        if connects:
            with contextlib.suppress(InvitationError):
                confirm(session, created)
        linked_ = list(session.scalars(select(Link.psid)))
        assert linked_ in ([], claimed[:1])
        if linked_:
            assert connects
            assert linked_ == list(agreed)
        session.rollback()


def test_a_key_s_invitation_is_not_a_session_s(session: Session) -> None:
    made = invitations.create_for_key(
        session, offer(), LIMITS.invitations("", ""), api_key_id="k", secret_key=KEY, at=NOON
    )
    with pytest.raises(InvitationUnknown):
        invitation_rows.find(session, made.status.id, OWNER)
    assert 1 == session.scalar(select(func.count()).select_from(Invitation))
