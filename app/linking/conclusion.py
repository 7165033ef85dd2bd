"""The conclusion of an attempt: the one cause why it stands where it stands.

Derived from the row, its events and the deliveries that came; nothing is stored or asked here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.linking import words
from app.linking.attempt_events import Kind
from app.linking.attempt_status import state_of
from app.linking.causes.cause import Cause, Stage
from app.linking.causes.table import CAUSES
from app.linking.delivery_counts import Seen
from app.linking.graph_obstacles import Row
from app.linking.models import Attempt, AttemptEvent
from app.linking.obstacles import (
    CHAT_CODE_PAGE,
    CONFIRM_PAGE,
    KNOWN,
    NEUTRAL,
    OF_NAMES,
    PROBLEM_KINDS,
    PROBLEM_PAGE,
    SIGN_IN_PAGE,
    STATUS_PAGE,
    Progress,
    row_of,
)
from app.linking.values import (
    ACCOUNT_CLOSED,
    ENDED_BY_US,
    PASSWORD_CHANGED,
    REGION,
    TOKEN_REFUSED,
    WRONG_DIGITS,
)

# Messenger posts its event while the person looks at its page: after this time, it is overdue.
PATIENCE: Final = timedelta(minutes=2)
SO_FAR: Final = "So far: "

# The reasons in the row of an attempt; any other is a fault of Messenger's event.
REASONS: Final[Mapping[str, str]] = {
    TOKEN_REFUSED: "token_refused",
    REGION: "graph_region",
    WRONG_DIGITS: "chat_code_wrong",
    ACCOUNT_CLOSED: "account_closed",
    ENDED_BY_US: "ended_by_us",
    PASSWORD_CHANGED: "password_changed",
    "expired": "event_late",
    "other person": "event_other_person",
    "other page": "event_other_page",
    "foreign page": "event_other_page",
}
_LEFT: Final[Mapping[str, str]] = {
    SIGN_IN_PAGE: "left_sign_in",
    CONFIRM_PAGE: "left_confirm",
    CHAT_CODE_PAGE: "left_chat_code",
}
_NOTHING: Final = AttemptEvent(subject="", code=0, subcode=0, detail="", times=1)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The cause of an attempt's state, with its sentence and fix as they read for this one."""

    cause: Cause
    stage: Stage
    sentence: str
    fix: str


@dataclass(frozen=True, slots=True)
class _Found:
    row: Row
    event: AttemptEvent = _NOTHING


def conclude(
    attempt: Attempt | None, events: Sequence[AttemptEvent], seen: Seen | None, *, at: datetime
) -> Conclusion:
    """Return the conclusion at *at* of an attempt, or of a request that has *events* alone.

    *events* are in the order in which they last happened. *seen* are the deliveries that came
    since the consent, None where there was none.
    """
    known = [event for event in events if event.kind in KNOWN]
    found = _of_attempt(attempt, known, seen, at) if attempt else _of_request(known)
    cause = CAUSES[found.row.slug]
    reference = attempt.reference if attempt else next((one.reference for one in events), "")
    facts = _facts(found, attempt, seen or Seen(0, 0), reference)
    sentence = cause.sentence.format_map(facts)
    # Its commands are between backticks, for the documents.
    fix = (found.row.fix or cause.fix).format_map(facts).replace("`", "")
    if attempt is not None and state_of(attempt, at) in {"open", "signed_in"}:
        # Nobody has left yet, who may go on in this moment.
        is_under_way = cause.slug in _UNDER_WAY
        sentence, fix = f"{SO_FAR}{sentence}", "" if is_under_way else fix
    return Conclusion(cause, stage_of(attempt, known), sentence, fix)


_UNDER_WAY: Final = frozenset({"never_displayed", "left_at_provider", *_LEFT.values()})


def stage_of(attempt: Attempt | None, events: Sequence[AttemptEvent]) -> Stage:
    """Return the furthest stage that was reached."""
    if attempt is None:
        return Stage.NONE
    if attempt.ended_as == "linked":
        return Stage.LINKED
    if attempt.confirmed_at is not None:
        return Stage.CONFIRMED
    is_signed_in = Progress.of(attempt, events).signed_in_at is not None
    return Stage.SIGNED_IN if is_signed_in else Stage.OPENED


def _of_request(events: Sequence[AttemptEvent]) -> _Found:
    obstacles = [event for event in events if event.kind not in NEUTRAL]
    return _obstacle(obstacles[-1]) if obstacles else _Found(Row("entry_other"))


def _of_attempt(
    attempt: Attempt, events: Sequence[AttemptEvent], seen: Seen | None, at: datetime
) -> _Found:
    if attempt.ended_as == "linked":
        return _Found(Row("linked"))
    if attempt.ended_as == "refused":
        return _of_reason(attempt.reason or "no reason", events)
    if attempt.confirmed_at is not None:
        is_overdue = at - attempt.confirmed_at > PATIENCE
        return _Found(Row(_silent(seen or Seen(0, 0)) if is_overdue else "waiting"))
    return _of_unconfirmed(attempt, events)


def _of_unconfirmed(attempt: Attempt, events: Sequence[AttemptEvent]) -> _Found:
    progress = Progress.of(attempt, events)
    obstacles = [event for event in events if event.kind not in NEUTRAL]
    unresolved = [event for event in obstacles if not progress.is_past(event)]
    if unresolved:
        return _obstacle(unresolved[-1])
    kinds = {event.kind for event in obstacles}
    trace = _last_trace(attempt, events)
    if trace and (problem := _problem(trace)) and problem not in kinds:
        # What it was about was not noted, or lost.
        return _Found(row_of(trace, problem), trace)
    if attempt.ended_as == "cancelled":
        return _Found(Row("cancelled"))
    return _by_trace(attempt, trace)


def _of_reason(reason: str, events: Sequence[AttemptEvent]) -> _Found:
    failed = [event for event in events if event.kind == Kind.GRAPH_FAILED]
    if reason == REGION and failed:
        # The event has the codes.
        return _obstacle(failed[-1])
    event = AttemptEvent(subject="", code=0, subcode=0, detail=reason, times=1)
    return _Found(Row(REASONS.get(reason, "event_unusable")), event)


def _silent(seen: Seen) -> str:
    if seen.taken:
        return "field_not_subscribed"
    return "webhook_signature" if seen.refused else "webhook_silent"


def _obstacle(event: AttemptEvent) -> _Found:
    return _Found(row_of(event), event)


def _last_trace(attempt: Attempt, events: Sequence[AttemptEvent]) -> AttemptEvent | None:
    """Return what was last seen of the person, unless the row knows something later."""
    traces = [
        event
        for event in events
        if event.kind in NEUTRAL and event.kind not in OF_NAMES and event.subject != STATUS_PAGE
    ]
    last = traces[-1] if traces else None
    signed_in_at = attempt.signed_in_at
    return None if last and signed_in_at and last.last_at < signed_in_at else last


def _problem(trace: AttemptEvent) -> Kind | None:
    return PROBLEM_KINDS.get(trace.subject.removeprefix(PROBLEM_PAGE))


def _by_trace(attempt: Attempt, trace: AttemptEvent | None) -> _Found:
    match trace:
        case AttemptEvent(kind=Kind.PROVIDER_LEFT):
            return _Found(Row("left_at_provider"), trace)
        case AttemptEvent(kind=Kind.CHAT_CODE_SENT):
            return _Found(Row("left_chat_code"), trace)
        case AttemptEvent(kind=Kind.PAGE_SHOWN, subject=subject) if subject in _LEFT:
            return _Found(Row(_LEFT[subject]), trace)
    if attempt.signed_in_at is not None:
        return _Found(Row("left_confirm"))
    is_seen = trace is not None or attempt.psid is not None
    return _Found(Row("left_sign_in" if is_seen else "never_displayed"))


def _facts(found: _Found, attempt: Attempt | None, seen: Seen, reference: str) -> Mapping[str, str]:
    event = found.event
    tried = attempt.digits_tried if attempt and not event.kind else event.times
    return {
        "authenticator": event.subject or "the provider",
        "times": words.times(tried),
        "last": words.clock_time(event.last_at),
        "until": words.clock_time(event.until_at),
        # Without an attempt, the subject is the problem.
        "limit": words.limit(event.detail or event.subject),
        "code": words.code(event),
        "says": found.row.says,
        "trace": f", {event.detail}" if event.code and event.detail else "",
        "detail": f": {event.detail}" if event.detail else "",
        "detail_only": event.detail or "unknown",
        "problem": event.subject or "unknown",
        "taken": words.deliveries(seen.taken),
        "refused": words.deliveries(seen.refused),
        "reference": reference,
    }
