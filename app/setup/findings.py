"""The result of one check, with the command or setting that fixes a problem."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `threadlink doctor`: the subject, the verdict in words, and the fix."""

    subject: str
    verdict: Verdict
    words: str
    # The exact command, setting or dashboard page; empty if nothing is wrong.
    fix: str = ""
    # Nothing has been learnt about the subject: who was asked about it did not answer.
    is_unchecked: bool = False


def ok(subject: str, words: str) -> Finding:
    return Finding(subject, "ok", words)


def warning(subject: str, words: str, fix: str) -> Finding:
    return Finding(subject, "warning", words, fix)


def problem(subject: str, words: str, fix: str) -> Finding:
    return Finding(subject, "problem", words, fix)


def unchecked(subject: str, words: str, fix: str) -> Finding:
    """Return the problem that *subject* could not be checked."""
    return Finding(subject, "problem", f"could not be checked, {words}", fix, is_unchecked=True)
