"""The operation that explains an attempt, for support tools."""

from datetime import UTC, datetime
from typing import Final

from msgspec import structs

from app.api_keys.service import Grant
from app.infra import clock
from app.linking import references, timeline
from app.linking.attempt_object import AttemptObject, EventObject, object_of
from app.web.api.operations import Example, Operation
from app.web.api.samples import sample
from app.web.current import services
from app.web.exceptions import ResourceNotFound


def show_attempt(grant: Grant, reference: str) -> AttemptObject:
    """Return the attempt, without persons and without what a wrong credential tells of accounts."""
    known = references.normalised(reference)
    shown = known and services().read(timeline.timeline_of, known, at=clock.now())
    if not shown or grant.page_id not in {None, shown.page_id}:
        raise ResourceNotFound
    return object_of(shown, tells_credentials=False)


_SHOWN: Final = structs.replace(
    sample(EventObject),
    kind="page_shown",
    subject="sign_in",
    first_at=datetime(2026, 11, 20, 9, 58, 3, tzinfo=UTC),
    last_at=datetime(2026, 11, 20, 9, 58, 3, tzinfo=UTC),
    until_at=None,
)
_WRONG: Final = structs.replace(
    _SHOWN,
    kind="credentials_wrong",
    subject="local",
    first_at=datetime(2026, 11, 20, 9, 58, 31, tzinfo=UTC),
    last_at=datetime(2026, 11, 20, 9, 59, 10, tzinfo=UTC),
    times=5,
)
_EVENTS: Final = [_SHOWN, _WRONG, sample(EventObject)]

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/attempts/<reference>",
        name="show_attempt",
        scope="attempts:read",
        summary="Why was this person not linked?",
        description="The attempt, or the refused request, whose reference a person saw at the foot "
        "of a page: what happened, the cause, who fixes it and how, and what is still to be done. "
        "It names no person. What each `cause` means, and what to answer the customer, is in the "
        "documentation, under “Answering customers”. Capitals, spaces and a missing dash in the "
        "reference do not matter.",
        view=show_attempt,
        answer=AttemptObject,
        example=Example(answer=structs.replace(sample(AttemptObject), events=_EVENTS, owed=[])),
        errors=(ResourceNotFound,),
    ),
)
