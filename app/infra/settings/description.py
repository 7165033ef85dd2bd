"""The description of a setting, of which docs/settings.md is made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Description:
    """A setting, for its reader: Markdown in one line.

    *needed* is the condition under which it has to be set, where that is not always. *default* is
    for defaults that the code computes.
    """

    name: str
    meaning: str
    example: str = ""
    default: str = ""
    needed: str = ""
