"""The lines in which a terminal shows an attempt; commands and tests take them from here."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from app.infra.observability.logs import printable
from app.linking.causes.cause import FixedBy, Stage
from app.linking.timeline import Step, Timeline

WIDTH: Final = 80
_NOT_LINKED: Final = frozenset({"expired", "cancelled", "refused"})


def lines_of(timeline: Timeline, page_names: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of *timeline*: its steps, what is owed, the conclusion and the fix."""
    yield printable(_head(timeline, page_names))
    for step in timeline.steps:
        yield from _wrapped(f"  {_time(step)} UTC  {printable(step.words)}", indent=27)
    for owed in timeline.owed:
        yield from _wrapped(printable(owed.sentence))
    yield from conclusion_lines(timeline)


def conclusion_lines(timeline: Timeline) -> Iterator[str]:
    """Yield the conclusion of *timeline*, and the fix if there is one."""
    told = timeline.conclusion
    yield from _wrapped(printable(told.sentence))
    if told.fix:
        yield from _wrapped(printable(f"Fix ({FIXERS[told.cause.fixed_by]}): {told.fix}"))


FIXERS: Final[Mapping[FixedBy, str]] = {
    FixedBy.NOBODY: "nobody",
    FixedBy.PERSON: "the person",
    FixedBy.WAIT: "passes by itself",
    FixedBy.SUPPORT: "support",
    FixedBy.OPERATOR: "the operator",
}


def _head(timeline: Timeline, page_names: Mapping[str, str]) -> str:
    page_id = timeline.page_id
    page = f" on page {page_names.get(page_id) or page_id}" if page_id else ""
    if timeline.state == "none":
        return f"Request {timeline.reference}{page}: refused, never an attempt"
    state = timeline.state.replace("_", " ")
    is_early = timeline.state in _NOT_LINKED and timeline.conclusion.stage is Stage.OPENED
    return f"Attempt {timeline.reference}{page}: {state}{', never signed in' if is_early else ''}"


def _time(step: Step) -> str:
    until = f" to {step.until:%H:%M:%S}" if step.until else ""
    return f"{step.at:%Y-%m-%d %H:%M:%S}{until}"


def _wrapped(line: str, *, indent: int = 2) -> list[str]:
    # What is copied into a shell must stay whole.
    return textwrap.wrap(
        line,
        WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
