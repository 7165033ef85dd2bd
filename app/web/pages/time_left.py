"""The time for which a form still works, as the page's foot says and its script counts down."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Self

from app.infra import clock
from app.web.languages.translation import ngettext


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The time left of a page: *seconds*, and a text for each minute from one upwards."""

    seconds: int
    texts: tuple[str, ...]

    @classmethod
    def until(cls, end: datetime) -> Self:
        """Return what is left until *end*."""
        seconds = max(1, ceil((end - clock.now()).total_seconds()))
        return cls(seconds, tuple(map(text_of, range(1, ceil(seconds / 60) + 1))))


def text_of(num: int) -> str:
    """Return how the page says that it works for *num* more minutes."""
    text = ngettext(
        "This page works for %(num)d more minute.", "This page works for %(num)d more minutes.", num
    )
    return text % {"num": num}
