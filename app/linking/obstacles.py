"""The cause of each obstacle, and whether the person has got past it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from app.linking.attempt_events import Kind
from app.linking.graph_obstacles import Row, graph_row
from app.linking.models import Attempt, AttemptEvent

# What is found of the person's name: no trace of the person, who sees the page that follows.
OF_NAMES: Final = frozenset(
    {Kind.NAME_WITHHELD, Kind.NAME_UNAVAILABLE, Kind.NAME_FOUND, Kind.NAME_LIKE_BRAND}
)
NEUTRAL: Final = frozenset(
    {
        *OF_NAMES,
        Kind.PAGE_SHOWN,
        Kind.PROVIDER_LEFT,
        Kind.PROVIDER_RETURNED,
        Kind.CHAT_CODE_SENT,
    }
)
SIGN_IN_PAGE: Final = "sign_in"
CONFIRM_PAGE: Final = "confirm"
CHAT_CODE_PAGE: Final = "chat_code"
STATUS_PAGE: Final = "status"
PROBLEM_PAGE: Final = "problem:"
_FLOW: Final = frozenset({SIGN_IN_PAGE, CONFIRM_PAGE, CHAT_CODE_PAGE})
_QUESTION: Final = frozenset({CONFIRM_PAGE, CHAT_CODE_PAGE})

# The limit that counts codes; all others are of the sign-in.
_OF_CODES: Final = "digits"
_SENDS: Final = "send"
NO_COOKIES: Final = "no_cookies"

# Passed by the next page of the flow, or by a sign-in; by a sign-in alone. A confirmed attempt has
# no obstacles left: its causes are Messenger's.
_PASSING: Final = frozenset(
    {Kind.GATE_FULL, Kind.DATABASE_AWAY, Kind.FORM_REFUSED, Kind.COOKIE_ABSENT, Kind.INTERNAL_ERROR}
)
_OF_SIGN_IN: Final = frozenset(
    {
        Kind.CREDENTIALS_WRONG,
        Kind.RATE_LIMITED,
        Kind.AUTHENTICATOR_AWAY,
        Kind.AUTHENTICATOR_MISCONFIGURED,
        Kind.PROVIDER_REFUSED,
        Kind.PROVIDER_DECLINED,
        Kind.PROVIDER_NOT_OFFERED,
        Kind.TOO_MANY_LINKS,
    }
)
# Their subject is an authenticator.
OF_AUTHENTICATORS: Final = frozenset(
    {
        Kind.CREDENTIALS_WRONG,
        Kind.AUTHENTICATOR_AWAY,
        Kind.AUTHENTICATOR_MISCONFIGURED,
        Kind.PROVIDER_LEFT,
        Kind.PROVIDER_RETURNED,
        Kind.PROVIDER_REFUSED,
        Kind.PROVIDER_DECLINED,
    }
)
KNOWN: Final = frozenset(kind.value for kind in Kind)

# The problems of error pages and of the API, by name, and the kind that each is noted as.
PROBLEM_KINDS: Final[Mapping[str, Kind]] = {
    "graph": Kind.GRAPH_FAILED,
    "graph_throttled": Kind.GRAPH_FAILED,
    "graph_refused": Kind.GRAPH_FAILED,
    "region_refused": Kind.GRAPH_FAILED,
    "token_refused": Kind.GRAPH_FAILED,
    "messenger_refused_us": Kind.GRAPH_FAILED,
    "busy": Kind.GATE_FULL,
    "database_busy": Kind.DATABASE_AWAY,
    "internal": Kind.INTERNAL_ERROR,
    "throttled": Kind.RATE_LIMITED,
    "sign_in_unavailable": Kind.AUTHENTICATOR_AWAY,
    "sign_in_misconfigured": Kind.AUTHENTICATOR_MISCONFIGURED,
    "cookie_absent": Kind.COOKIE_ABSENT,
    "no_cookies": Kind.COOKIE_ABSENT,
    "form_refused": Kind.FORM_REFUSED,
    "attempt_unknown": Kind.FORM_REFUSED,
    "not_departed": Kind.FORM_REFUSED,
    "not_signed_in": Kind.FORM_REFUSED,
    "attempt_expired": Kind.TOO_LATE,
    "too_late": Kind.TOO_LATE,
    "token_spent": Kind.TOKEN_SPENT,
    "too_many_links": Kind.TOO_MANY_LINKS,
    "digits_sent_too_often": Kind.CHAT_CODE_LIMITED,
    "digits_not_delivered": Kind.CHAT_CODE_NOT_DELIVERED,
    "question_changed": Kind.QUESTION_CHANGED,
}
_ENTRIES: Final[Mapping[str, str]] = {
    "link_incomplete": "entry_incomplete",
    "link_ambiguous": "entry_ambiguous",
    "redirect_refused": "entry_redirect",
    "page_unknown": "entry_page_unknown",
    "state_refused": "entry_state",
    "session_absent": "entry_session",
    "session_unknown": "entry_session",
    "session_over": "entry_session",
    "handoff_refused": "entry_handoff",
    "person_unreachable": "entry_person",
    "window_closed": "entry_person",
}


def row_of(event: AttemptEvent, kind: Kind | None = None) -> Row:
    """Return the cause of an obstacle; *kind* stands for the event's own."""
    kind = kind or Kind(event.kind)
    if kind is Kind.ENTRY_REFUSED:
        return _entry(event)
    if kind is Kind.GRAPH_FAILED or (kind is Kind.CHAT_CODE_NOT_DELIVERED and event.code):
        return graph_row(event)
    return Row(_slug_of(event, kind))


def _slug_of(event: AttemptEvent, kind: Kind) -> str:
    match kind:
        case Kind.COOKIE_ABSENT if NO_COOKIES in {event.detail, event.subject}:
            return "cookies_blocked"
        case Kind.COOKIE_ABSENT | Kind.FORM_REFUSED | Kind.QUESTION_CHANGED:
            return "page_out_of_date"
        case Kind.GATE_FULL:
            return "busy"
        case _:
            # The others are causes by themselves.
            return kind.value


def _entry(event: AttemptEvent) -> Row:
    if slug := _ENTRIES.get(event.subject):
        return Row(slug)
    kind = PROBLEM_KINDS.get(event.subject)
    return Row("entry_other") if kind is None else row_of(event, kind)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a person, by the row and the pages sent; None: not so far."""

    is_recognised: bool
    signed_in_at: datetime | None
    page_at: datetime | None
    code_sent_at: datetime | None

    @classmethod
    def of(cls, attempt: Attempt, events: Sequence[AttemptEvent]) -> Self:
        """Return the progress in *attempt*.

        The row forgets a sign-in at "Not you?"; the page that asks whether to connect shows it.
        """
        pages = {event.subject: event.last_at for event in events if event.kind == Kind.PAGE_SHOWN}
        asked = [at for page, at in pages.items() if page in _QUESTION]
        sent = [event.last_at for event in events if event.kind == Kind.CHAT_CODE_SENT]
        signed_in = [attempt.signed_in_at, *asked] if attempt.signed_in_at else asked
        return cls(
            attempt.psid is not None,
            max(filter(None, signed_in), default=None),
            max((at for page, at in pages.items() if page in _FLOW), default=None),
            max(sent, default=None),
        )

    def is_past(self, event: AttemptEvent) -> bool:
        """Return whether the person has got past the obstacle *event*."""
        match Kind(event.kind):
            case Kind.GRAPH_FAILED if _SENDS not in event.subject:
                return self.is_recognised
            case Kind.GRAPH_FAILED | Kind.CHAT_CODE_NOT_DELIVERED:
                return self.code_sent_at is not None and event.last_at < self.code_sent_at
            case Kind.RATE_LIMITED if event.subject == _OF_CODES:
                return False
            case kind if kind in _PASSING and self.page_at and event.last_at < self.page_at:
                return True
            case kind if kind in _OF_SIGN_IN or kind in _PASSING:
                return self.signed_in_at is not None and event.last_at <= self.signed_in_at
            case _:
                return False
