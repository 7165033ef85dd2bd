"""Invitations in the console: found by reference, told like attempts; viewers see no person."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from app.infra import clock
from app.linking.invitation_story import stories_of_person, stories_of_user
from app.operators.roles import Role
from app.services.container import Services
from app.web.console.words import in_path
from tests.installation import ANA, PAGE
from tests.linking.invitation_factories import USER, asked, claims, invited, row
from tests.linking.test_attempt_lists import plans_of
from tests.web.console.pages_read import words_of
from tests.web.console.staff import Staff, acts

SignedIn = Callable[[Role], Staff]
PATH = f"/people/{PAGE}/{ANA}"
USER_PATH = f"/users/{in_path(USER.issuer)}/{in_path(USER.subject)}"


@pytest.fixture
def reference(services: Services) -> str:
    """Return the reference of an invitation that Ana's chat was asked about."""
    at = clock.now()

    def make(session: Session) -> str:
        created = invited(session, at=at)
        claims(session, created, event_at=at, at=at)
        asked(session, created, at=at)
        return row(session, created).reference

    return services.write(make)


def test_support_finds_one_by_its_reference_and_sees_who(
    reference: str, services: Services, signed_in: SignedIn
) -> None:
    support = signed_in(Role.SUPPORT)
    support.opens("/search")

    assert 303 == support.presses("Search", term=reference.upper()).status
    page = support.opens(f"/attempts/{reference}")

    words = words_of(page.text)
    assert f"Invitation {reference}" in words
    assert "question sent" in words
    assert PATH in page.text
    assert USER_PATH in page.text
    assert ("viewed_attempt", "done") == acts(services)[-1]


def test_a_viewer_sees_its_story_without_the_person(reference: str, signed_in: SignedIn) -> None:
    """R140."""
    page = signed_in(Role.VIEWER).opens(f"/attempts/{reference}")

    assert "question sent" in words_of(page.text)
    for hidden in (ANA, USER.subject, "j•••@example.com", "Ana Berg"):
        assert hidden not in page.text


@pytest.mark.parametrize("path", [PATH, USER_PATH])
def test_the_pages_of_both_sides_list_it(reference: str, signed_in: SignedIn, path: str) -> None:
    page = signed_in(Role.SUPPORT).opens(path)

    assert f"/attempts/{reference}" in page.text


def test_those_of_one_are_found_by_an_index(session: Session) -> None:
    """R142."""
    for ask, index in (
        (lambda: stories_of_user(session, USER, at=clock.now()), "ix_invitation_issuer_subject"),
        (
            lambda: stories_of_person(session, PAGE, ANA, at=clock.now()),
            "ix_invitation_person",
        ),
    ):
        (plan,) = plans_of(session, ask)
        assert index in plan
        assert "SCAN invitation\n" not in plan
