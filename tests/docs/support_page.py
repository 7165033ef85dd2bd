"""The part of docs/support.md that is made of the table of causes."""

import re

from app.linking.causes.cause import Cause, FixedBy
from app.linking.causes.invitations import INVITATIONS
from app.linking.causes.table import SECTIONS

# `invitations list` has their names, and `attempts list` those of the other sections.
_INVITED = "Links that begin on your own site"
FIXERS = {
    FixedBy.NOBODY: "nobody; there is nothing to fix, or nobody here can",
    FixedBy.PERSON: "the customer",
    FixedBy.WAIT: "nobody; it passes by itself",
    FixedBy.SUPPORT: "you, in support",
    FixedBy.OPERATOR: "the operator of the server",
}


def causes() -> str:
    """Return a heading for each section, with a heading and a list for each cause."""
    return "\n".join(
        f"### {section}\n\n" + "\n".join(map(_entry, causes))
        for section, causes in {**SECTIONS, _INVITED: INVITATIONS}.items()
    )


def _entry(cause: Cause) -> str:
    lines = [
        f"#### {cause.slug}\n",
        f"> {_text(cause.sentence)}\n",
        f"* Fixed by: {FIXERS[cause.fixed_by]}",
        *([f"* Fix: {_text(cause.fix)}"] if cause.fix else []),
        f"* Answer: *{cause.answer}*",
    ]
    return "\n".join(lines) + "\n"


def _text(words: str) -> str:
    """Return *words* with "…" for each fact, and angle brackets that Markdown keeps."""
    return re.sub(r"\{[a-z_]+\}", "…", words).replace("<", "\\<")
