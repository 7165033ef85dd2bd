"""The whole table of causes."""

from collections.abc import Mapping
from typing import Final

from app.linking.causes.cause import Cause
from app.linking.causes.confirmed import CONFIRMED
from app.linking.causes.entries import ENTRIES
from app.linking.causes.graph import GRAPH
from app.linking.causes.sign_in import CONSENT, LEFT, SIGN_IN

SECTIONS: Final[Mapping[str, tuple[Cause, ...]]] = {
    "Left by the person": LEFT,
    "Signing in": SIGN_IN,
    "Meta's answers": GRAPH,
    "The code in the chat, and the question": CONSENT,
    "After Connect": CONFIRMED,
    "Requests without an attempt": ENTRIES,
}
CAUSES: Final[Mapping[str, Cause]] = {
    cause.slug: cause for causes in SECTIONS.values() for cause in causes
}
