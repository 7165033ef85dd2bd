"""The drama of the second road: two browsers, two chats, and who wants what of whom.

Twelve scenes, each where the chat is asked by a question and where it is sent digits. In none is
somebody's chat connected to somebody else's account without words in that chat that name the
account and say what it means (R126 to R130).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import pytest
from flask import Flask
from sqlalchemy import URL

from app.accounts import local
from app.infra import clock
from app.linking import account_changes, invitations
from app.linking.invitations import Offer
from app.linking.values import User
from app.services.container import Services, build
from tests.actors import Graph, Messenger
from tests.installation import ANA, BEN, NOON, PAGE, PASSWORD, USERNAME, settings_for
from tests.web.second_road import SETTINGS, Chat, Shopper, named
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Mode = Literal["question", "digits"]
VICTIM, MALLORY = USERNAME, "mallory@example.org"
# As the chat names their accounts.
HERS, HIS = "j•••@example.com", "m•••@example.org"
SHOP: Final = "https://shop.example"
CHAT_MODES: Final = {"question": "never", "digits": "always"}


@dataclass
class Stage:
    """Ana, who has an account, a browser and a chat, and Mallory, who has the same."""

    mode: Mode
    app: Flask
    services: Services
    stored: StoredRows
    ana: Shopper
    mallory: Shopper
    anas_chat: Chat
    mallorys_chat: Chat
    subject: str

    def agrees(self, chat: Chat, shopper: Shopper) -> None:
        """Let *chat* consent to what *shopper* has begun, with its digits told to that browser."""
        if self.mode == "question":
            chat.taps("Yes")
            return
        shopper.reloads()
        shopper.presses("Continue", code=chat.digits)

    @property
    def links(self) -> int:
        return self.stored.count("link", "state = 'linked'")


@pytest.fixture(params=list(CHAT_MODES))
def mode(request: pytest.FixtureRequest) -> Mode:
    mode: Mode = request.param
    return mode


@pytest.fixture
def services(database: URL, mode: Mode) -> Iterator[Services]:
    changed = {**SETTINGS, "CONNECT_ORIGINS": SHOP, "CONFIRM_IN_CHAT": CHAT_MODES[mode]}
    services = build(settings_for(database, **changed), limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def stage(  # noqa: PLR0913, PLR0917 - all who stand on it
    mode: Mode, app: Flask, services: Services, graph: Graph, messenger: Messenger, jane: str
) -> Stage:
    services.write(local.add, MALLORY, None, services.hasher.hash(PASSWORD), at=NOON)
    named(graph, ANA, "Ana Berg")
    named(graph, BEN, "Mallory Fox")
    return Stage(
        mode,
        app,
        services,
        StoredRows(services),
        Shopper(app),
        Shopper(app),
        Chat(ANA, messenger, graph, services),
        Chat(BEN, messenger, graph, services),
        jane,
    )


def own_link_and_she_says_no(stage: Stage) -> None:
    """Mallory sends the link of his own account; the question names it, and she says No."""
    stage.mallory.comes_and_signs_in(username=MALLORY)
    stage.anas_chat.opens(stage.mallory.ref)
    _warns(stage.anas_chat, HIS)
    if stage.mode == "question":
        stage.anas_chat.taps("No")
    stage.mallory.reloads()
    assert not stage.mallory.sees.offers("Connect")
    assert "Ana" not in stage.mallory.sees.text


def own_link_and_she_ignores_it(stage: Stage) -> None:
    """A tap on a link is no consent, and tells nobody who tapped."""
    stage.mallory.comes_and_signs_in(username=MALLORY)
    stage.anas_chat.opens(stage.mallory.ref)
    _warns(stage.anas_chat, HIS)
    stage.mallory.reloads()
    assert "Ana" not in stage.mallory.sees.text
    action = f"{stage.mallory.address}/confirm"
    stage.mallory.posts(action, {**stage.mallory.sees.forms[0].fields, "question": ""})
    assert 409 == stage.mallory.sees.status


def own_link_and_he_does_not_connect(stage: Stage) -> None:
    """Her Yes alone is no link either: it needs Connect on the page that began."""
    stage.mallory.comes_and_signs_in(username=MALLORY)
    stage.anas_chat.opens(stage.mallory.ref)
    _warns(stage.anas_chat, HIS)
    stage.agrees(stage.anas_chat, stage.mallory)


def own_link_to_somebody_who_is_connected(stage: Stage) -> None:
    """R127: she keeps her own link, and his page does not tell that she has one."""
    _connect(stage, stage.ana, stage.anas_chat)
    stage.mallory.comes_and_signs_in(username=MALLORY)
    stage.anas_chat.opens(stage.mallory.ref)
    stage.mallory.reloads()
    waiting = "Now answer in Messenger" if stage.mode == "question" else "Enter the 6-digit code"
    assert waiting in stage.mallory.reads
    assert 1 == stage.stored.count("link", f"subject = '{stage.subject}'")


def code_read_out(stage: Stage) -> None:
    """“Read me the code on your screen”: her page names his profile, and she cancels."""
    stage.ana.comes_and_signs_in()
    assert "Never send this link or code to anyone." in stage.ana.reads
    stage.mallorys_chat.types(stage.ana.code)
    if stage.mode == "digits":
        # He has the digits, and her page warns of who tells her any.
        stage.ana.reloads()
        assert "If another person gave you this code, cancel." in stage.ana.reads
    stage.agrees(stage.mallorys_chat, stage.ana)
    stage.ana.reloads()
    assert "Messenger profile Mallory Fox will be connected to" in stage.ana.reads
    assert "If you gave your link or code to someone, cancel." in stage.ana.reads
    stage.ana.presses("Cancel")


def stolen_picture_and_the_thief_is_first(stage: Stage) -> None:
    """R129: her own chat comes second, and ends it for both."""
    stage.ana.comes_and_signs_in()
    ref = stage.ana.ref
    stage.mallorys_chat.opens(ref)
    stage.anas_chat.opens(ref)
    if stage.mode == "question":
        stage.mallorys_chat.taps("Yes")
    stage.ana.reloads()
    assert "Two Messenger profiles used this link." in stage.ana.reads


def stolen_picture_and_the_thief_is_second(stage: Stage) -> None:
    """R129: also after her Yes."""
    stage.ana.comes_and_signs_in()
    ref = stage.ana.ref
    stage.anas_chat.opens(ref)
    stage.agrees(stage.anas_chat, stage.ana)
    stage.mallorys_chat.opens(ref)
    assert not stage.mallorys_chat.offers("Yes")
    stage.ana.reloads()
    assert "Two Messenger profiles used this link." in stage.ana.reads


def link_in_a_group(stage: Stage) -> None:
    """Each who taps comes to their own chat; the first is asked, the second ends it."""
    stage.mallory.comes_and_signs_in(username=MALLORY)
    ref = stage.mallory.ref
    stage.anas_chat.opens(ref)
    _warns(stage.anas_chat, HIS)
    stage.mallorys_chat.opens(ref)
    if stage.mode == "question":
        stage.anas_chat.taps("Yes")
    stage.mallory.reloads()
    assert not stage.mallory.sees.offers("Connect")


def hand_over_from_elsewhere(stage: Stage) -> None:
    """R130: by a link, by a foreign page, by a page that hides where it is."""
    token = _token(stage)
    victim = Shopper(stage.app)
    victim.opens(f"/connect/handoff?token={token}")
    assert 403 == victim.sees.status
    for origin in ("https://evil.example", "null"):
        victim.posts("/connect/handoff", {"token": token}, Origin=origin)
        assert 403 == victim.sees.status
    assert 0 == stage.stored.count("browser_session")


def stale_tab_after_not_you(stage: Stage) -> None:
    """The link and the forms of the user before do nothing any more."""
    stage.mallory.comes_and_signs_in(username=MALLORY)
    ref = stage.mallory.ref
    old = stage.mallory.sees.form("Cancel").fields
    stage.mallory.presses("Use a different account")
    stage.mallory.follows()
    stage.mallory.signs_in()
    stage.anas_chat.opens(ref)
    assert not stage.anas_chat.offers("Yes")
    for step in ("confirm", "again", "digits", "cancel"):
        stage.mallory.posts(f"{stage.mallory.address}/{step}", old)
        assert 400 == stage.mallory.sees.status


def old_buttons_after_the_end(stage: Stage) -> None:
    """A Yes to a question that is over brings nothing back."""
    stage.mallory.comes_and_signs_in(username=MALLORY)
    stage.anas_chat.opens(stage.mallory.ref)
    _warns(stage.anas_chat, HIS)
    stage.mallory.reloads()
    form = stage.mallory.sees.form("Cancel")
    stage.mallory.sends(form)
    if stage.mode == "question":
        stage.anas_chat.taps("Yes")
    stage.mallory.reloads()
    assert not stage.mallory.sees.offers("Connect")


def account_disabled_in_between(stage: Stage) -> None:
    """After both have agreed, and before Connect is pressed."""
    stage.ana.comes_and_signs_in()
    stage.anas_chat.opens(stage.ana.ref)
    stage.agrees(stage.anas_chat, stage.ana)
    stage.ana.reloads()
    form = stage.ana.sees.form("Connect")
    close = partial(local.disable, at=clock.now())
    stage.services.write(
        account_changes.close_account, close, VICTIM, policy=stage.services.policy, at=clock.now()
    )
    assert stage.ana.sends(form).status in {409, 410}


# With the number of links that stand at the end.
SCENES: Final[dict[Callable[[Stage], None], int]] = {
    own_link_and_she_says_no: 0,
    own_link_and_she_ignores_it: 0,
    own_link_and_he_does_not_connect: 0,
    own_link_to_somebody_who_is_connected: 1,
    code_read_out: 0,
    stolen_picture_and_the_thief_is_first: 0,
    stolen_picture_and_the_thief_is_second: 0,
    link_in_a_group: 0,
    hand_over_from_elsewhere: 0,
    stale_tab_after_not_you: 0,
    old_buttons_after_the_end: 0,
    account_disabled_in_between: 0,
}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_nobody_is_connected_to_somebody_elses_account(
    stage: Stage, scene: Callable[[Stage], None]
) -> None:
    """R126 to R130: in each scene, and in both modes."""
    scene(stage)

    assert SCENES[scene] == stage.links


def test_who_does_agree_was_told_what_it_means(stage: Stage) -> None:
    """R126: the one road that stays: a stranger's account, named, with a warning, and a Yes."""
    stage.mallory.comes_and_signs_in(username=MALLORY)
    stage.anas_chat.opens(stage.mallory.ref)
    _warns(stage.anas_chat, HIS)
    stage.agrees(stage.anas_chat, stage.mallory)
    stage.mallory.reloads()

    stage.mallory.presses("Connect")
    stage.anas_chat.waits()

    assert 1 == stage.links
    assert f"Connected to {HIS}." in stage.anas_chat.texts[-1]
    assert stage.anas_chat.offers("Disconnect")
    stage.anas_chat.taps("Disconnect")
    assert 0 == stage.links


def _warns(chat: Chat, account: str) -> None:
    """Assert that the newest message names *account*, and says what to do if it is a trick."""
    said = chat.texts[-1]
    assert account in said
    assert "If someone sent you a link, tap No." in said or "Never tell it to anyone" in said


def _connect(stage: Stage, shopper: Shopper, chat: Chat) -> None:
    shopper.comes_and_signs_in()
    chat.opens(shopper.ref)
    stage.agrees(chat, shopper)
    shopper.reloads()
    shopper.presses("Connect")
    assert 303 == shopper.sees.status


def _token(stage: Stage) -> str:
    offer = Offer(page_id=PAGE, user=User("local", stage.subject), display_name=HERS, language="en")
    keys = stage.services.rate_limit_keys
    created = stage.services.write(
        invitations.create_for_key,
        offer,
        keys.invitations("local", stage.subject),
        api_key_id="k1",
        secret_key=stage.services.settings.secret_key,
        at=clock.now(),
    )
    return created.handoff_token or ""
