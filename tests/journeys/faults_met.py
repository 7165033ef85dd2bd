"""The table of what a person meets by each fault of the emulator, and how it is recorded.

The words and causes of an attempt are derived from these events; a column for them belongs here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.emulator.faults.table import FAULTS

# Kind, subject, code, subcode.
Event = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What a person meets: the event that is recorded, and how far they come.

    *again* tells whether the same person can succeed by trying again in a while, so that a page may
    propose it.
    """

    event: Event | None = None
    page: str = "Messenger does not answer"
    again: bool = False


# Of every call, the first is the one that names the person.
_OUR_TOKEN: Final = (
    *(f"graph-190{subcode}" for subcode in ("", "-458", "-459", "-460", "-463", "-464", "-467")),
    "graph-190-492",
    "graph-102",
)
_OUR_APP: Final = ("graph-3", "graph-10", "graph-100", "graph-100-2018164", "graph-200")
_OUR_PAGE: Final = ("graph-2-2018344",)
_TRANSIENT: Final = ("graph-1", "graph-1-99", "graph-1-1357046", "graph-2")
_LIMITS: Final = (
    *("graph-4", "graph-17", "graph-32", "graph-341", "graph-368", "graph-613"),
    *("graph-613-2534040", "graph-80006"),
)
_OF_THE_PROFILE: Final = ("graph-110", "graph-210", "graph-459")
_OF_A_MESSAGE: Final = (
    *("graph-9-2018352", "graph-10-1893063", "graph-100-2018109", "graph-200-2018021"),
    *("graph-200-2018027", "graph-200-2018028", "graph-230"),
)
_OF_A_MESSAGE_FOR_NOW: Final = (
    *("graph-613-1893016", "graph-613-2018338", "graph-1200", "graph-2018300", "graph-2018321"),
)
_WRITE_FIRST: Final = (
    *("graph-10-2018278", "graph-10-2534022", "graph-10-2018065", "graph-10-2018108"),
    *("graph-200-1545041", "graph-551", "graph-551-1545041"),
)
_NO_CONNECTION: Final = ("html", "drip", "reset")
_REFUSED_TOKENS: Final = (
    *("linking-token-expired", "linking-token-of-another-page", "page-token-of-another-page"),
    "graph-10303",
)
_NAMELESS: Final = ("profile-withheld", "profile-nameless", "graph-2018218", "graph-2018247")

# The person has agreed, and Messenger's event does not come, or not as Messenger signs it: the
# page waits, and what is known is in the counts of deliveries.
_NEVER_CONFIRMED: Final = (
    *("late", "reordered", "outage", "app-field-missing", "page-field-missing", "slow-return"),
    *("unsigned", "foreign-secret", "sha1-only", "altered"),
)
_HARMLESS: Final = (
    *("twice", "recut", "mixed-messages", "mixed-standby", "mixed-changes", "other-objects"),
    *("in-standby", "webhook-500", "webhook-timeout", "limit-5s"),
    # Of calls that no person waits for, or that are made as these ask for.
    *("proof-required", "unlink-silent", "version-expired", "thread-settings-gone"),
    *("graph-100-2018063", "graph-100-2018145"),
)


def _failed(names: Iterable[str], call: str, *, again: bool) -> Iterator[tuple[str, Met]]:
    for name in names:
        yield name, Met(event=("graph_failed", call, *_codes(name)), again=again)


def _codes(name: str) -> tuple[int, int]:
    error = FAULTS[name].error
    return (error.code, error.subcode or 0) if error else (0, 0)


def _all() -> Iterator[tuple[str, Met]]:
    for name in _HARMLESS:
        yield name, Met(page="You're connected")
    for name in _NEVER_CONFIRMED:
        yield name, Met(page="Almost there")
    for name in _NAMELESS:
        yield name, Met(event=("name_withheld", "profile_name", 0, 0), page="You're connected")
    for name in _REFUSED_TOKENS:
        event = ("graph_failed", "recipient_for", 10303, 0)
        yield name, Met(event=event, page="This link has expired")
    for name in _WRITE_FIRST:
        event = ("chat_code_not_delivered", "send_text", *_codes(name))
        yield name, Met(event=event, page="Write to us first")
    incomplete = ("entry_refused", "link_incomplete", 0, 0)
    yield "no-redirect-uri", Met(event=incomplete, page="Something is missing")
    yield "proof-wrong", Met(event=("graph_failed", "recipient_for", 100, 0))
    yield from _failed((*_OUR_TOKEN, *_OUR_APP, *_OUR_PAGE), "recipient_for", again=False)
    yield from _failed((*_TRANSIENT, *_LIMITS, *_NO_CONNECTION), "recipient_for", again=True)
    yield from _failed(_OF_THE_PROFILE, "profile_name", again=False)
    yield from _failed(_OF_A_MESSAGE, "send_text", again=False)
    yield from _failed(_OF_A_MESSAGE_FOR_NOW, "send_text", again=True)


FAULTS_MET: Final[Mapping[str, Met]] = dict(_all())
