"""People's pictures, kept in memory for as long as a page may show them, and fetched once.

Nothing of them is stored: after the attempt only Messenger has them.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from app.messenger.pictures import Picture, PictureFetcher, PictureRefused

MOST_BYTES: Final = 256 * 1024
PATIENCE_S: Final = 2.0
MOST_AT_ONCE: Final = 4
MOST_KEPT: Final = 64
MOST_KEPT_BYTES: Final = 16 * 1024 * 1024
# A browser that loads the page again does not have Meta asked again at once.
REFUSAL_KEPT_S: Final = 60.0


class NoPlace(Exception):
    """Too many pictures are being fetched, or this one is: to wait would hold a thread."""


@dataclass(frozen=True, slots=True)
class _Kept:
    address: str = field(repr=False)
    result: Picture | PictureRefused
    until: float

    @property
    def size(self) -> int:
        return len(self.result.content) if isinstance(self.result, Picture) else 0


class KeptPictures:
    """The pictures of attempts that are under way, at most *at_once* being fetched. Thread-safe."""

    def __init__(
        self,
        fetcher: PictureFetcher,
        *,
        at_once: int = MOST_AT_ONCE,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._fetcher, self._at_once, self._clock = fetcher, at_once, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching: set[str] = set()

    def kept(self, attempt_id: str, address: str) -> Picture | PictureRefused | None:
        """Return what is known of the picture of *attempt_id* at *address*, None if it is not."""
        with self._lock:
            self._forget_old()
            known = self._kept.get(attempt_id)
            return known.result if known and known.address == address else None

    def fetch(self, attempt_id: str, address: str, *, left_s: float) -> Picture:
        """Fetch the picture at *address*, and keep it for the *left_s* of the attempt.

        Raises:
            PictureRefused: There is none, or it may not be fetched or shown; this is kept too.
            NoPlace: The picture is being fetched, or too many are.
        """
        with self._lock:
            if attempt_id in self._fetching or len(self._fetching) >= self._at_once:
                raise NoPlace
            self._fetching.add(attempt_id)
        try:
            picture = self._fetcher.fetch(address, most_bytes=MOST_BYTES, total_s=PATIENCE_S)
        except PictureRefused as exc:
            self._keep(attempt_id, address, exc, min(left_s, REFUSAL_KEPT_S))
            raise
        else:
            self._keep(attempt_id, address, picture, left_s)
            return picture
        finally:
            with self._lock:
                self._fetching.discard(attempt_id)

    def forget(self, attempt_id: str) -> None:
        """Forget the picture of an attempt that shows it no more."""
        with self._lock:
            self._kept.pop(attempt_id, None)

    def _keep(
        self, attempt_id: str, address: str, result: Picture | PictureRefused, for_s: float
    ) -> None:
        with self._lock:
            self._forget_old()
            self._kept.pop(attempt_id, None)
            self._kept[attempt_id] = _Kept(address, result, self._clock() + for_s)
            while len(self._kept) > MOST_KEPT or self._size() > MOST_KEPT_BYTES:
                self._kept.popitem(last=False)

    def _forget_old(self) -> None:
        now = self._clock()
        for attempt_id in [each for each, kept in self._kept.items() if kept.until <= now]:
            del self._kept[attempt_id]

    def _size(self) -> int:
        return sum(kept.size for kept in self._kept.values())
