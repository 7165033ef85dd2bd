"""The answer to every request on an attempt, in every state of the attempt."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.infra import clock
from app.linking.models import Attempt
from app.services.container import Services
from tests.actors import Graph, LogIn, Messenger, Person, linked, log_in
from tests.browsers import Answer, InProcess
from tests.installation import ANA, BEN, PASSWORD, PUBLIC_URL, USERNAME

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]


@dataclass
class Scene:
    """One attempt in one browser, and those it has to do with."""

    app: Flask
    services: Services
    graph: Graph
    messenger: Messenger
    login: LogIn
    browser: InProcess
    person: Person
    address: str = ""
    form_token: str = ""
    question: str = ""
    code: str = ""

    def asks(self, method: str, path: str, **fields: str) -> Answer:
        """Send a request as a page of this attempt would, whether it is still in front or not."""
        hidden = {"form_token": self.form_token, "question": self.question}
        body = {**hidden, **fields} if method == "POST" else None
        return self.browser(method, f"{self.address}{path}", body=body)

    def is_late(self, by: timedelta) -> None:
        """Let everything have happened earlier, as if the person had waited."""
        self.services.write(_shift, by)


def _shift(session: Session, by: timedelta) -> None:
    for attempt in session.query(Attempt):
        confirmed_at = attempt.confirmed_at and attempt.confirmed_at - by
        moved = {"opened_at": attempt.opened_at - by, "confirmed_at": confirmed_at}
        session.execute(update(Attempt).where(Attempt.id == attempt.id).values(moved))


@pytest.fixture
def scene(app: Flask, services: Services, graph: Graph, messenger: Messenger) -> Scene:
    browser, login = InProcess(app, PUBLIC_URL), log_in()
    graph.knows(login, ANA)
    scene = Scene(app, services, graph, messenger, login, browser, Person(browser))
    scene.person.opens(login.address())
    scene.address = scene.person.sees.location
    scene.form_token = scene.person.follows().form("Log in").fields["form_token"]
    return scene


def _open(_: Scene) -> None:
    """Nothing has happened yet."""


def _signed_in(scene: Scene) -> None:
    scene.person.signs_in()
    hidden = scene.person.sees.form("Connect").fields
    scene.form_token, scene.question = hidden["form_token"], hidden["question"]


def _confirmed(scene: Scene) -> None:
    _signed_in(scene)
    scene.code = scene.person.connects()


def _confirmed_long_ago(scene: Scene) -> None:
    _confirmed(scene)
    scene.is_late(timedelta(minutes=10, seconds=1))


def _linked(scene: Scene) -> None:
    _confirmed(scene)
    scene.messenger.tells(linked(ANA, scene.code, clock.now()))


def _cancelled(scene: Scene) -> None:
    scene.person.presses("Back to Messenger")


def _refused(scene: Scene) -> None:
    _confirmed(scene)
    scene.messenger.tells(linked(BEN, scene.code, clock.now()))


def _token_refused(scene: Scene) -> None:
    scene.graph.forgets(scene.login)
    scene.person.signs_in()


def _expired(scene: Scene) -> None:
    _signed_in(scene)
    scene.is_late(timedelta(minutes=5))


def _spent_elsewhere(scene: Scene) -> None:
    elsewhere = Person(InProcess(scene.app, PUBLIC_URL))
    elsewhere.taps_log_in(scene.login)
    elsewhere.signs_in()
    elsewhere.connects()


REQUESTS: Final = {
    "GET": ("GET", "", {}),
    "GET confirm": ("GET", "/confirm", {}),
    "sign in": ("POST", "", {"username": USERNAME, "password": PASSWORD}),
    "confirm": ("POST", "/confirm", {}),
    "sign out": ("POST", "/sign-out", {}),
    "cancel": ("POST", "/cancel", {}),
}

# Where a 303 leads: a page of the attempt, or back to Messenger, with the code or without.
PAGE, CONFIRM, BACK, WITH_CODE = "page", "confirm", "back", "with code"

QUESTION = "Is this you on Messenger?"
LOG_IN = "Log in to 127.0.0.1"
EXPIRED, USED = "This page has expired", "This link was already used"
WAITING, CONNECTED = "Connecting…", "You’re connected"
CANCELLED, NOT_CONNECTED = "Nothing was connected", "Not connected"

# In the order of REQUESTS: a heading or, for a redirect, where it leads.
TABLE: Final[dict[Callable[[Scene], None], list[tuple[int, str]]]] = {
    _open: [
        (200, LOG_IN),
        (200, LOG_IN),
        (303, CONFIRM),
        (409, LOG_IN),
        (303, PAGE),
        (303, BACK),
    ],
    _signed_in: [
        (200, QUESTION),
        (200, QUESTION),
        (303, CONFIRM),
        (303, WITH_CODE),
        (303, PAGE),
        (303, BACK),
    ],
    _confirmed: [
        (200, WAITING),
        (200, WAITING),
        (409, WAITING),
        (303, WITH_CODE),
        (409, WAITING),
        (303, BACK),
    ],
    _confirmed_long_ago: [(200, NOT_CONNECTED)] * 2 + [(409, NOT_CONNECTED)] * 3 + [(303, BACK)],
    _linked: [(200, CONNECTED)] * 2 + [(409, CONNECTED)] * 3 + [(303, BACK)],
    _cancelled: [(200, CANCELLED)] * 2 + [(409, CANCELLED)] * 3 + [(303, BACK)],
    _refused: [(200, NOT_CONNECTED)] * 2 + [(409, NOT_CONNECTED)] * 3 + [(303, BACK)],
    _token_refused: [(410, EXPIRED)] * 5 + [(303, BACK)],
    _expired: [(410, EXPIRED)] * 5 + [(303, BACK)],
    _spent_elsewhere: [(409, USED)] * 5 + [(303, BACK)],
}

CELLS = [
    pytest.param(reach, request, *cell, id=f"{reach.__name__.strip('_')}-{request}")
    for reach, row in TABLE.items()
    for request, cell in zip(REQUESTS, row, strict=True)
]


@pytest.mark.parametrize(("reach", "request_", "status", "expected"), CELLS)
def test_each_request_is_answered_as_the_table_says(
    scene: Scene, reach: Callable[[Scene], None], request_: str, status: int, expected: str
) -> None:
    """R10, R16, R20, R68: whatever is pressed, reloaded, gone back to; no code but where due."""
    reach(scene)
    method, path, fields = REQUESTS[request_]

    answer = scene.asks(method, path, **fields)

    assert status == answer.status
    if status == 303:
        assert expected == _leads_to(scene, answer)
    else:
        assert expected == _heading(answer)
        assert _leads_back(answer)
        assert "tl_" not in answer.text


@pytest.mark.parametrize("reach", TABLE, ids=lambda reach: reach.__name__.strip("_"))
def test_the_way_back_leads_where_the_person_came_from(
    scene: Scene, reach: Callable[[Scene], None]
) -> None:
    """R5: no dead ends, and nothing appended to redirect_uri."""
    reach(scene)

    answer = scene.asks("POST", "/cancel")

    assert scene.login.redirect_uri == answer.location


def _heading(answer: Answer) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    assert found
    words = " ".join(re.sub(r"<[^>]+>", "", found[1]).replace("&#39;", "'").split())
    return words.strip()


def _leads_back(answer: Answer) -> bool:
    return any(form.action.endswith("/cancel") for form in answer.forms)


def _leads_to(scene: Scene, answer: Answer) -> str:
    location = answer.location
    with_code = f"{scene.login.redirect_uri}&authorization_code=tl_"
    return {
        scene.address: PAGE,
        f"{scene.address}/confirm": CONFIRM,
        scene.login.redirect_uri: BACK,
    }.get(location) or (WITH_CODE if location.startswith(with_code) else location)
