"""The description of a log event, for its reader."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A log event, for its reader: Markdown in one line; *advice* is for the operator."""

    name: str
    meaning: str
    advice: str = ""
