"""The pages of the second road: sign in, link and code, the chat's answer, Connect, done."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from html import unescape
from typing import Final
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy import URL, text
from sqlalchemy.orm import Session

from app import create_app
from app.accounts import local
from app.linking.values import ACCOUNT_CLOSED
from app.services.container import Services, build
from tests.actors import Graph, Messenger
from tests.browsers import InProcess
from tests.installation import ANA, BEN, NOON, PAGE, PASSWORD, PUBLIC_URL, USERNAME, settings_for
from tests.web.second_road import SETTINGS, Chat, Shopper, named
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]
SHOP: Final = "https://shop.example"


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    settings = settings_for(database, **SETTINGS, CONNECT_ORIGINS=SHOP)
    services = build(settings, limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def jane_at(app: Flask) -> Shopper:
    return Shopper(app)


@pytest.fixture
def ana(services: Services, graph: Graph, messenger: Messenger) -> Chat:
    named(graph, ANA, "Ana Berg")
    return Chat(ANA, messenger, graph, services)


def test_the_whole_road(jane_at: Shopper, ana: Chat, stored: StoredRows) -> None:
    """R126: sign in, Open Messenger, Yes in the chat, Connect on the page that began."""
    jane_at.comes_and_signs_in()
    assert "Connect Messenger to j•••@example.com" in jane_at.reads

    ana.opens(jane_at.ref)
    assert "Connect this Messenger to j•••@example.com at 127.0.0.1" in ana.texts[-1]
    jane_at.reloads()
    assert "Now answer in Messenger" in jane_at.reads
    assert "Ana" not in jane_at.sees.text
    ana.taps("Yes")
    jane_at.reloads()
    assert "Is this you on Messenger?" in jane_at.reads
    assert "Messenger profile Ana Berg will be connected to" in jane_at.reads
    assert "If you gave your link or code to someone, cancel." in jane_at.reads
    assert 0 == stored.count("link")

    jane_at.presses("Connect")
    jane_at.follows()

    assert "Connected to Ana Berg." in jane_at.reads
    assert 1 == stored.count("link", f"state = 'linked' AND cause = 'm.me' AND psid = '{ANA}'")
    assert 'href="/connections?page=' in jane_at.sees.text


def test_a_code_can_be_typed_in_any_spelling(jane_at: Shopper, ana: Chat) -> None:
    jane_at.comes_and_signs_in()

    ana.types(jane_at.code.lower().replace("-", " "))

    assert ana.offers("Yes")


def test_the_page_stays_the_same_when_it_is_loaded_again(
    jane_at: Shopper, stored: StoredRows
) -> None:
    """The secrets are derived again, never stored."""
    jane_at.comes_and_signs_in()
    ref, code = jane_at.ref, jane_at.code

    jane_at.reloads()

    assert (ref, code) == (jane_at.ref, jane_at.code)
    assert ref not in str(stored.row("invitation"))
    assert code.replace("-", "") not in str(stored.row("invitation"))


def test_the_picture_holds_the_link(jane_at: Shopper) -> None:
    """The QR code, read by a program that has not drawn it."""
    import zxingcpp  # noqa: PLC0415 - of this test alone

    jane_at.comes_and_signs_in()
    (picture,) = re.findall(r'<img src="(data:image/svg\+xml[^"]*)"', jane_at.sees.text)

    (found,) = zxingcpp.read_barcodes(_drawn(unquote(unescape(picture).partition(",")[2])))

    assert f"https://m.me/{PAGE}?ref={jane_at.ref}" == found.text
    assert "QR code that opens the chat in Messenger" in jane_at.sees.text


def test_digits_where_messenger_tells_no_name(
    jane_at: Shopper, ana: Chat, graph: Graph, stored: StoredRows
) -> None:
    """R126: nothing is consented to by a tap at random, and the page asks all the same."""
    graph.refusals["profile_name"] = (10, None)
    jane_at.comes_and_signs_in()
    ana.opens(jane_at.ref)
    jane_at.reloads()
    assert "Enter the 6-digit code" in jane_at.reads

    jane_at.presses("Continue", code="000 000" if ana.digits != "000 000" else "000 001")
    assert 422 == jane_at.sees.status
    assert "That code isn’t right." in jane_at.reads
    jane_at.presses("Continue", code=ana.digits)
    jane_at.follows()

    assert "Connect a profile we can’t name?" in jane_at.reads
    assert 0 == stored.count("link")
    jane_at.presses("Connect")
    jane_at.follows()
    assert "You’re connected" in jane_at.reads
    assert 1 == stored.count("link", "state = 'linked'")


def test_the_fifth_wrong_code_ends_it(
    jane_at: Shopper, ana: Chat, graph: Graph, stored: StoredRows
) -> None:
    graph.refusals["profile_name"] = (10, None)
    jane_at.comes_and_signs_in()
    ana.opens(jane_at.ref)
    jane_at.reloads()
    wrong = "111111" if ana.digits != "111 111" else "222222"

    for _ in range(5):
        jane_at.presses("Continue", code=wrong)
    jane_at.follows()

    assert "The code was wrong too often." in jane_at.reads
    assert jane_at.sees.offers("Get a new link")
    assert 0 == stored.count("link")


def test_two_profiles_with_one_link_end_it(
    jane_at: Shopper, ana: Chat, messenger: Messenger, graph: Graph, services: Services
) -> None:
    """R129, on the page."""
    jane_at.comes_and_signs_in()
    ref = jane_at.ref
    ana.opens(ref)

    Chat(BEN, messenger, graph, services).opens(ref)
    jane_at.reloads()

    assert "Two Messenger profiles used this link." in jane_at.reads
    jane_at.presses("Get a new link")
    jane_at.follows()
    assert ref != jane_at.ref


def test_a_no_in_the_chat_ends_it(jane_at: Shopper, ana: Chat) -> None:
    jane_at.comes_and_signs_in()
    ana.opens(jane_at.ref)
    ana.taps("No")

    jane_at.reloads()

    assert "You said No in Messenger." in jane_at.reads


def test_a_chat_that_takes_no_message(jane_at: Shopper, ana: Chat, graph: Graph) -> None:
    """Graph refuses the question: the page says what to do, and asks again."""
    graph.refuses_messages = True
    jane_at.comes_and_signs_in()
    ana.opens(jane_at.ref)
    jane_at.reloads()
    assert "Send any message to 127.0.0.1" in jane_at.reads
    graph.refuses_messages = False

    jane_at.presses("Try again")
    ana.waits()
    jane_at.follows()

    assert ana.offers("Yes")
    assert "Now answer in Messenger" in jane_at.reads


def test_nobody_is_told_that_a_profile_is_a_customer(
    jane_at: Shopper, ana: Chat, app: Flask, services: Services
) -> None:
    """R127: who slips a link to somebody who is connected learns nothing from the page."""
    jane_at.comes_and_signs_in()
    ana.opens(jane_at.ref)
    ana.taps("Yes")
    jane_at.reloads()
    jane_at.presses("Connect")
    password_hash = services.hasher.hash(PASSWORD)
    services.write(local.add, "mallory@example.org", None, password_hash, at=NOON)
    mallory = Shopper(app)
    mallory.comes_and_signs_in(username="mallory@example.org")

    ana.opens(mallory.ref)
    mallory.reloads()

    assert "Now answer in Messenger" in mallory.reads
    assert "another account" not in mallory.reads
    assert any("connected to another account" in text for text in ana.texts)
    assert not any("m•••@example.org" in text for text in ana.texts)


def test_not_you_forgets_user_invitation_and_state(
    app: Flask, ana: Chat, stored: StoredRows
) -> None:
    shopper = Shopper(app)
    shopper.comes_and_signs_in("/connect?state=order-7")
    assert "order-7" == stored.row("browser_session")["resume"]
    ref = shopper.ref

    shopper.presses("Use a different account")
    shopper.follows()

    assert "Log in to connect Messenger to your account." in shopper.reads
    assert stored.row("browser_session")["resume"] is None
    assert "cancelled" == stored.row("invitation")["ended_as"]
    ana.opens(ref)
    assert not ana.offers("Yes")


@pytest.mark.parametrize(
    "query",
    ["state=r.abc", "state=a&state=b", "state=" + "x" * 129, "state=a%20b", "state="],
)
def test_another_state_is_ignored(jane_at: Shopper, stored: StoredRows, query: str) -> None:
    jane_at.opens(f"/connect?{query}")

    assert 303 == jane_at.sees.status
    assert stored.row("browser_session")["resume"] is None


def test_cancel_ends_it(jane_at: Shopper, stored: StoredRows) -> None:
    jane_at.comes_and_signs_in()

    jane_at.presses("Cancel")
    jane_at.follows()

    assert "You cancelled." in jane_at.reads
    assert not jane_at.sees.forms
    assert "cancelled" == stored.row("invitation")["ended_as"]


def test_a_second_connect_makes_no_second_link(
    jane_at: Shopper, ana: Chat, stored: StoredRows
) -> None:
    jane_at.comes_and_signs_in()
    ana.opens(jane_at.ref)
    ana.taps("Yes")
    jane_at.reloads()
    form = jane_at.sees.form("Connect")

    answers = [jane_at.sends(form).status for _ in range(3)]

    assert [303, 303, 303] == answers
    assert 1 == stored.count("link_event", "status = 'linked'")


def test_an_answer_to_another_question_connects_nobody(
    jane_at: Shopper, ana: Chat, stored: StoredRows
) -> None:
    jane_at.comes_and_signs_in()
    ana.opens(jane_at.ref)
    ana.taps("Yes")
    jane_at.reloads()
    form = jane_at.sees.form("Connect")

    answer = jane_at.sends(form, question="0" * 64)

    assert 409 == answer.status
    assert "This page has changed. Check it again." in jane_at.reads
    assert 0 == stored.count("link")


@pytest.mark.parametrize("method", ["HEAD", "prefetch", "crawler"])
def test_a_preview_makes_no_row(client: InProcess, stored: StoredRows, method: str) -> None:
    headers = {
        "HEAD": {},
        "prefetch": {"Sec-Purpose": "prefetch"},
        "crawler": {"User-Agent": "facebookexternalhit/1.1"},
    }[method]

    answer = client("HEAD" if method == "HEAD" else "GET", "/connect", headers=headers)

    assert 204 == answer.status
    assert 0 == stored.count("browser_session")


def test_off_there_is_nothing(database: URL) -> None:
    services = build(settings_for(database), limit_seconds=60)
    browser = InProcess(create_app(services), PUBLIC_URL)

    answers = [
        browser("GET", "/connect"),
        browser("GET", "/connect/handoff"),
        browser("POST", "/connect/handoff", body={"token": "x"}),
        browser("GET", "/connect/abc"),
        browser("POST", "/connect/abc/sign-in", body={}),
        browser("GET", "/connections"),
        browser("GET", "/connections/abc"),
    ]

    services.close()
    assert {404} == {answer.status for answer in answers}


def test_another_browser_sees_nothing(jane_at: Shopper, app: Flask) -> None:
    """The cookie is the browser's own, and good for one purpose."""
    jane_at.comes_and_signs_in()
    stranger = Shopper(app)

    stranger.opens(jane_at.address)

    assert 400 == stranger.sees.status
    assert "Let’s start again" in stranger.reads
    assert "j•••" not in stranger.sees.text


def test_a_session_is_over_after_its_minutes(
    jane_at: Shopper, services: Services, stored: StoredRows
) -> None:
    jane_at.comes_and_signs_in()
    services.write(_earlier, minutes=16)

    jane_at.reloads()

    assert "This page has expired" in jane_at.reads
    assert 0 == stored.count("link")


def test_a_disabled_account_ends_session_and_invitation(
    jane_at: Shopper, ana: Chat, services: Services, stored: StoredRows
) -> None:
    """R117 on this road: in between, wherever the two consents are."""
    from app.linking import account_changes  # noqa: PLC0415 - of this test alone

    jane_at.comes_and_signs_in()
    ana.opens(jane_at.ref)
    ana.taps("Yes")
    jane_at.reloads()
    form = jane_at.sees.form("Connect")
    close = partial(local.disable, at=NOON)
    services.write(account_changes.close_account, close, USERNAME, policy=services.policy, at=NOON)

    answer = jane_at.sends(form)

    assert answer.status in {409, 410}
    assert 0 == stored.count("link")
    assert ACCOUNT_CLOSED == stored.row("invitation")["reason"]


def test_the_limit_of_connections_is_said(jane_at: Shopper, ana: Chat, services: Services) -> None:
    for number in range(services.settings.max_links_per_user):
        services.write(_link, f"90000000000000{number}", stored_subject(services))
    jane_at.comes_and_signs_in()

    ana.opens(jane_at.ref)
    jane_at.reloads()

    assert "The message in Messenger says why." in jane_at.reads


def stored_subject(services: Services) -> str:
    return str(services.read(lambda session: session.scalar(text("SELECT id FROM account"))))


def _link(session: Session, psid: str, subject: str) -> None:
    session.execute(
        text(
            "INSERT INTO link (page_id, psid, issuer, subject, state, version, event_at, cause)"
            " VALUES (:page, :psid, 'local', :subject, 'linked', 1, '2026-11-20 12:00:00',"
            " 'messenger')"
        ),
        {"page": PAGE, "psid": psid, "subject": subject},
    )


def _earlier(session: Session, minutes: int) -> None:
    from app.linking.session_models import BrowserSession  # noqa: PLC0415

    by = timedelta(minutes=minutes)
    for row in session.query(BrowserSession):
        row.opened_at -= by
        row.signed_in_at = row.signed_in_at and row.signed_in_at - by


def _drawn(svg: str) -> memoryview:
    """Return the picture in *svg*, four pixels a module: each run of modules is a stroke."""
    (width,) = re.findall(r"width='(\d+)'", svg)[:1]
    side = int(width) // 4
    rows = [bytearray(b"\xff" * side) for _ in range(side)]
    (strokes,) = re.findall(r"<path[^>]*stroke='#000'[^>]*\bd='([^']*)'", svg)
    x, y = 0, 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?", strokes):
        match command:
            case "h":
                rows[int(y)][x : x + int(first)] = bytes(int(first))
                x += int(first)
            case "m":
                x, y = x + int(first), y + float(second)
            case _:
                x, y = int(first), float(second)
    wide = [bytes(value for value in row for _ in range(4)) for row in rows]
    pixels = b"".join(row for row in wide for _ in range(4))
    return memoryview(pixels).cast("B", (side * 4, side * 4))
