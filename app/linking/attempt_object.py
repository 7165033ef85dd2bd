"""The attempt as programs see it: in the API, and with ``--json``."""

from datetime import datetime

from msgspec import Struct

from app.linking.attempt_events import Kind
from app.linking.models import AttemptEvent
from app.linking.timeline import Timeline


class EventObject(Struct, frozen=True, kw_only=True):
    """A page sent or an obstacle. `subject` is an authenticator, a call, a limit or a page.

    `code` and `subcode` are those of Graph or of a directory, 0 where there are none.
    """

    kind: str
    subject: str
    code: int
    subcode: int
    detail: str
    first_at: datetime
    last_at: datetime
    times: int
    until_at: datetime | None


class OwedObject(Struct, frozen=True, kw_only=True):
    """Work that is left after the attempt; a notice stays for an hour after it was sent."""

    kind: str
    state: str
    since: datetime
    tries: int
    failure: str | None
    sentence: str


class AttemptObject(Struct, frozen=True, kw_only=True):
    """An attempt to connect, with the one cause why it stands where it stands.

    `state` is `none` for a request that never became an attempt.
    """

    reference: str
    page_id: str | None
    authenticator: str | None
    state: str
    stage: str
    cause: str
    fixed_by: str
    sentence: str
    fix: str
    opened_at: datetime
    ended_at: datetime | None
    events: list[EventObject]
    owed: list[OwedObject]


def object_of(timeline: Timeline, *, tells_credentials: bool) -> AttemptObject:
    """Return *timeline* as programs see it.

    Without *tells_credentials* it does not say which part of a wrong credential was wrong: whether
    an account exists is for those alone who look after accounts.
    """
    told = timeline.conclusion
    return AttemptObject(
        reference=timeline.reference,
        page_id=timeline.page_id,
        authenticator=timeline.authenticator,
        state=timeline.state,
        stage=told.stage.value,
        cause=told.cause.slug,
        fixed_by=told.cause.fixed_by.value,
        sentence=told.sentence,
        fix=told.fix,
        opened_at=timeline.opened_at,
        ended_at=timeline.ended_at,
        events=[_event(one, tells_all=tells_credentials) for one in timeline.events],
        owed=[
            OwedObject(
                kind=one.kind,
                state=one.state,
                since=one.since,
                tries=one.tries,
                failure=one.failure,
                sentence=one.sentence,
            )
            for one in timeline.owed
        ],
    )


def _event(event: AttemptEvent, *, tells_all: bool) -> EventObject:
    is_told = tells_all or event.kind != Kind.CREDENTIALS_WRONG
    return EventObject(
        kind=event.kind,
        subject=event.subject,
        code=event.code if is_told else 0,
        subcode=event.subcode if is_told else 0,
        detail=event.detail if is_told else "",
        first_at=event.first_at,
        last_at=event.last_at,
        times=event.times,
        until_at=event.until_at,
    )
