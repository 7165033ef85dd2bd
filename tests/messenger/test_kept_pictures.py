"""Pictures are fetched once for each attempt, few at a time, and kept for no longer than that."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from app.messenger.kept_pictures import (
    MOST_AT_ONCE,
    MOST_BYTES,
    MOST_KEPT,
    MOST_KEPT_BYTES,
    PATIENCE_S,
    REFUSAL_KEPT_S,
    KeptPictures,
    NoPlace,
)
from app.messenger.pictures import Picture, PictureFetcher, PictureRefused

ADDRESS = "https://scontent.fbcdn.net/ana"


@dataclass
class Fetching(PictureFetcher):
    """A fetcher that answers at once, with *size* bytes or the refusal *reason*."""

    size: int = 8
    refusal: PictureRefused | None = None
    meanwhile: Callable[[], object] = lambda: None
    asked: list[str] = field(default_factory=list)
    limits: set[tuple[int, float]] = field(default_factory=set)

    def fetch(self, address: str, *, most_bytes: int, total_s: float) -> Picture:
        self.asked.append(address)
        self.limits.add((most_bytes, total_s))
        self.meanwhile()
        if self.refusal:
            raise self.refusal
        return Picture(b"x" * self.size, "image/png")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fetching() -> Fetching:
    return Fetching()


@pytest.fixture
def pictures(fetching: Fetching, clock: Clock) -> KeptPictures:
    return KeptPictures(fetching, clock=clock)


def test_a_picture_is_kept_until_the_end_of_its_attempt(
    pictures: KeptPictures, fetching: Fetching, clock: Clock
) -> None:
    fetched = pictures.fetch("a", ADDRESS, left_s=100)

    clock.now = 99
    assert fetched is pictures.kept("a", ADDRESS)
    clock.now = 100
    assert pictures.kept("a", ADDRESS) is None
    assert {(MOST_BYTES, PATIENCE_S)} == fetching.limits


def test_a_picture_is_of_one_attempt_and_one_address(pictures: KeptPictures) -> None:
    pictures.fetch("a", ADDRESS, left_s=100)

    assert pictures.kept("b", ADDRESS) is None
    assert pictures.kept("a", f"{ADDRESS}2") is None
    pictures.forget("a")
    assert pictures.kept("a", ADDRESS) is None


@pytest.mark.parametrize(("left_s", "kept_s"), [(300.0, REFUSAL_KEPT_S), (10.0, 10.0)])
def test_a_refusal_is_kept_for_a_minute(
    pictures: KeptPictures, fetching: Fetching, clock: Clock, left_s: float, kept_s: float
) -> None:
    """A page that is loaded again does not have Meta asked again at once."""
    fetching.refusal = PictureRefused("size")
    with pytest.raises(PictureRefused):
        pictures.fetch("a", ADDRESS, left_s=left_s)

    clock.now = kept_s - 1
    assert fetching.refusal is pictures.kept("a", ADDRESS)
    clock.now = kept_s
    assert pictures.kept("a", ADDRESS) is None


def test_the_oldest_go_first(pictures: KeptPictures, fetching: Fetching) -> None:
    """However many people link at once, the memory is bounded: by number and by bytes."""
    for number in range(MOST_KEPT + 1):
        pictures.fetch(f"{number}", ADDRESS, left_s=100)
    assert pictures.kept("0", ADDRESS) is None
    assert all(pictures.kept(f"{number}", ADDRESS) for number in range(1, MOST_KEPT + 1))

    fetching.size = MOST_KEPT_BYTES // 2
    for name in "abc":
        pictures.fetch(name, ADDRESS, left_s=100)
    kept = [name for name in ("a", "b", "c", "64") if pictures.kept(name, ADDRESS)]
    assert ["b", "c"] == kept


def test_no_more_than_a_few_are_fetched_at_once(pictures: KeptPictures, fetching: Fetching) -> None:
    """Each holds a thread: one more is refused at once, and neither waits nor asks."""
    names = iter("bcdefgh")
    refused: list[str] = []

    def another() -> None:
        name = next(names)
        try:
            pictures.fetch(name, ADDRESS, left_s=100)
        except NoPlace:
            refused.append(name)

    fetching.meanwhile = another
    pictures.fetch("a", ADDRESS, left_s=100)

    assert MOST_AT_ONCE == len(fetching.asked)
    assert ["e"] == refused
    # The places are free again.
    fetching.meanwhile = lambda: None
    pictures.fetch("e", ADDRESS, left_s=100)
    assert pictures.kept("e", ADDRESS)


def test_one_browser_holds_one_place(pictures: KeptPictures, fetching: Fetching) -> None:
    """The same picture is not fetched twice at once, however often a page is opened."""

    def once_more() -> None:
        with pytest.raises(NoPlace):
            pictures.fetch("a", ADDRESS, left_s=100)

    fetching.meanwhile = once_more
    fetching.refusal = PictureRefused("slow")
    with pytest.raises(PictureRefused):
        pictures.fetch("a", ADDRESS, left_s=100)

    assert [ADDRESS] == fetching.asked
