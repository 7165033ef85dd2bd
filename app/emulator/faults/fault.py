"""A fault of Messenger or Graph that can be turned on."""

from dataclasses import dataclass
from typing import Literal

Area = Literal["webhook", "signature", "subscription", "return", "m-me", "graph", "seldom"]


@dataclass(frozen=True, slots=True)
class GraphError:
    """The error object with which Graph answers a call."""

    code: int
    message: str
    subcode: int | None = None
    status: int = 400
    is_transient: bool | None = None
    # Whose rate limit is reached, which decides the usage header; None for any other error.
    usage: Literal["app", "business", "page"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that can be turned on; `source` is a URL, or a sentence where there is none."""

    name: str
    area: Area
    does: str
    source: str
    error: GraphError | None = None
    # The Graph calls that it affects; empty means every call.
    calls: frozenset[str] = frozenset()
