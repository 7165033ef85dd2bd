"""What is new about attempts that are going on, a line for each step."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from app.linking.timeline import ONLY_REFUSED, Timeline

# Messenger's event comes while the person still looks at Messenger's page.
SILENCE: Final = timedelta(seconds=20)
_OVER: Final = frozenset({"linked", "cancelled", "refused", "expired"})


class TimelineFollower:
    """Remembers what it has told."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def news(self, stories: Iterable[Timeline], *, at: datetime) -> Iterator[str]:
        """Yield, as lines, what has not been told yet of *stories*."""
        for story in stories:
            for step in story.steps:
                yield from self._once(story, step.words, step.at)
            is_news = story.conclusion.startswith("Messenger never")
            if story.state in _OVER or is_news or story.conclusion == ONLY_REFUSED:
                yield from self._once(story, story.conclusion, at)
            elif story.state == "confirmed" and at - story.steps[-1].at >= SILENCE:
                yield from self._once(story, _SILENT, at)

    def _once(self, story: Timeline, words: str, at: datetime) -> Iterator[str]:
        key = (story.reference, words)
        if key in self._told:
            return
        self._told.add(key)
        # A name may hold what a terminal obeys.
        shown = "".join(
            char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words
        )
        yield f"{at:%H:%M:%S}  {story.reference}  {shown}"


_SILENT: Final = (
    f"{SILENCE.seconds} s, nothing came: is messaging_account_linking subscribed? "
    "threadlink doctor tells"
)
