"""Checks that run at the same time, each for itself: one that fails hides no other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import structlog

from app.infra.database.failures import explanation
from app.setup.findings import Finding, problem

log = structlog.get_logger()

_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Check:
    """A check about *subject*, which may take a while."""

    subject: str
    look: Callable[[], Iterable[Finding]]


def run(checks: Sequence[Check]) -> Iterator[Finding]:
    """Yield the findings of *checks*, which run at the same time, in the order of *checks*."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="check") as threads:
        for findings in threads.map(findings_of, checks):
            yield from findings


def findings_of(check: Check) -> list[Finding]:
    """Return the findings of *check*; that it could not be made is one, too."""
    try:
        return [*check.look()]
    except Exception as exc:
        if cause := explanation(exc):
            words = f"could not be checked: {cause}"
            return [problem(check.subject, words, "threadlink db status")]
        # A defect; the other checks are worth having all the same.
        log.exception("setup.check_failed", subject=check.subject)
        words = f"could not be checked ({type(exc).__name__})"
        return [problem(check.subject, words, "a fault of threadlink doctor: please report it")]
