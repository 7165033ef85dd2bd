"""The picture of the person: for the browser of the attempt, while it may ask whether to connect.

The rules of the fetch itself are in tests/messenger/test_pictures.py, by a hostile server.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app import create_app
from app.infra import clock
from app.infra.observability import metrics
from app.linking.models import Attempt
from app.messenger.kept_pictures import MOST_BYTES, PATIENCE_S, KeptPictures
from app.messenger.pictures import Picture, PictureFetcher, PictureRefused
from app.services.container import Services
from tests.actors import Graph, LogIn, Messenger, linked, log_in
from tests.browsers import Answer, InProcess
from tests.installation import ANA, PUBLIC_URL
from tests.web.attempt_events import all_events
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]

ADDRESS: Final = "https://platform-lookaside.fbsbx.com/platform/profilepic/?psid=1&hash=canary"
FACE: Final = Picture(b"\x89PNG\r\n\x1a\n-a-face-", "image/png")


@dataclass
class Fetching(PictureFetcher):
    """A fetcher that answers at once, with a face or a refusal."""

    refusal: PictureRefused | None = None
    asked: list[str] = field(default_factory=list)

    def fetch(self, address: str, *, most_bytes: int, total_s: float) -> Picture:
        assert (MOST_BYTES, PATIENCE_S) == (most_bytes, total_s)
        self.asked.append(address)
        if self.refusal:
            raise self.refusal
        return FACE


@dataclass
class Scene:
    """Ana at a server that gets her picture's address from Graph."""

    app: Flask
    services: Services
    graph: Graph
    fetching: Fetching
    login: LogIn
    person: PageVisitor

    def picture(self, browser: InProcess | None = None) -> Answer:
        """Ask for the picture as the page does, with the cookies of *browser*."""
        attempt_id = StoredRows(self.services).column("attempt", "id")
        return (browser or self.person.browser)("GET", f"/authorize/{attempt_id}/picture")

    def opens(self) -> None:
        self.person.taps_log_in(self.login)

    def signs_in(self) -> None:
        self.opens()
        self.person.signs_in()


@pytest.fixture
def fetching() -> Fetching:
    return Fetching()


@pytest.fixture
def make_scene(services: Services, graph: Graph, fetching: Fetching) -> Callable[..., Scene]:
    def make(*, shown: bool = True) -> Scene:
        pictures = replace(services.settings.pictures, shown=shown)
        changed = replace(
            services,
            settings=replace(services.settings, pictures=pictures),
            kept_pictures=KeptPictures(fetching),
        )
        app, login = create_app(changed), log_in()
        graph.knows(login, ANA)
        graph.pictures[ANA] = ADDRESS
        return Scene(app, changed, graph, fetching, login, PageVisitor(app))

    return make


@pytest.fixture
def scene(make_scene: Callable[..., Scene]) -> Scene:
    return make_scene()


def test_the_page_shows_the_face_and_waits_for_none(scene: Scene) -> None:
    """No page asks for a picture itself: with Meta slow, a drawn head is there at once."""
    scene.signs_in()
    assert not scene.fetching.asked
    attempt_id = StoredRows(scene.services).column("attempt", "id")
    assert f'<img src="/authorize/{attempt_id}/picture" alt=""' in scene.person.sees.text

    answer = scene.picture()

    assert (200, FACE.content) == (answer.status, answer.body)
    assert [ADDRESS] == scene.fetching.asked
    headers = {
        "content-type": "image/png",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
    }
    assert headers.items() <= answer.headers.items()
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "img-src" not in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


def test_a_picture_is_fetched_once(scene: Scene) -> None:
    scene.signs_in()

    assert FACE.content == scene.picture().body == scene.picture().body
    assert 1 == len(scene.fetching.asked)


def test_no_address_of_metas_is_on_a_page(scene: Scene) -> None:
    """It names the person's PSID, and whoever has it gets the picture without us."""
    scene.signs_in()
    scene.picture()

    assert "fbsbx" not in scene.person.sees.text
    assert "canary" not in scene.person.sees.text
    assert "canary" not in str(all_events(scene.services))


def _nothing_there(answer: Answer) -> bool:
    return (404, b"") == (answer.status, answer.body)


def test_before_the_sign_in_there_is_none(scene: Scene) -> None:
    """Whoever was sent the link alone does not see whose it is."""
    scene.opens()
    assert _nothing_there(scene.picture())

    # The profile is known from the first guess on.
    scene.person.signs_in(password="wrong")
    assert ADDRESS == StoredRows(scene.services).column("attempt", "picture_url")
    assert _nothing_there(scene.picture())
    assert not scene.fetching.asked


def test_another_browser_gets_none(scene: Scene) -> None:
    """Without a cookie, and with that of another attempt of the same person."""
    scene.signs_in()
    scene.picture()
    path = f"/authorize/{StoredRows(scene.services).column('attempt', 'id')}/picture"
    other = PageVisitor(scene.app)
    login = log_in()
    scene.graph.knows(login, ANA)
    other.taps_log_in(login)
    other.signs_in()

    assert _nothing_there(other.browser("GET", path))
    assert _nothing_there(InProcess(scene.app, PUBLIC_URL)("GET", path))
    assert _nothing_there(scene.person.browser("GET", "/authorize/unknown/picture"))
    assert 1 == len(scene.fetching.asked)


def _presses(end: str) -> Callable[[Scene], None]:
    def press(scene: Scene) -> None:
        (form,) = (form for form in scene.person.sees.forms if form.action.endswith(end))
        scene.person.sends(form)

    return press


def _is_late(scene: Scene) -> None:
    def shift(session: Session) -> None:
        attempt = session.query(Attempt).one()
        session.execute(update(Attempt).values(opened_at=attempt.opened_at - timedelta(minutes=5)))

    scene.services.write(shift)


@pytest.mark.parametrize(
    "end",
    [_presses("/cancel"), _presses("/confirm"), _presses("/sign-out"), _is_late],
    ids=["cancelled", "confirmed", "signed out", "expired"],
)
def test_after_the_end_there_is_none(scene: Scene, end: Callable[[Scene], None]) -> None:
    """Also from the memory of the process, where it was a moment ago."""
    scene.signs_in()
    assert 200 == scene.picture().status

    end(scene)

    assert _nothing_there(scene.picture())
    assert 1 == len(scene.fetching.asked)


def test_the_address_is_forgotten_with_the_name(scene: Scene, messenger: Messenger) -> None:
    """R112: from the row, when Messenger has made the link of it."""
    scene.signs_in()
    stored = StoredRows(scene.services)
    assert ADDRESS == stored.column("attempt", "picture_url")
    code = scene.person.connects()

    messenger.tells(linked(ANA, code, clock.now()))

    assert "linked" == stored.column("attempt", "ended_as")
    assert stored.column("attempt", "picture_url") is None


def test_a_face_without_a_name_is_not_kept(scene: Scene) -> None:
    """Its bearer chose it too: beside "we cannot name them" it would be taken for a proof."""
    scene.graph.knows(scene.login, ANA, "")
    scene.signs_in()

    assert StoredRows(scene.services).column("attempt", "picture_url") is None
    assert _nothing_there(scene.picture())


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (PictureRefused("slow"), "slow"),
        (PictureRefused("type"), "refused"),
        (PictureRefused("host", host="pictures.example"), "refused"),
    ],
)
def test_a_refused_picture_is_told_to_the_operator_alone(
    scene: Scene, refusal: PictureRefused, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.signs_in()
    scene.fetching.refusal = refusal
    counted: list[str] = []
    monkeypatch.setattr(metrics, "count_picture", counted.append)
    noted = all_events(scene.services)

    with capture_logs() as logs:
        assert _nothing_there(scene.picture())
        assert _nothing_there(scene.picture())

    assert 1 == len(scene.fetching.asked)
    (line,) = (line for line in logs if line["event"] == "profile.picture_refused")
    assert (refusal.reason, refusal.host) == (line["reason"], line["host"])
    assert "canary" not in str(logs)
    assert [outcome, outcome] == counted
    assert noted == all_events(scene.services)


def test_sign_ins_come_first(scene: Scene) -> None:
    """Where all places for slow requests are taken, the head stays, and none is waited for."""
    scene.signs_in()
    with ExitStack() as places:
        for _ in range(scene.services.admission.admitted):
            places.enter_context(scene.services.admission.enter())
        assert _nothing_there(scene.picture())
        assert not scene.fetching.asked

    assert 200 == scene.picture().status


def test_without_pictures_none_is_asked_for(make_scene: Callable[..., Scene]) -> None:
    """PROFILE_PICTURES=0: Messenger is not asked for the address either."""
    scene = make_scene(shown=False)
    scene.signs_in()

    asked = [str(call.url) for call in scene.graph.calls if "fields=first_name" in str(call.url)]
    assert asked
    assert not [url for url in asked if "profile_pic" in url]
    assert StoredRows(scene.services).column("attempt", "picture_url") is None
    assert _nothing_there(scene.picture())
    assert not scene.fetching.asked
    assert "<img" not in scene.person.sees.text
