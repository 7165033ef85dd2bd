"""``threadlink attempts follow``: one line for each new step of an attempt."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from app.infra.observability.logs import printable
from app.linking.timeline import ONLY_REFUSED, Timeline

# Messenger's event normally arrives while the person still sees Messenger's page.
SILENCE: Final = timedelta(seconds=20)
_OVER: Final = frozenset({"linked", "cancelled", "refused", "expired"})


class TimelineFollower:
    """Turns timelines into lines, and yields each line once."""

    def __init__(self) -> None:
        self._shown: set[tuple[str, str]] = set()

    def new_lines(self, timelines: Iterable[Timeline], *, at: datetime) -> Iterator[str]:
        """Yield the lines of *timelines* that have not been yielded before."""
        for timeline in timelines:
            for step in timeline.steps:
                yield from self._once(timeline, step.words, step.at)
            never_came = timeline.conclusion.startswith("Messenger never")
            if timeline.state in _OVER or never_came or timeline.conclusion == ONLY_REFUSED:
                yield from self._once(timeline, timeline.conclusion, at)
            elif timeline.state == "confirmed" and at - timeline.steps[-1].at >= SILENCE:
                yield from self._once(timeline, _SILENT, at)

    def _once(self, timeline: Timeline, words: str, at: datetime) -> Iterator[str]:
        key = (timeline.reference, words)
        if key in self._shown:
            return
        self._shown.add(key)
        # A name may contain a terminal's control sequences.
        yield f"{at:%H:%M:%S}  {timeline.reference}  {printable(words)}"


_SILENT: Final = (
    f"no event after {SILENCE.seconds} s: is messaging_account_linking subscribed? "
    "Check: threadlink doctor"
)
