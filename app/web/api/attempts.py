"""The operation that explains an attempt, for support tools."""

from typing import Final

from app.api_keys.service import Grant
from app.infra import clock
from app.linking import references, timeline
from app.linking.attempt_object import AttemptObject, object_of
from app.web.api.operations import Operation
from app.web.current import services
from app.web.exceptions import ResourceNotFound


def show_attempt(grant: Grant, reference: str) -> AttemptObject:
    """Return the attempt, without persons and without what a wrong credential tells of accounts."""
    known = references.normalised(reference)
    shown = known and services().read(timeline.timeline_of, known, at=clock.now())
    if not shown or grant.page_id not in {None, shown.page_id}:
        raise ResourceNotFound
    return object_of(shown, tells_credentials=False)


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
        'documentation, under "Answering customers". 404: nothing is kept under this reference, or '
        "it is of another page than the key's.",
        view=show_attempt,
        answer=AttemptObject,
        problems=(404,),
    ),
)
