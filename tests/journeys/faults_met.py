"""The table of what a person meets by each fault of the emulator, and how it is found later."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.emulator.faults.table import FAULTS

# Kind, subject, code, subcode.
Event = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What a person meets: the *event* that is recorded, the *cause* that is concluded, the *page*.

    *more* are the events beside it, and *beside* the faults without which this one is not met.
    *again* tells whether the same person can succeed by trying again in a while, so that a page may
    propose it.
    """

    cause: str
    page: str
    event: Event | None = None
    more: tuple[Event, ...] = ()
    beside: tuple[str, ...] = ()
    again: bool = False


# Of every call, the first is the one that asks for the person.
_ASKING: Final[Mapping[str, tuple[str, ...]]] = {
    "graph_token_dead": (
        *("graph-102", "graph-190", "graph-190-458", "graph-190-459", "graph-190-460"),
        *("graph-190-463", "graph-190-464", "graph-190-467", "graph-190-492"),
    ),
    "graph_permission": ("graph-3", "graph-10", "graph-200"),
    "graph_page_restricted": ("graph-2-2018344", "graph-368"),
    "graph_other": ("graph-100", "graph-100-2018164"),
    "graph_region": ("graph-10-2018336", "graph-10-2018047"),
    "graph_rate_limited": (
        *("graph-4", "graph-17", "graph-32", "graph-341", "graph-613", "graph-613-2534040"),
        *("graph-80001", "graph-80006"),
    ),
    "graph_unavailable": (
        *("graph-1", "graph-1-99", "graph-1-1357046", "graph-2", "html", "drip", "reset"),
    ),
}
_SENDING: Final[Mapping[str, tuple[str, ...]]] = {
    "graph_permission": (
        *("graph-200-2018021", "graph-200-2018027", "graph-200-2018028", "graph-230"),
    ),
    "graph_page_restricted": ("graph-10-1893063",),
    "graph_other": ("graph-100-2018109",),
    "graph_rate_limited": ("graph-9-2018352", "graph-613-1893016", "graph-613-2018338"),
    "graph_unavailable": ("graph-1200", "graph-10-2018300", "graph-10-2018321"),
}
_PASSES: Final = frozenset({"graph_rate_limited", "graph_unavailable"})
_OURS: Final = "We can’t log you in right now"
_PAGES: Final[Mapping[str, str]] = {
    "graph_rate_limited": "We can’t reach Messenger",
    "graph_unavailable": "We can’t reach Messenger",
    "graph_region": "Not available here",
}
_WRITE_FIRST: Final = (
    *("graph-10-2018278", "graph-10-2534022", "graph-10-2018065", "graph-10-2018108"),
    *("graph-200-1545041", "graph-551", "graph-551-1545041"),
)
_REFUSED_TOKENS: Final = (
    *("linking-token-expired", "linking-token-of-another-page", "page-token-of-another-page"),
    "graph-10303",
)
_NAMELESS: Final[Mapping[str, tuple[int, int]]] = {
    "profile-withheld": (100, 2018247),
    "profile-nameless": (0, 0),
    "data-access-over": (100, 2018247),
    "graph-110": (110, 0),
    "graph-210": (210, 0),
    "graph-459": (459, 0),
    "graph-100-2018218": (100, 2018218),
    "graph-100-2018247": (100, 2018247),
}
# Where the profile is withheld, too.
_UNNAMED: Final[Mapping[str, tuple[str, int]]] = {
    "conversations-refused": ("name_withheld", 10),
    "conversations-foreign": ("name_withheld", 0),
    "conversations-placeholder": ("name_withheld", 0),
    "conversations-throttled": ("name_unavailable", 613),
}
# The person has agreed, and Messenger's event does not come, or not as Messenger signs it: the page
# waits, and what is known is in the counts of deliveries.
_NEVER_CONFIRMED: Final[Mapping[str, tuple[str, ...]]] = {
    "webhook_silent": (
        *("late", "reordered", "outage", "app-field-missing", "page-field-missing", "slow-return"),
    ),
    "webhook_signature": ("unsigned", "foreign-secret", "sha1-only", "altered"),
}
_HARMLESS: Final = (
    *("twice", "recut", "mixed-messages", "mixed-standby", "mixed-changes", "other-objects"),
    *("in-standby", "webhook-500", "webhook-timeout", "limit-20s"),
    # Of links by m.me, which are another road.
    *("ref-lost", "ref-in-message", "ref-twice", "ref-late", "ref-user-ref", "ref-standby"),
    *("no-source", "page-unpublished"),
    # The initial stands where the picture would.
    *("picture-gone", "picture-slow", "picture-huge", "picture-html", "picture-inward"),
    # Of calls that no person waits for, or that are made as these ask for.
    *("proof-required", "unlink-silent", "version-expired", "thread-settings-gone"),
    "page-profile-refused",
    *("graph-100-2018063", "graph-100-2018145"),
)

# The fix that doctor gives for what it sees at Meta, by the cause of an attempt.
_DOCTORS_FIXES: Final[Mapping[str, str]] = {
    "graph_token_dead": "Generate token",
    "graph_permission": "App Review",
    "graph_page_restricted": "an admin of the Page",
    "graph_other": "Meta's support",
    "graph_rate_limited": "wait ",
    "graph_unavailable": "metastatus.com",
}
# Those of which doctor has a word of its own, or none: it neither sends messages nor asks for
# people, and what answers no call at all takes its time.
_DOCTORS_OWN: Final[Mapping[str, str]] = {
    "proof-wrong": "APP_SECRET",
    "page-token-of-another-page": "Generate token",
    "app-field-missing": "threadlink setup",
    "page-field-missing": "threadlink setup",
    "proof-required": "",
    "data-access-over": "Generate token",
    "europe-page": "what is restored",
    # Of sending alone, and told in the standing of the Page as well.
    "graph-10-1893063": "an admin of the Page",
}


def _failed(names: Iterable[str], call: str, cause: str) -> Iterator[tuple[str, Met]]:
    for name in names:
        event = ("graph_failed", call, *_codes(name))
        page = _PAGES.get(cause, _OURS)
        yield name, Met(event=event, cause=cause, page=page, again=cause in _PASSES)


def _codes(name: str) -> tuple[int, int]:
    error = FAULTS[name].error
    return (error.code, error.subcode or 0) if error else (0, 0)


def _all() -> Iterator[tuple[str, Met]]:
    for name in _HARMLESS:
        yield name, Met(cause="linked", page="You’re connected")
    for cause, names in _NEVER_CONFIRMED.items():
        for name in names:
            yield name, Met(cause=cause, page="Connecting…")
    found = ("name_found", "conversations", 0, 0)
    linked = Met(cause="linked", page="You’re connected")
    for name, codes in _NAMELESS.items():
        event = ("name_withheld", "profile_name", *codes)
        yield name, replace(linked, event=event, more=(found,))
    withheld = ("name_withheld", "profile_name", 100, 2018247)
    for name, (kind, code) in _UNNAMED.items():
        unnamed = replace(linked, event=withheld, more=((kind, "conversations", code, 0),))
        yield name, replace(unnamed, beside=("profile-withheld",))
    for name in _REFUSED_TOKENS:
        event = ("graph_failed", "recipient_for", 10303, 0)
        yield name, Met(event=event, cause="token_refused", page="This page has expired")
    for name in _WRITE_FIRST:
        event = ("chat_code_not_delivered", "send_text", *_codes(name))
        yield name, Met(event=event, cause="chat_code_not_delivered", page="Write to us first")
    yield from _bare()
    # Graph says no more of it than that a parameter is wrong.
    unproven = ("graph_failed", "recipient_for", 100, 0)
    yield "proof-wrong", Met(event=unproven, cause="graph_other", page=_OURS)
    for cause, names in _ASKING.items():
        yield from _failed(names, "recipient_for", cause)
    for cause, names in _SENDING.items():
        yield from _failed(names, "send_text", cause)


def _bare() -> Iterator[tuple[str, Met]]:
    """Yield the faults that open the page without redirect_uri."""
    incomplete = ("entry_refused", "link_incomplete", 0, 0)
    page = "This link doesn’t work"
    for name in ("no-redirect-uri", "europe-page"):
        yield name, Met(event=incomplete, cause="entry_incomplete", page=page)


def _fixes() -> Iterator[tuple[str, str]]:
    for cause, names in (*_ASKING.items(), *_SENDING.items()):
        for name in names:
            error, calls = FAULTS[name].error, FAULTS[name].calls
            if error is not None:
                yield name, "" if calls else _DOCTORS_FIXES[cause]
    yield from _DOCTORS_OWN.items()


FAULTS_MET: Final[Mapping[str, Met]] = dict(_all())
# A part of doctor's fix; empty where doctor finds nothing wrong.
DOCTORS_FIXES: Final[Mapping[str, str]] = dict(_fixes())
