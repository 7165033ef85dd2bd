"""The names and pictures of the Pages at Meta are kept, and asked for by one process at a time."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.infra.database.portions import in_portions
from app.infra.database.writer import NotCommitted
from app.infra.observability import logs
from app.messenger.errors import GraphError, GraphUnavailable, PermissionMissing
from app.messenger.graph.page_profile import PageProfile
from app.messenger.pictures import Picture, PictureRefused
from app.messenger.types import PageId
from app.services.container import Services
from app.setup import page_profiles
from app.setup.page_profiles import UNKNOWN, KeptProfile, KnownProfiles
from app.setup.page_refresh import PageRefresh
from tests.installation import NOON, OTHER_PAGE, PAGE

RED: Final = Picture(b"\x89PNG red", "image/png")
BLUE: Final = Picture(b"\xff\xd8\xff blue", "image/jpeg")
URL: Final = "https://scontent.xx.fbcdn.net/p.png"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Meta:
    """A Meta that tells what a test wants, in place of the Graph client and the pictures."""

    told: PageProfile | GraphError = field(default_factory=lambda: PageProfile("Harbour", URL))
    picture: Picture | PictureRefused = RED
    asked: list[str] = field(default_factory=list)

    def profile(self, page_id: PageId) -> PageProfile:
        self.asked.append(page_id)
        if isinstance(self.told, GraphError):
            raise self.told
        return self.told

    def fetch(self, address: str, *, most_bytes: int, total_s: float) -> Picture:
        assert (URL, 200 * 1024) == (address, most_bytes)
        assert total_s <= 10
        if isinstance(self.picture, PictureRefused):
            raise self.picture
        return self.picture


@pytest.fixture
def meta() -> Meta:
    return Meta()


@pytest.fixture
def questions(services: Services, meta: Meta) -> PageRefresh:
    stand_in: Any = meta
    return PageRefresh(services.writer, stand_in, lambda _: stand_in)


def kept(services: Services) -> Mapping[str, KeptProfile]:
    return services.read(page_profiles.read_all)


def test_what_meta_tells_is_kept(services: Services, questions: PageRefresh) -> None:
    logs.configure(level="info", form="json")
    with capture_logs() as log:
        outcome = questions.refresh(PAGE, NOON)

    assert outcome
    assert (UNKNOWN, "") == (outcome.before, outcome.failure)
    assert {PAGE: KeptProfile("Harbour", RED, NOON)} == kept(services)
    [line] = log
    assert ("page_profile.changed", ["name", "picture"], "Harbour") == (
        line["event"],
        line["fields"],
        line["name"],
    )
    assert URL not in str(log)


def test_a_page_is_not_asked_about_twice_within_ten_minutes(
    questions: PageRefresh, meta: Meta
) -> None:
    """Every process asks at its start; only an operator may insist."""
    questions.refresh(PAGE, NOON)

    assert questions.refresh(PAGE, NOON + 9 * MINUTE) is None
    assert questions.refresh(PAGE, NOON + 9 * MINUTE, anyway=True)
    assert questions.refresh(PAGE, NOON + 18 * MINUTE) is None
    assert questions.refresh(PAGE, NOON + 20 * MINUTE)
    assert 3 == len(meta.asked)


def test_of_many_processes_one_asks(services: Services) -> None:
    """The row decides, which is locked until the commit."""
    together, claimed = threading.Barrier(4), []

    def claim() -> None:
        together.wait()
        claimed.append(services.write(page_profiles.claim, PAGE, at=NOON))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [False, False, False, True] == sorted(claimed)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (GraphUnavailable("no answer"), None),
        (PermissionMissing("(#10) not for you", code=10), 10),
    ],
)
def test_a_failure_keeps_what_is_known(
    told: GraphError, code: int | None, services: Services, questions: PageRefresh, meta: Meta
) -> None:
    questions.refresh(PAGE, NOON)
    meta.told = told

    with capture_logs() as log:
        questions.refresh(PAGE, NOON + DAY)

    assert {PAGE: KeptProfile("Harbour", RED, NOON, code)} == kept(services)
    assert [("page_profile.refused", code)] == [(line["event"], line["code"]) for line in log]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((PageProfile("Harbour", URL), PictureRefused("size")), RED),
        ((PageProfile("Harbour", tells_picture=False), BLUE), RED),
        ((PageProfile("Harbour"), BLUE), None),
        ((PageProfile("Harbour", URL), BLUE), BLUE),
    ],
    ids=["not to be had", "not told", "a silhouette", "another"],
)
def test_a_picture_goes_only_where_meta_says_that_there_is_none(
    told: tuple[PageProfile, Picture | PictureRefused],
    expected: Picture | None,
    services: Services,
    questions: PageRefresh,
    meta: Meta,
) -> None:
    questions.refresh(PAGE, NOON)
    meta.told, meta.picture = told

    questions.refresh(PAGE, NOON + DAY)

    assert {PAGE: KeptProfile("Harbour", expected, NOON + DAY)} == kept(services)


def test_pages_are_asked_about_daily_and_sooner_where_nothing_was_told(session: Session) -> None:
    def is_due(after: timedelta) -> bool:
        return (PAGE,) == page_profiles.due(session, [PAGE], at=NOON + after)

    assert is_due(timedelta(0))
    page_profiles.claim(session, PAGE, at=NOON)
    assert [False, True, True] == [is_due(after) for after in (9 * MINUTE, 10 * MINUTE, DAY)]
    page_profiles.keep(session, PAGE, KeptProfile(refused_code=10))
    assert [False, True] == [is_due(after) for after in (HOUR, DAY)]
    page_profiles.keep(session, PAGE, KeptProfile("Harbour", answered_at=NOON))
    assert [False, True] == [is_due(after) for after in (HOUR, DAY)]
    # A clock that was set back.
    assert is_due(-2 * DAY)


def test_a_page_that_is_taken_out_of_the_settings_is_forgotten(
    services: Services, questions: PageRefresh
) -> None:
    for page_id in (PAGE, OTHER_PAGE):
        questions.refresh(page_id, NOON)

    for _ in in_portions(services.writer, page_profiles.needless(services.page_ids)):
        pass

    assert {PAGE} == set(kept(services))


def test_a_row_that_goes_while_meta_is_asked_does_not_come_back(services: Services) -> None:
    class Gone(Meta):
        def profile(self, page_id: PageId) -> PageProfile:
            for _ in in_portions(services.writer, page_profiles.needless([OTHER_PAGE])):
                pass
            return super().profile(page_id)

    stand_in: Any = Gone()

    PageRefresh(services.writer, stand_in, lambda _: stand_in).refresh(PAGE, NOON)

    assert [PAGE] == stand_in.asked
    assert {} == kept(services)


def test_a_process_reads_at_most_once_a_minute() -> None:
    reads: list[Mapping[str, KeptProfile]] = []
    now = [0.0]

    def read(known: Mapping[str, KeptProfile]) -> Mapping[str, KeptProfile]:
        reads.append(known)
        return {PAGE: KeptProfile(f"name {len(reads)}")}

    known = KnownProfiles(read, lambda: now[0])
    names = []
    for now[0] in (0.0, 1.0, 59.0, 60.0, 61.0, 119.0, 120.0):
        names.append(known.of(PAGE).name)

    assert ["name 1"] * 3 + ["name 2"] * 3 + ["name 3"] == names
    assert UNKNOWN == known.of(OTHER_PAGE)
    assert 3 == len(reads)


def test_a_database_that_is_away_is_not_waited_for_twice() -> None:
    now, is_away, reads = [0.0], [True], []

    def read(_: Mapping[str, KeptProfile]) -> Mapping[str, KeptProfile]:
        reads.append(now[0])
        if is_away[0]:
            raise NotCommitted("away")
        return {PAGE: KeptProfile("Harbour")}

    known = KnownProfiles(read, lambda: now[0])
    assert [UNKNOWN, UNKNOWN] == [known.of(PAGE), known.of(PAGE)]
    is_away[0], now[0] = False, 60.0
    assert "Harbour" == known.of(PAGE).name
    is_away[0], now[0] = True, 120.0
    assert "Harbour" == known.of(PAGE).name
    assert [0.0, 60.0, 120.0] == reads


def test_a_picture_that_is_known_is_not_read_again(
    services: Services, questions: PageRefresh, meta: Meta
) -> None:
    questions.refresh(PAGE, NOON)
    first = kept(services)
    second = services.read(page_profiles.read_all, first)
    meta.picture = BLUE
    questions.refresh(PAGE, NOON + DAY)

    assert first[PAGE].picture is second[PAGE].picture
    assert BLUE == services.read(page_profiles.read_all, second)[PAGE].picture
