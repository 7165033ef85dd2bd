"""People's own connections: the list, its ends, and the two doors to it (R133)."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL, text
from sqlalchemy.orm import Session

from app import create_app
from app.accounts import local
from app.infra import clock
from app.infra.settings.settings import Settings
from app.linking.session_models import BrowserSession
from app.services.container import Services, build
from tests.actors import Graph, Messenger, linked, log_in
from tests.browsers import InProcess
from tests.installation import (
    ANA,
    BEN,
    NOON,
    PAGE,
    PASSWORD,
    PUBLIC_URL,
    USERNAME,
    add_jane,
    settings_for,
)
from tests.web.page_visitor import without_time_left
from tests.web.second_road import Shopper
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

DOOR = "/connections"


@pytest.fixture
def settings(database: URL) -> Settings:
    return settings_for(
        database,
        CONNECTIONS_PAGE="1",
        BOT_WEBHOOK_URL="http://127.0.0.1:9/links",
        BOT_WEBHOOK_SECRET="whsec_Y2FuYXJ5LWJvdC1zZWNyZXQtMDEyMzQ1Njc4OWFi",
    )


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def shopper(app: Flask, jane: str) -> Shopper:  # noqa: ARG001 - she has an account
    return Shopper(app)


def connected(services: Services, subject: str, psid: str, **columns: Any) -> None:
    """Put a link of *subject* into the table, made at noon."""
    row = {
        "page_id": PAGE,
        "psid": psid,
        "issuer": "local",
        "subject": subject,
        "display_name": "j•••@example.com",
        "messenger_name": None,
        "state": "linked",
        "version": 1,
        "event_at": NOON,
        "cause": "messenger",
        **columns,
    }

    def add(session: Session) -> None:
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        stamp = {"event_at": row["event_at"].strftime("%Y-%m-%d %H:%M:%S.%f")}
        session.execute(text(f"INSERT INTO link ({names}) VALUES ({values})"), {**row, **stamp})  # noqa: S608 - a test's own words

    services.write(add)


def test_the_list_has_the_newest_first(shopper: Shopper, services: Services, jane: str) -> None:
    later = NOON + timedelta(days=1)
    connected(services, jane, ANA, messenger_name="Ana Berg")
    connected(services, jane, BEN, cause="m.me", event_at=later)

    shopper.comes_and_signs_in(DOOR)

    assert shopper.reads.index("Name not shown") < shopper.reads.index("Ana Berg")
    assert "Since November 21, 2026 By link" in shopper.reads
    assert "Since November 20, 2026 By Log In" in shopper.reads
    assert ANA not in shopper.sees.text
    assert BEN not in shopper.sees.text


def test_disconnecting_asks_first(
    shopper: Shopper, services: Services, stored: StoredRows, jane: str
) -> None:
    """R133: GET changes nothing; POST ends the link, and the bot hears why."""
    connected(services, jane, ANA, messenger_name="Ana Berg")
    shopper.comes_and_signs_in(DOOR)
    shopper.opens(_ends(shopper)[0])
    assert "Disconnect Ana Berg?" in shopper.reads
    assert 1 == stored.count("link", "state = 'linked'")

    shopper.presses("Disconnect")
    shopper.follows()

    assert "No Messenger profile is connected to your account." in shopper.reads
    assert 1 == stored.count("link", "state = 'ended' AND cause = 'person'")
    assert 1 == stored.count("outbox", "CAST(body AS TEXT) LIKE '%link.removed%'")


def test_a_double_tap_on_disconnect_ends_at_the_list(
    shopper: Shopper, services: Services, stored: StoredRows, jane: str
) -> None:
    """R133: the bot hears of one end; the 404 is for what was never the person's."""
    connected(services, jane, ANA, messenger_name="Ana Berg")
    shopper.comes_and_signs_in(DOOR)
    shopper.opens(_ends(shopper)[0])
    form = shopper.sees.form("Disconnect")

    first, second = shopper.sends(form), shopper.sends(form)

    assert [303, 303] == [first.status, second.status]
    shopper.follows()
    assert "No Messenger profile is connected to your account." in shopper.reads
    assert 1 == stored.count("outbox", "CAST(body AS TEXT) LIKE '%link.removed%'")


def test_a_repeat_of_disconnect_ends_no_later_link(
    shopper: Shopper, services: Services, stored: StoredRows, jane: str
) -> None:
    """R133: the form of before, after the profile was connected anew."""
    connected(services, jane, ANA, messenger_name="Ana Berg")
    shopper.comes_and_signs_in(DOOR)
    shopper.opens(_ends(shopper)[0])
    form = shopper.sees.form("Disconnect")
    shopper.sends(form)
    services.write(_anew)

    answer = shopper.sends(form)

    assert 404 == answer.status
    assert 1 == stored.count("link", "state = 'linked'")


def test_another_users_connection_is_as_unknown_as_none(
    app: Flask, shopper: Shopper, services: Services, stored: StoredRows, jane: str
) -> None:
    """R133: the same 404, whether there is such a link or not."""
    connected(services, jane, ANA, messenger_name="Ana Berg")
    services.write(local.add, "rosa@example.org", None, services.hasher.hash(PASSWORD), at=NOON)
    shopper.comes_and_signs_in(DOOR)
    key = _ends(shopper)[0].rpartition("/")[2]
    rosa = Shopper(app)
    rosa.comes_and_signs_in(DOOR, username="rosa@example.org")
    token = rosa.sees.forms[0].fields["form_token"]

    found = []
    for its_key in (key, "0" * 32):
        rosa.opens(f"{rosa.address}/disconnect/{its_key}")
        found.append((rosa.sees.status, rosa.reads))
        rosa.posts(f"{rosa.address}/disconnect/{its_key}", {"form_token": token})
        found.append((rosa.sees.status, rosa.reads))

    assert {(404, found[0][1])} == set(found)
    assert 1 == stored.count("link", "state = 'linked'")


def test_a_form_without_its_token_ends_nothing(
    shopper: Shopper, services: Services, stored: StoredRows, jane: str
) -> None:
    connected(services, jane, ANA, messenger_name="Ana Berg")
    shopper.comes_and_signs_in(DOOR)
    shopper.opens(_ends(shopper)[0])
    form = shopper.sees.form("Disconnect")

    stale = shopper.sends(form, form_token="0" * 64)
    foreign = shopper.sends(form, headers={"Sec-Fetch-Site": "cross-site"})

    assert {400} == {stale.status, foreign.status}
    assert 1 == stored.count("link", "state = 'linked'")


def test_more_than_fifty_are_shown_page_by_page(
    shopper: Shopper, services: Services, jane: str
) -> None:
    for number in range(51):
        connected(services, jane, f"9000000000{number:05}", messenger_name=f"Person {number}")
    shopper.comes_and_signs_in(DOOR)
    assert 50 == len(_ends(shopper))

    (more,) = _links(shopper, "after=")
    shopper.opens(more)

    assert 1 == len(_ends(shopper))
    assert not _links(shopper, "after=")


def test_within_a_login_from_the_chat(database: URL, graph: Graph, jane: str) -> None:
    """R133: under the attempt's own sign-in, with CONNECTIONS_PAGE off; then to the question."""
    services = build(settings_for(database), limit_seconds=60)
    stored, app = StoredRows(services), create_app(services)
    connected(services, jane, BEN, messenger_name="Ben Okafor")
    person, login = Shopper(app), log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    (door,) = _links(person, "/connections")
    person.opens(door)
    assert "Ben Okafor" in person.reads

    person.opens(_ends(person)[0])
    person.presses("Disconnect")
    person.follows()
    assert "No Messenger profile is connected to your account." in person.reads
    (back,) = _links(person, "/confirm")
    person.opens(back)

    assert "Is this you on Messenger?" in person.reads
    assert person.connects()
    assert 1 == stored.count("link", "state = 'ended' AND cause = 'person'")
    services.close()


def test_the_own_profile_can_be_disconnected_within_its_login(
    app: Flask, graph: Graph, services: Services, stored: StoredRows, jane: str
) -> None:
    """The attempt in which it is done goes on; every other of the profile ends."""
    connected(services, jane, ANA, messenger_name="Ana Berg")
    other, person, login = Shopper(app), Shopper(app), log_in()
    graph.knows(login, ANA)
    for each in (other, person):
        each.taps_log_in(login)
        each.signs_in()
    (door,) = _links(person, "/connections")
    person.opens(door)
    person.opens(_ends(person)[0])

    person.presses("Disconnect")
    person.opens(door.replace("/connections", ""))

    assert "Is this you on Messenger?" in person.reads
    assert 1 == stored.count("attempt", "reason = 'ended by us'")


def test_too_many_links_is_the_list(
    app: Flask, graph: Graph, services: Services, jane: str
) -> None:
    """R26, R133: where the limit is met, one can be ended."""
    for number in range(services.settings.max_links_per_user):
        connected(services, jane, f"90000000000000{number}", messenger_name=f"Person {number}")
    person, login = Shopper(app), log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()

    person.presses("Connect")

    assert 409 == person.sees.status
    assert "connected to 5 Messenger profiles, the most allowed." in person.reads
    assert 5 == len(_ends(person))


def test_nobody_sees_the_list_before_the_sign_in(
    app: Flask, graph: Graph, services: Services, jane: str
) -> None:
    connected(services, jane, ANA, messenger_name="Ana Berg")
    person, login = Shopper(app), log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    attempt = person.sees.form("Log in").action

    person.opens(f"{attempt}/connections")

    assert "Log in to" in person.reads
    assert "Ana" not in person.sees.text


def test_a_sign_in_lasts_ten_minutes(shopper: Shopper, services: Services) -> None:
    shopper.comes_and_signs_in(DOOR)
    services.write(_earlier, timedelta(minutes=10))

    shopper.reloads()

    assert 410 == shopper.sees.status
    assert "This page has expired" in shopper.reads
    assert 'href="/connections?page=' in shopper.sees.text


@pytest.mark.usefixtures("graph")
def test_a_session_to_connect_opens_no_list(database: URL) -> None:
    """A sign-in is for one address."""
    changed = {"INVITATIONS": "1", "CONNECT_PAGE": "1", "CONNECTIONS_PAGE": "1"}
    services = build(settings_for(database, **changed), limit_seconds=60)
    add_jane(services)
    shopper = Shopper(create_app(services))
    shopper.comes_and_signs_in("/connect")

    shopper.opens(shopper.address.replace("/connect/", "/connections/"))

    assert 400 == shopper.sees.status
    assert "Your connections" not in shopper.reads
    services.close()


def test_guesses_are_bounded_without_a_profile(shopper: Shopper) -> None:
    """R61 where no token of Messenger's is spent: by name, and by address for all names."""
    shopper.comes(DOOR)

    by_name = [shopper.presses("Log in", username=USERNAME, password="x").status for _ in range(6)]
    by_address = [
        shopper.presses("Log in", username=f"a{number}@example.org", password="x").status
        for number in range(6)
    ]

    assert [422] * 5 + [429] == by_name
    assert [422] * 5 + [429] == by_address
    assert "Too many attempts." in shopper.reads


def test_a_name_that_is_not_there_is_answered_alike(app: Flask, jane: str) -> None:  # noqa: ARG001
    """R59, R60 at this door as well."""
    answers = set()
    for username in (USERNAME, "nobody@example.com"):
        shopper = Shopper(app)
        shopper.comes(DOOR)
        form = shopper.sees.form("Log in")
        answer = shopper.signs_in(username, "wrong")
        page = without_time_left(answer.text)
        for own in (form.action, form.fields["form_token"], username):
            page = page.replace(own, "")
        answers.add((answer.status, page))

    assert 1 == len(answers)


def test_a_notice_says_where_a_link_can_be_ended(
    app: Flask,
    graph: Graph,
    messenger: Messenger,
    stored: StoredRows,
    jane: str,  # noqa: ARG001
) -> None:
    person, login = Shopper(app), log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()

    messenger.tells(linked(ANA, person.connects(), clock.now()))

    url = f'"connections_url":"{PUBLIC_URL}/connections?page={PAGE}"'
    assert 1 == stored.count("outbox", f"CAST(body AS TEXT) LIKE '%{url}%'")


def test_the_page_is_off_by_default(database: URL) -> None:
    services = build(settings_for(database), limit_seconds=60)

    answer = InProcess(create_app(services), PUBLIC_URL)("GET", DOOR)

    services.close()
    assert 404 == answer.status


def _ends(shopper: Shopper) -> list[str]:
    """Return where the buttons Disconnect of the list lead."""
    return [link for link in _links(shopper, "") if len(link.rpartition("/")[2]) == 32]


def _links(shopper: Shopper, part: str) -> list[str]:
    found = [piece.split('"')[0] for piece in shopper.sees.text.split('href="')[1:]]
    own = [link for link in found if link.startswith(("/connections", "/authorize"))]
    return [link for link in own if part in link]


def _anew(session: Session) -> None:
    session.execute(text("UPDATE link SET state = 'linked', version = version + 1"))


def _earlier(session: Session, by: timedelta) -> None:
    for row in session.query(BrowserSession):
        row.signed_in_at = row.signed_in_at and row.signed_in_at - by
