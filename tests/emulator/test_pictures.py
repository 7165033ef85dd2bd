"""Pictures of people: their addresses expire, and each belongs to one person."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator import FAULTS, EmulatorServer, create_emulator, demo_settings, psid_for
from app.emulator.context import emulator_of
from app.emulator.faults.pictures import PICTURE_FAULTS
from app.emulator.pictures import FOLDER, profile_pic
from app.messenger.kept_pictures import MOST_BYTES, PATIENCE_S
from app.messenger.pictures import PictureFetcher, PictureRefused
from tests.emulator.conftest import ORIGIN, ManualClock, Person, journal_titles

LARGEST = 20 * 1024


def picture_of(person: Person, graph: FlaskClient) -> str:
    """Return the address of the picture, as Graph tells it."""
    profile = graph.get(f"/v26.0/{person.psid}?fields=profile_pic").get_json()
    address: str = profile["profile_pic"]
    return address


def size_of(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_each_person_has_a_picture_at_the_address_that_graph_tells(
    graph: FlaskClient, ana: Person, ben: Person
) -> None:
    address = picture_of(ana, graph)
    answers = [ana.opens(picture_of(person, graph)) for person in (ana, ben)]

    assert address.startswith(f"{ORIGIN}/platform/profilepic/?psid={ana.psid}&")
    assert ["image/png", "image/png"] == [answer.mimetype for answer in answers]
    assert [(256, 256), (256, 256)] == [size_of(answer.data) for answer in answers]
    assert answers[0].data != answers[1].data


def test_an_address_that_has_expired_or_was_altered_shows_nobody(
    graph: FlaskClient, clock: ManualClock, ana: Person, ben: Person
) -> None:
    address = picture_of(ana, graph)
    altered = [
        address.replace(ana.psid, ben.psid),
        address.replace("&ext=", "&ext=9"),
        address.partition("&hash=")[0],
    ]
    refused = [ana.opens(each).status_code for each in altered]
    clock.advance(timedelta(days=31))

    assert [403, 403, 403] == refused
    assert 403 == ana.opens(address).status_code


def test_a_person_without_a_drawn_picture_is_a_silhouette() -> None:
    settings = demo_settings(people=("Cleo Lind",))
    app = create_emulator(settings)
    page = settings.pages[0]
    client = app.test_client()
    psid = psid_for(settings, page.id, "Cleo Lind")
    told = client.get(f"/{psid}?fields=profile_pic&access_token={page.token}").get_json()

    shown = client.get(told["profile_pic"]).data

    assert (FOLDER / "person.png").read_bytes() == shown


def test_what_a_server_fetches_is_in_the_inspector_and_what_the_chat_shows_is_not(
    app: Flask, graph: FlaskClient, ana: Person
) -> None:
    address = picture_of(ana, graph)
    ana.emulator.journal.clear()

    app.test_client().get(address, headers={"Sec-Fetch-Site": "same-origin"})
    app.test_client().get("/favicon.ico")
    unseen = journal_titles(ana.emulator)
    app.test_client().get(address)

    assert [] == unseen
    assert ["GET platform/profilepic"] == journal_titles(ana.emulator)


@pytest.fixture(scope="module")
def served() -> Iterator[EmulatorServer]:
    with EmulatorServer(demo_settings()) as server:
        yield server


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("picture-gone", "status"),
        ("picture-slow", "slow"),
        ("picture-huge", "size"),
        ("picture-html", "type"),
        ("picture-inward", "host"),
    ],
)
def test_a_server_shows_nothing_of_a_faulty_picture(
    served: EmulatorServer, fault: str, reason: str
) -> None:
    """The server under test, as it fetches; without the fault the picture is there."""
    emulator = emulator_of(served.app)
    page = emulator.settings.pages[0]
    psid = psid_for(emulator.settings, page.id, emulator.settings.people[0])
    address = served.origin + profile_pic(emulator, psid)
    fetcher = PictureFetcher((), graph_origin=served.origin)
    fetcher.fetch(address, most_bytes=MOST_BYTES, total_s=PATIENCE_S)

    emulator.faults.turn_on(fault, times=1)
    with pytest.raises(PictureRefused) as refused:
        fetcher.fetch(address, most_bytes=MOST_BYTES, total_s=0.2 if reason == "slow" else 9)

    assert reason == refused.value.reason
    assert {name for name, _, _ in PICTURE_FAULTS} <= set(FAULTS)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.png")), ids=lambda path: path.stem)
def test_a_picture_is_small(path: object) -> None:
    assert (FOLDER / str(path)).stat().st_size <= LARGEST
