"""A password that somebody else has set is replaced in a browser session, which then goes on."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from app.accounts import local
from app.accounts.authenticators import CredentialsRefused
from app.infra import clock
from app.services.container import Services, build
from tests.actors import Graph, Messenger
from tests.browsers import Form
from tests.installation import ANA, PAGE, PASSWORD, USERNAME, settings_for
from tests.web.second_road import SETTINGS, Chat, Shopper, named
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

GIVEN, CHOSEN = "three lanterns by the ferry", "seven herons, one umbrella"
BUTTON = "Change password"
DOORS = pytest.mark.parametrize("door", ["/connect", "/connections"])


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    services = build(settings_for(database, **SETTINGS), limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def given(services: Services) -> str:
    hashed = services.hasher.hash(GIVEN)
    return services.write(local.add, USERNAME, None, hashed, is_first=True, at=clock.now())


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def shopper(app: Flask, given: str) -> Shopper:
    assert given
    return Shopper(app)


def changes(shopper: Shopper, current: str = GIVEN, new: str = CHOSEN) -> None:
    shopper.presses(BUTTON, current=current, new=new)


def accepts(services: Services, password: str) -> bool:
    authenticator = services.sign_in_methods[PAGE].password
    assert authenticator is not None
    try:
        authenticator.verify(USERNAME, password)
    except CredentialsRefused:
        return False
    return True


@DOORS
def test_a_password_is_chosen_and_the_session_goes_on(
    shopper: Shopper, services: Services, stored: StoredRows, door: str
) -> None:
    """OWASP ASVS 5.0, 6.4.1, 7.2.4: by the form of the first road; the cookie of before is dead."""
    shopper.comes_and_signs_in(door, password=GIVEN)
    assert "was set for you. Choose your own before you go on." in shopper.reads
    assert 0 == stored.count("invitation")
    old = shopper.token

    changes(shopper)
    shopper.follows()

    assert "Your password is changed" in shopper.reads
    assert (False, True) == (accepts(services, GIVEN), accepts(services, CHOSEN))
    shopper.reloads()
    goes_on = {"/connect": "Connect Messenger to", "/connections": "No Messenger profile is"}
    assert goes_on[door] in shopper.reads
    assert old != shopper.sees.forms[0].fields["form_token"]


def test_the_invitation_that_follows_leads_to_a_link(
    shopper: Shopper, services: Services, stored: StoredRows, messenger: Messenger, graph: Graph
) -> None:
    named(graph, ANA, "Ana Berg")
    ana = Chat(ANA, messenger, graph, services)
    shopper.comes_and_signs_in(password=GIVEN)
    changes(shopper)
    shopper.reloads()

    ana.opens(shopper.ref)
    ana.taps("Yes")
    shopper.reloads()
    shopper.presses("Connect")

    assert 1 == stored.count("link", "state = 'linked' AND cause = 'm.me'")


@DOORS
def test_nothing_else_is_done_before(shopper: Shopper, stored: StoredRows, door: str) -> None:
    """OWASP ASVS 5.0, 6.4.1: nor is a password changed that its owner has chosen."""
    shopper.comes_and_signs_in(door, password=GIVEN)
    fields = {"form_token": shopper.token}

    for step in ("again", "confirm", "digits", "resend", f"disconnect/{'0' * 32}"):
        shopper.posts(f"{shopper.address}/{step}", fields)
        assert 400 <= shopper.sees.status < 500
    shopper.opens(f"{shopper.address}/password/changed")
    assert 303 == shopper.sees.status
    assert 0 == stored.count("invitation")


@DOORS
@pytest.mark.usefixtures("jane")
def test_a_password_of_its_owner_is_left_as_it_is(
    app: Flask, services: Services, door: str
) -> None:
    shopper = Shopper(app)
    shopper.comes_and_signs_in(door)

    form = {"form_token": shopper.token, "current": PASSWORD, "new": CHOSEN}
    shopper.posts(f"{shopper.address}/password", form)

    assert 303 == shopper.sees.status
    assert accepts(services, PASSWORD)


@DOORS
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("wrong", CHOSEN), "Your current password isn’t right."),
        ((GIVEN, GIVEN), "This is your current password."),
        ((GIVEN, "short"), "A password needs at least 15 characters."),
    ],
    ids=["wrong", "same", "short"],
)
def test_a_password_that_is_refused_changes_nothing(
    shopper: Shopper, services: Services, door: str, typed: tuple[str, str], says: str
) -> None:
    shopper.comes_and_signs_in(door, password=GIVEN)

    changes(shopper, *typed)

    assert 422 == shopper.sees.status
    assert says in shopper.reads
    assert not [each for each in typed if f'"{each}"' in shopper.sees.text]
    assert accepts(services, GIVEN)
    changes(shopper)
    assert accepts(services, CHOSEN)


@DOORS
def test_guesses_are_counted_with_those_of_the_sign_in_page(
    app: Flask, shopper: Shopper, services: Services, door: str
) -> None:
    """R61: five of one name from one network, on whichever page; the form stays."""
    shopper.comes_and_signs_in(door, password=GIVEN)
    statuses = []
    for _ in range(6):
        changes(shopper, "wrong")
        statuses.append(shopper.sees.status)
    other = Shopper(app)
    other.comes_and_signs_in(door, password=GIVEN)

    assert [422] * 5 + [429] == statuses
    assert BUTTON in [form.button for form in shopper.sees.forms]
    assert 429 == other.sees.status
    assert accepts(services, GIVEN)


@DOORS
def test_another_site_changes_no_password(shopper: Shopper, services: Services, door: str) -> None:
    """R27, R77."""
    shopper.comes_and_signs_in(door, password=GIVEN)
    form = shopper.sees.form(BUTTON)
    typed = Form(form.action, {**form.fields, "current": GIVEN, "new": CHOSEN}, BUTTON)

    foreign = shopper.sends(typed, headers={"Sec-Fetch-Site": "cross-site"})
    without_token = shopper.sends(typed, form_token="")

    assert (400, 400) == (foreign.status, without_token.status)
    assert accepts(services, GIVEN)


def test_a_session_for_one_purpose_changes_nothing_under_the_other(
    shopper: Shopper, services: Services
) -> None:
    shopper.comes_and_signs_in("/connections", password=GIVEN)
    address = shopper.address.replace("/connections/", "/connect/")

    shopper.posts(
        f"{address}/password", {"form_token": shopper.token, "current": GIVEN, "new": CHOSEN}
    )

    assert 400 <= shopper.sees.status < 500
    assert accepts(services, GIVEN)


@DOORS
def test_another_user_can_sign_in_instead(shopper: Shopper, door: str) -> None:
    shopper.comes_and_signs_in(door, password=GIVEN)

    shopper.presses("Use a different account")
    shopper.follows()

    assert "Log in" in [form.button for form in shopper.sees.forms]


def test_all_else_that_the_user_has_begun_ends(
    app: Flask, shopper: Shopper, stored: StoredRows
) -> None:
    """OWASP ASVS 5.0, 7.4.3."""
    other = Shopper(app)
    other.comes_and_signs_in("/connections", password=GIVEN)
    shopper.comes_and_signs_in(password=GIVEN)

    changes(shopper)

    assert 1 == stored.count("browser_session", "ended_at IS NOT NULL")
    assert 1 == stored.count("browser_session", "ended_at IS NULL")
    assert 1 == stored.count("invitation", "ended_at IS NULL")
