"""Hostile answers of a provider: the person gets a page that helps (R57)."""

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlencode

import pytest
from sqlalchemy import URL
from structlog.testing import capture_logs

from app.infra import clock
from app.services.container import Services, build
from app.web.problems.forms import PROVIDER_AWAY, PROVIDER_MISCONFIGURED, PROVIDER_REFUSED
from tests.accounts.hostile_answers import (
    AWAY,
    CODES_OF_OUR_SETUP,
    HOSTILE,
    MISCONFIGURED,
    WAYS_BACK,
)
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.actors import Graph, Person, log_in
from tests.browsers import Answer
from tests.conftest import on_sqlite
from tests.installation import ANA, add_jane, settings_for
from tests.web.page_visitor import words_of
from tests.web.stored_rows import StoredRows

pytestmark = [on_sqlite, pytest.mark.real_peers]
BUTTON: Final = "Continue with Our Staff"
HELP: Final = "https://shop.example.com/forgot"
REFUSED: Final = "Our Staff couldn’t log you in. Try again, or log in another way."
IS_AWAY: Final = "Our Staff isn’t answering. Try again in a minute, or log in another way."
NOT_SET_UP: Final = (
    "You can’t log in with Our Staff right now. Something is wrong on our side, not with your "
    "details. Log in another way, or try later."
)
DECLINED: Final = (
    "You didn’t finish with Our Staff, or it didn’t let you in. Try again, or log in another way."
)
NOT_ADMITTED: Final = (
    "Our Staff knows your account, but it can’t be used here. "
    "Ask whoever manages your account there, or log in another way."
)
NOT_FRESH: Final = (
    "Our Staff didn’t ask you to log in again. Log out there first, "
    "then try again here, or log in another way."
)
AGAIN: Final = "Tap Log In in the chat."


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(clock.now()) as provider:
        yield provider


@pytest.fixture
def services(database: URL, provider: Provider) -> Iterator[Services]:
    settings = settings_for(
        database,
        AUTHENTICATORS="local oidc:staff",
        OIDC_STAFF_ISSUER=provider.issuer,
        OIDC_STAFF_CLIENT_ID=CLIENT_ID,
        OIDC_STAFF_CLIENT_SECRET=CLIENT_SECRET,
        OIDC_STAFF_LABEL="Our Staff",
        HELP_URL_PASSWORD=HELP,
    )
    services = build(settings)
    yield services
    services.close()


@pytest.fixture
def arrived(graph: Graph, person: Person) -> Person:
    """Return a person in front of the sign-in page."""
    login = log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    return person


def round_trip(person: Person, provider: Provider, **changed: str | None) -> Answer:
    """Set out, and come back if the provider can be reached."""
    person.presses(BUTTON)
    if person.sees.status != 303:
        return person.sees
    params = {**provider.sends_back(person.sees.location), **changed}
    back = {name: value for name, value in params.items() if value is not None}
    query = urlencode(back, errors="surrogatepass")
    return person.opens(f"/authorize/oidc/staff/callback?{query}")


def assert_helps(answer: Answer, sentence: str) -> None:
    """Make sure that the page says *sentence*, has every way on, and nothing of what was sent."""
    words = words_of(answer)
    assert sentence in words
    assert {"Log in", BUTTON, "Back to Messenger"} == {form.button for form in answer.forms}
    assert HELP in answer.text
    assert 'role="alert"' in answer.text
    assert 'aria-invalid="true"' not in answer.text
    assert "Reference" in words
    for word in ("nonce", "audience", "signature", "token", "issuer", "evil", "<script>alert"):
        assert word not in words.casefold()


def assert_the_form_still_works(services: Services, person: Person) -> None:
    add_jane(services)
    assert "Ana Berg will be connected" in words_of(person.signs_in())


# joserfc warns of the short key.
@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("spoil", [spoil for _, spoil in HOSTILE.values()], ids=HOSTILE)
def test_a_hostile_answer_leads_to_a_page_that_helps(
    services: Services, provider: Provider, arrived: Person, spoil: Callable[[Provider], None]
) -> None:
    """R57: and the other ways of the page work, in the same attempt."""
    spoil(provider)

    answer = round_trip(arrived, provider)

    assert PROVIDER_REFUSED.status == answer.status
    assert_helps(answer, REFUSED)
    assert 0 == StoredRows(services).count("attempt", "subject IS NOT NULL OR memo IS NOT NULL")
    assert_the_form_still_works(services, arrived)


@pytest.mark.parametrize("changed", [changed for changed, _ in WAYS_BACK.values()], ids=WAYS_BACK)
def test_a_way_back_that_is_not_right_leads_to_a_page_that_helps(
    services: Services, provider: Provider, arrived: Person, changed: dict[str, str | None]
) -> None:
    """R56: without our signature nobody knows whose attempt it was; then all begins anew."""
    answer = round_trip(arrived, provider, **changed)

    if "state" in changed:
        assert 400 == answer.status
        assert AGAIN in words_of(answer)
    else:
        assert PROVIDER_REFUSED.status == answer.status
        assert_helps(answer, REFUSED)
    assert 0 == StoredRows(services).count("attempt", "subject IS NOT NULL")


@pytest.mark.parametrize("spoil", AWAY.values(), ids=AWAY)
def test_a_provider_that_is_away_leads_to_a_page_that_helps(
    services: Services, provider: Provider, arrived: Person, spoil: Callable[[Provider], None]
) -> None:
    spoil(provider)

    answer = round_trip(arrived, provider)

    assert PROVIDER_AWAY.status == answer.status
    assert_helps(answer, IS_AWAY)
    assert 0 == StoredRows(services).count("attempt", "subject IS NOT NULL OR memo IS NOT NULL")
    assert_the_form_still_works(services, arrived)


@pytest.mark.parametrize(
    "spoil", [spoil for *_, spoil in MISCONFIGURED.values()], ids=MISCONFIGURED
)
def test_a_provider_that_is_not_set_up_leads_to_a_page_that_says_so(
    services: Services, provider: Provider, arrived: Person, spoil: Callable[[Provider], None]
) -> None:
    """R57: nobody is asked to try again, since that does not help."""
    spoil(provider)

    answer = round_trip(arrived, provider)

    assert PROVIDER_MISCONFIGURED.status == answer.status
    assert_helps(answer, NOT_SET_UP)
    assert "in a minute" not in words_of(answer)
    assert 0 == StoredRows(services).count("attempt", "subject IS NOT NULL OR memo IS NOT NULL")
    assert_the_form_still_works(services, arrived)


@pytest.mark.parametrize("error", CODES_OF_OUR_SETUP)
def test_an_error_about_our_client_is_not_said_to_be_the_persons(
    provider: Provider, arrived: Person, error: str
) -> None:
    words = words_of(round_trip(arrived, provider, error=error, code=None))

    assert NOT_SET_UP in words
    assert error not in words


@pytest.mark.parametrize(
    ("description", "sentence"),
    [(None, DECLINED), ("User is not assigned to the client application.", NOT_ADMITTED)],
)
def test_who_is_not_admitted_is_told_so(
    provider: Provider, arrived: Person, description: str | None, sentence: str
) -> None:
    """`access_denied` alone means either: nobody is blamed who has done nothing wrong."""
    answer = round_trip(
        arrived, provider, error="access_denied", error_description=description, code=None
    )

    assert 422 == answer.status
    assert_helps(answer, sentence)


def test_who_was_signed_in_already_is_told_what_helps(provider: Provider, arrived: Person) -> None:
    """R18: the provider ignores prompt=login; trying again would be refused each time."""
    provider.claims["auth_time"] = int(provider.now.timestamp()) - 3600

    answer = round_trip(arrived, provider)

    assert 422 == answer.status
    assert_helps(answer, NOT_FRESH)


def test_the_log_has_the_part_that_is_wrong_and_the_fix(
    provider: Provider, arrived: Person
) -> None:
    """The settings are called as this provider's are."""
    MISCONFIGURED["a secret that is wrong or has expired"][2](provider)

    with capture_logs() as entries:
        round_trip(arrived, provider)

    (line,) = (entry for entry in entries if entry["event"] == "authenticator.failed")
    assert "oidc:staff" == line["authenticator"]
    assert "provider_misconfigured" == line["problem"]
    assert "token endpoint: status 401, invalid_client" == line["reason"]
    assert line["fix"].startswith("OIDC_STAFF_CLIENT_SECRET is wrong or has expired")
    assert "<NAME>" not in line["fix"]
    assert "evil" not in str(line)


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_a_provider_that_says_it_is_away_leads_to_the_same_page(
    provider: Provider, arrived: Person, error: str
) -> None:
    assert_helps(round_trip(arrived, provider, error=error, code=None), IS_AWAY)


def test_a_provider_that_comes_back_works_again(provider: Provider, arrived: Person) -> None:
    """In the same attempt, by the same button."""
    provider.metadata["issuer"] = "https://evil.example"
    round_trip(arrived, provider)
    provider.metadata.clear()

    round_trip(arrived, provider)

    assert "j•••@example.com" in words_of(arrived.follows())
