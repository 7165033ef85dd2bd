"""Requests on a browser session and its invitation that its state has no room for.

Each state has one scene, in which every request is sent that may change nothing; those that do
change something are in test_connect.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import URL, text
from sqlalchemy.orm import Session

from app.services.container import Services, build
from tests.actors import Graph, Messenger
from tests.installation import ANA, BEN, settings_for
from tests.web.second_road import SETTINGS, Chat, Shopper, named

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]


@dataclass
class Scene:
    """A browser on the second road, its chat, and another's."""

    shopper: Shopper
    ana: Chat
    ben: Chat
    services: Services


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    services = build(settings_for(database, **SETTINGS), limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def scene(app: Flask, services: Services, graph: Graph, messenger: Messenger) -> Scene:
    named(graph, ANA, "Ana Berg")
    ana, ben = (Chat(psid, messenger, graph, services) for psid in (ANA, BEN))
    return Scene(Shopper(app), ana, ben, services)


def _not_signed_in(scene: Scene) -> None:
    scene.shopper.comes()


def _open(scene: Scene) -> None:
    scene.shopper.comes_and_signs_in()


def _claimed(scene: Scene) -> None:
    _open(scene)
    scene.ana.opens(scene.shopper.ref)


def _accepted(scene: Scene) -> None:
    _claimed(scene)
    scene.ana.taps("Yes")


def _linked(scene: Scene) -> None:
    _accepted(scene)
    scene.shopper.reloads()
    scene.shopper.presses("Connect")


def _declined(scene: Scene) -> None:
    _claimed(scene)
    scene.ana.taps("No")


def _claimed_twice(scene: Scene) -> None:
    _claimed(scene)
    scene.ben.opens(scene.shopper.ref)


def _cancelled(scene: Scene) -> None:
    _open(scene)
    scene.shopper.presses("Cancel")


def _invitation_expired(scene: Scene) -> None:
    _open(scene)
    scene.services.write(_earlier, "invitation", "created_at", timedelta(minutes=10))


def _session_expired(scene: Scene) -> None:
    _open(scene)
    scene.services.write(_earlier, "browser_session", "signed_in_at", timedelta(minutes=15))


# What the page says, and what the requests are answered that may do nothing. 303: back to the page.
OVER: Final = 410
TABLE: Final[dict[Callable[[Scene], None], tuple[str, dict[str, int]]]] = {
    _not_signed_in: (
        "Log in to connect Messenger",
        {"confirm": OVER, "digits": OVER, "resend": OVER, "again": OVER},
    ),
    _open: ("Open Messenger", {"confirm": 409, "digits": 303, "resend": 303}),
    _claimed: ("Now answer in Messenger", {"confirm": 409, "digits": 303}),
    _accepted: ("Is this you on Messenger?", {"confirm": 409, "resend": 303}),
    _linked: (
        "Connected to Ana Berg.",
        {"confirm": 303, "digits": 303, "resend": 303, "again": OVER},
    ),
    _declined: ("You said No", {"confirm": 200, "digits": 303, "resend": 303}),
    _claimed_twice: ("Two Messenger profiles", {"confirm": 200, "digits": 303, "resend": 303}),
    _cancelled: (
        "You cancelled.",
        {"confirm": OVER, "digits": OVER, "resend": OVER, "again": OVER},
    ),
    _invitation_expired: (
        "the link works for a few minutes",
        {"confirm": 200, "digits": 303, "resend": 303},
    ),
    _session_expired: (
        "This page has expired",
        {"confirm": OVER, "digits": OVER, "resend": OVER, "again": OVER},
    ),
}


@pytest.mark.parametrize("state", TABLE, ids=lambda state: state.__name__)
def test_a_request_out_of_place_changes_nothing(
    scene: Scene, state: Callable[[Scene], None]
) -> None:
    """R126: and the page of the state is the same before and after."""
    state(scene)
    shopper = scene.shopper
    said, answers = TABLE[state]
    shopper.reloads()
    assert said in shopper.reads
    before = scene.services.read(_rows)

    given = {
        step: shopper.posts(
            f"{shopper.address}/{step}",
            {"form_token": shopper.token, "question": "0" * 64, "code": "1"},
        ).status
        for step in answers
    }

    assert answers == given
    assert before == scene.services.read(_rows)
    shopper.reloads()
    assert said in shopper.reads


def _rows(session: Session) -> list[object]:
    # The writer's counters and logs aside.
    queries = ("SELECT * FROM invitation", "SELECT * FROM browser_session", "SELECT * FROM link")
    return [tuple(row) for query in queries for row in session.execute(text(query))]


def _earlier(session: Session, table: str, column: str, by: timedelta) -> None:
    value = session.scalar(text(f"SELECT {column} FROM {table}"))  # noqa: S608 - a test's own words
    moved = _parsed(str(value)) - by
    stamp = moved.strftime("%Y-%m-%d %H:%M:%S.%f")
    session.execute(text(f"UPDATE {table} SET {column} = :at"), {"at": stamp})  # noqa: S608


def _parsed(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
