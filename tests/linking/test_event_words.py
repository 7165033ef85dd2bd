"""What `attempts show` says of a person's name."""

import pytest

from app.linking.attempt_events import Kind
from app.linking.event_words import words_of
from app.linking.models import AttemptEvent


@pytest.mark.parametrize(
    ("kind", "subject", "code", "detail", "words"),
    [
        (
            Kind.NAME_WITHHELD,
            "profile_name",
            10,
            "HTTP 403",
            "Messenger withholds the person's name in the profile (code 10): HTTP 403",
        ),
        (
            Kind.NAME_WITHHELD,
            "conversations",
            0,
            "skipped",
            "Messenger withholds the person's name in the page's conversations: skipped",
        ),
        (
            Kind.NAME_UNAVAILABLE,
            "conversations",
            613,
            "400",
            "the person's name could not be had from the page's conversations (code 613): 400",
        ),
        (
            Kind.NAME_FOUND,
            "conversations",
            0,
            "",
            "the person's name was found in the page's conversations",
        ),
        (
            Kind.NAME_LIKE_BRAND,
            "",
            0,
            "",
            "the person's name looks like the page's, so they were warned",
        ),
    ],
)
def test_what_came_of_a_name_is_told_by_the_call(
    kind: Kind, subject: str, code: int, detail: str, words: str
) -> None:
    """R17: the operator learns why a person was asked for a code; never the name."""
    event = AttemptEvent(
        kind=kind, subject=subject, code=code, subcode=0, detail=detail, times=1, until_at=None
    )

    assert words == words_of(event)
