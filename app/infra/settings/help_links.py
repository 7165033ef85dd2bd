"""The links below the form of the log-in page."""

from dataclasses import dataclass
from typing import Literal

HelpKind = Literal["password", "account", "help"]


@dataclass(frozen=True, slots=True)
class HelpLink:
    """A link for people who cannot log in; without a *label* the pages have one for its kind."""

    kind: HelpKind
    url: str
    label: str = ""
