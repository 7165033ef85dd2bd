"""Causes that Graph's answers speak of, in the words of the table of Graph's errors."""

from typing import Final

from app.linking.causes.cause import Cause, FixedBy
from app.linking.causes.sign_in import OURS
from app.messenger.graph.meanings import CONSEQUENCES, Meaning

_META_AWAY: Final = "Messenger cannot be reached by us right now; please tap Log In in an hour."


def _cause(meaning: Meaning, fixed_by: FixedBy, answer: str) -> Cause:
    consequence = CONSEQUENCES[meaning]
    return Cause(
        slug=consequence.slug,
        stage=None,
        fixed_by=fixed_by,
        sentence=f"{{says}} {consequence.sentence} ({{code}}{{trace}})",
        fix=consequence.fix,
        answer=answer,
    )


GRAPH: Final = (
    _cause(Meaning.TOKEN, FixedBy.OPERATOR, OURS),
    _cause(Meaning.PERMISSION, FixedBy.OPERATOR, OURS),
    _cause(
        Meaning.REGION,
        FixedBy.NOBODY,
        "Meta's privacy rules do not allow this connection for your profile, and neither you nor "
        "we can change that; we are glad to help you without it.",
    ),
    _cause(Meaning.RATE_LIMIT, FixedBy.WAIT, _META_AWAY),
    _cause(Meaning.PAGE, FixedBy.OPERATOR, OURS),
    _cause(Meaning.TRANSIENT, FixedBy.WAIT, _META_AWAY),
    _cause(Meaning.WAY_OUT, FixedBy.OPERATOR, _META_AWAY),
    _cause(Meaning.UNKNOWN, FixedBy.OPERATOR, OURS),
)
