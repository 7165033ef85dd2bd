"""``threadlink attempts follow``: one line for each new step of an attempt."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from app.infra.observability.logs import printable
from app.linking.causes.cause import FixedBy
from app.linking.timeline import Timeline

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
                yield from self._once(timeline, step.words, step.words, step.until or step.at)
            told = timeline.conclusion
            # An operator who looks on can act on it at once; anything else may still change.
            if timeline.state in _OVER or told.cause.fixed_by is FixedBy.OPERATOR:
                key = f"{timeline.state} {told.cause.slug}"
                fix = f" Fix: {told.fix}" if told.fix else ""
                yield from self._once(timeline, key, f"{told.sentence}{fix}", at)
            elif timeline.state == "confirmed" and at - timeline.steps[-1].at >= SILENCE:
                yield from self._once(timeline, _SILENT, _SILENT, at)

    def _once(self, timeline: Timeline, key: str, words: str, at: datetime) -> Iterator[str]:
        if (timeline.reference, key) in self._shown:
            return
        self._shown.add((timeline.reference, key))
        # A name may contain a terminal's control sequences.
        yield f"{at:%H:%M:%S}  {timeline.reference}  {printable(words)}"


_SILENT: Final = (
    f"no event after {SILENCE.seconds} s: is messaging_account_linking subscribed? "
    "Check: threadlink doctor"
)
