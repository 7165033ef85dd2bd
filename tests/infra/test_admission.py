from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.passwords import Hasher
from app.infra.admission import Admission, Busy, admission_for


class SlowArgon2(PasswordHasher):
    """The real hasher with the least work, which counts how many run at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self._lock = Lock()
        self._running = self.most = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            return super().hash(password, salt=salt)
        finally:
            with self._lock:
                self._running -= 1


@given(admitted=st.integers(1, 8), arriving=st.integers(1, 24))
def test_as_many_get_in_as_there_are_places(admitted: int, arriving: int) -> None:
    """R54: the others are refused at once, while those inside are still busy."""
    gate = Admission(admitted=admitted, hashing=1)
    all_have_tried, all_are_there = Event(), Barrier(arriving)
    turned_away = 0
    lock = Lock()

    def come(_number: int) -> bool:
        nonlocal turned_away
        all_are_there.wait()
        try:
            with gate.enter():
                return all_have_tried.wait(30)
        except Busy:
            with lock:
                turned_away += 1
                if turned_away == arriving - admitted:
                    all_have_tried.set()
            return False

    if arriving <= admitted:
        all_have_tried.set()
    with ThreadPoolExecutor(arriving) as threads:
        inside = list(threads.map(come, range(arriving)))

    assert min(admitted, arriving) == sum(inside)
    assert max(0, arriving - admitted) == turned_away


def test_a_place_is_free_again_also_after_an_exception() -> None:
    gate = Admission(admitted=1, hashing=1)

    with pytest.raises(ZeroDivisionError), gate.enter():
        raise ZeroDivisionError
    with gate.enter(), pytest.raises(Busy), gate.enter():
        pass

    with gate.enter():
        pass


def test_no_more_hashes_run_at_once_than_there_are_slots() -> None:
    """R54: fifty people at once do not exhaust the memory."""
    gate = Admission(admitted=8, hashing=2)
    argon2 = SlowArgon2()
    hasher = Hasher(argon2, slots=gate.hashing)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hasher.hash, ["gravel teapot"] * 50))

    assert 1 <= argon2.most <= 2


@pytest.mark.parametrize(
    ("cores", "workers", "threads", "hashing", "admitted"),
    [
        (1, 1, 4, 1, 2),
        (2, 1, 32, 1, 8),
        (8, 1, 32, 7, 8),
        (8, 2, 32, 3, 8),
        (8, 16, 32, 1, 8),
        (2, 1, 1, 1, 1),
        (64, 1, 8, 63, 4),
    ],
)
def test_one_core_and_half_the_threads_stay_free(
    cores: int, workers: int, threads: int, hashing: int, admitted: int
) -> None:
    """At most 8 are admitted, and half of the request threads."""
    gate = admission_for(cores=cores, workers=workers, threads=threads)

    assert (hashing, admitted) == (gate.hashing_slots, gate.admitted)
