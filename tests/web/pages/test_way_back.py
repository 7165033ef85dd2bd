"""The cookie of an attempt that is over: cut down to the way back (ASVS 5.0, 7.4.1, 14.3.1)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import update

from app.infra import clock
from app.linking.models import Attempt
from app.services.container import Services
from tests.actors import Graph, LogIn, Messenger, Person, linked, log_in
from tests.browsers import Answer, InProcess
from tests.installation import ANA, BEN, PASSWORD, PUBLIC_URL, USERNAME
from tests.web.page_visitor import words_of

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]


class Scene:
    """A person who has signed in, in a browser with the cookie of one attempt."""

    def __init__(self, app: Flask, services: Services, graph: Graph, messenger: Messenger) -> None:
        self.app, self.services, self.messenger = app, services, messenger
        self.login: LogIn = log_in()
        graph.knows(self.login, ANA)
        self.person = Person(InProcess(app, PUBLIC_URL))
        self.person.taps_log_in(self.login)
        self.person.signs_in()
        self.question = self.person.sees
        self.address = self.question.form("Connect").action.removesuffix("/confirm")

    def asks(self) -> Answer:
        """Load the page of the attempt, as the browser does that waits for Messenger."""
        return self.person.opens(self.address)


@pytest.fixture
def scene(app: Flask, services: Services, graph: Graph, messenger: Messenger) -> Scene:
    return Scene(app, services, graph, messenger)


def _cancelled(scene: Scene) -> Answer:
    return scene.person.presses("Cancel")


def _linked(scene: Scene) -> Answer:
    scene.messenger.tells(linked(ANA, scene.person.connects(), clock.now()))
    return scene.asks()


def _refused(scene: Scene) -> Answer:
    scene.messenger.tells(linked(BEN, scene.person.connects(), clock.now()))
    return scene.asks()


def _expired(scene: Scene) -> Answer:
    early = update(Attempt).values(opened_at=clock.now() - timedelta(minutes=5))
    scene.services.write(lambda session: session.execute(early).close())
    return scene.asks()


def _spent_elsewhere(scene: Scene) -> Answer:
    elsewhere = Person(InProcess(scene.app, PUBLIC_URL))
    elsewhere.taps_log_in(scene.login)
    elsewhere.signs_in()
    elsewhere.connects()
    return scene.asks()


ENDS: Final = {
    _cancelled: "Nothing was connected",
    _linked: "You’re connected",
    _refused: "Not connected",
    _expired: "This page has expired",
    _spent_elsewhere: "This link was already used",
}
each_end = pytest.mark.parametrize(
    ("end", "heading"), ENDS.items(), ids=[end.__name__.strip("_") for end in ENDS]
)
End = Callable[[Scene], Answer]


def content_of(answer: Answer) -> list[str]:
    """Return secret and redirect_uri in the cookie that *answer* sets."""
    value = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    return list(URLSafeTimedSerializer("any").loads_unsafe(value)[1])


@each_end
def test_the_cookie_keeps_the_way_back_alone(scene: Scene, end: End, heading: str) -> None:
    """R5: its secret is gone from the browser, and the page is the same when loaded again."""
    told = end(scene)
    again = scene.asks()

    assert ["", scene.login.redirect_uri] == content_of(told)
    assert heading in words_of(again)
    assert "set-cookie" not in again.headers
    assert scene.login.redirect_uri == scene.person.presses("Back to Messenger").location


@each_end
def test_with_the_way_back_alone_nothing_else_can_be_done(
    scene: Scene, end: End, heading: str
) -> None:
    """R13, R18: pages of before, left in other tabs, say how it has ended."""
    end(scene)
    hidden = dict(scene.question.form("Connect").fields)
    posts = {
        "": {"username": USERNAME, "password": PASSWORD},
        "/confirm": {},
        "/sign-out": {},
        "/digits": {},
    }

    for path, fields in posts.items():
        answer = scene.person.posts(scene.address + path, {**hidden, **fields})

        assert answer.status in {409, 410}
        assert heading in words_of(answer)
        assert not {"location", "set-cookie"} & set(answer.headers)
    back = scene.person.posts(f"{scene.address}/cancel", hidden)
    assert scene.login.redirect_uri == back.location
    elsewhere = scene.person.posts(
        f"{scene.address}/cancel", hidden, **{"Sec-Fetch-Site": "cross-site"}
    )
    assert "location" not in elsewhere.headers


def test_until_messenger_has_confirmed_nothing_is_cut_down(scene: Scene) -> None:
    """R20: Connect once more gives the same code, for the browser that confirmed and no other."""
    form = scene.question.form("Connect")
    first = scene.person.presses("Connect").location
    waiting = scene.asks()
    back = scene.person.presses("Back to Messenger")

    again = scene.person.posts(form.action, form.fields)

    assert "Connecting…" in words_of(waiting)
    assert "set-cookie" not in {**waiting.headers, **back.headers}
    assert first == again.location


def test_a_way_back_of_another_attempt_shows_nothing(
    scene: Scene, app: Flask, services: Services, graph: Graph, messenger: Messenger
) -> None:
    """R19: it is signed for its own attempt."""
    cut_down = _cancelled(scene).headers["set-cookie"].partition("=")[2].partition(";")[0]
    other = Scene(app, services, graph, messenger)
    _cancelled(other)
    name = f"attempt-{other.address.rpartition('/')[2]}"

    answer = Person(InProcess(app, PUBLIC_URL, keeps_cookies=False)).opens(
        other.address, Cookie=f"{name}={cut_down}"
    )

    assert 400 == answer.status
    assert "Let’s start again" in words_of(answer)
