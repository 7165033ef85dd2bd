"""Profiles of a person and of a user, and who is found by a number."""

from sqlalchemy.orm import Session

from app.linking import handlers
from app.linking.attempt_details import details_of
from app.linking.handlers import Policy
from app.linking.profiles import known_users, people_of_psid, person_profile, user_profile
from app.linking.references import reference_of
from app.linking.values import User
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import JANE, MINUTE, OMAR, linked, opened, signed_in, user

NO_BOT = Policy(frozenset({PAGE}), tells_bot=False)


def test_a_person_is_known_by_link_history_and_what_is_owed(session: Session) -> None:
    linked(session, psid=ANA, as_=JANE)
    handlers.end_one(session, PAGE, ANA, cause="console", policy=NO_BOT, at=NOON + MINUTE)

    found = person_profile(session, PAGE, ANA)

    assert found.link is not None
    assert ("ended", "console", user(JANE)) == (
        found.link.state,
        found.link.cause,
        found.link.user,
    )
    assert ["unlinked", "linked"] == [one.status for one in found.history]
    assert ["graph.unlink"] == [one.kind for one in found.owed]
    assert found.is_known
    assert not person_profile(session, PAGE, BEN).is_known
    assert not person_profile(session, OTHER_PAGE, ANA).is_known


def test_a_person_who_never_connected_is_known_by_attempts(session: Session) -> None:
    signed_in(session, psid=BEN, as_=OMAR)
    session.flush()

    assert person_profile(session, PAGE, BEN).is_known
    assert {PAGE: False} == people_of_psid(session, BEN, [PAGE, OTHER_PAGE])


def test_a_user_has_links_that_have_ended_as_well(session: Session) -> None:
    linked(session, psid=ANA, as_=JANE)
    linked(session, psid=BEN, as_=JANE)
    handlers.end_one(session, PAGE, BEN, cause="console", policy=NO_BOT, at=NOON + MINUTE)

    found = user_profile(session, user(JANE))

    assert {(ANA, "linked"), (BEN, "ended")} == {(one.psid, one.state) for one in found.links}
    assert {PAGE: True} == people_of_psid(session, ANA, [PAGE, OTHER_PAGE])
    assert not user_profile(session, User("local", "nobody")).is_known


def test_of_an_issuer_alone_no_user_is_known(session: Session) -> None:
    linked(session, psid=ANA, as_=JANE)
    others = [User("ldap:staff", JANE.subject), User("local", "x"), user(JANE)]

    assert [user(JANE)] == known_users(session, others)


def test_an_attempt_tells_both_parties_and_where_else_its_log_in_was_opened(
    session: Session,
) -> None:
    ticket = signed_in(session, psid=ANA, as_=JANE, token="the same")
    twin = opened(session, token="the same")
    session.flush()

    found = details_of(session, reference_of(ticket.attempt_id), at=NOON)

    assert found is not None
    assert found.parties is not None
    assert (ANA, user(JANE), JANE.display_name) == (
        found.parties.psid,
        found.parties.user,
        found.parties.display_name,
    )
    assert (reference_of(twin.attempt_id),) == found.opened_elsewhere
    assert details_of(session, "q3m9-7d2k", at=NOON) is None


def test_the_public_words_of_a_timeline_name_nobody(session: Session) -> None:
    """R140: who may see no person sees the steps without names."""
    ticket = signed_in(session, psid=ANA, as_=JANE)
    session.flush()

    found = details_of(session, reference_of(ticket.attempt_id), at=NOON)

    assert found is not None
    words = [step.words for step in found.timeline.steps]
    public = [step.public for step in found.timeline.steps]
    assert any("j•••@example.com" in each for each in words)
    assert not any("j•••@example.com" in each for each in public)
    assert ["opened", "signed in (local)"] == public
