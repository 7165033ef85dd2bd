"""What a check has found, in words that somebody can act on."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `threadlink doctor`: what was looked at, how it stands, what mends it."""

    subject: str
    verdict: Verdict
    words: str
    # The exact command, setting or dashboard page; empty where nothing is wrong.
    mend: str = ""


def ok(subject: str, words: str) -> Finding:
    return Finding(subject, "ok", words)


def warning(subject: str, words: str, mend: str) -> Finding:
    return Finding(subject, "warning", words, mend)


def fault(subject: str, words: str, mend: str) -> Finding:
    return Finding(subject, "fault", words, mend)
