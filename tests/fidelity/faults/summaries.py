"""Exchanges between Messenger and a program, summarised for a table."""

import re
from typing import Final

from threadlink_testing import Exchange, Messenger, Person, Window

_HEADING: Final = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")
_UNTIL: Final = re.compile(r" until [\d:]+")
_OK: Final = 200


def deliveries(messenger: Messenger, person: Person) -> str:
    """Return each delivery with its answer, oldest first."""
    summaries = [
        _summary(each).replace(f", {person.name}", "") for each in messenger.received("webhook")
    ]
    return ", ".join(summaries) or "nothing delivered"


def shown(window: Window) -> str:
    """Return the status and the heading of the page that the person sees."""
    heading = _HEADING.search(window.text)
    words = _TAG.sub("", heading[1] if heading else window.text)
    return f"{window.status} {' '.join(words.split())[:80]}"


def _summary(exchange: Exchange) -> str:
    if exchange.status is None:
        # A title with “held back” or “not sent” explains itself; a sent request has a reason.
        return (
            _UNTIL.sub("", exchange.title)
            if not exchange.url
            else f"{exchange.title}: {exchange.reason}"
        )
    counted = " counted as failed" if exchange.status == _OK and exchange.reason else ""
    return f"{exchange.title} {exchange.status}{counted}"
