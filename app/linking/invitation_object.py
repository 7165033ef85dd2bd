"""The invitation as programs see it, with ``--json``: its story, without state, code and resume."""

from msgspec import Struct

from app.linking.invitation_story import Story
from app.linking.link_object import Moment


class StepObject(Struct, frozen=True, kw_only=True):
    """A step of an invitation, in words; `until_at` is when it happened last, if often."""

    at: Moment
    until_at: Moment | None
    words: str


class InvitationStoryObject(Struct, frozen=True, kw_only=True):
    """An invitation with the one cause why it stands where it stands; fields as an attempt's."""

    reference: str
    page_id: str
    source: str
    state: str
    created_at: Moment
    cause: str
    fixed_by: str
    sentence: str
    fix: str
    steps: tuple[StepObject, ...]


def object_of(story: Story) -> InvitationStoryObject:
    """Return *story* for programs."""
    return InvitationStoryObject(
        reference=story.reference,
        page_id=story.page_id,
        source=story.source,
        state=story.state,
        created_at=story.created_at,
        cause=story.cause.slug,
        fixed_by=story.cause.fixed_by.value,
        sentence=story.sentence,
        fix=story.fix,
        steps=tuple(
            StepObject(at=step.at, until_at=step.until, words=step.words) for step in story.steps
        ),
    )
