"""The standing of a page at Meta: restricted while that fault is on, and else without a fault.

https://developers.facebook.com/documentation/pages-api/integrity-webhook, 6 July 2026
"""

from datetime import timedelta
from typing import Any

from app.emulator.graph.call import PageCall

_RESTRICTED = "graph-10-1893063"
_DAY = timedelta(days=1)


def read_page_status(call: PageCall) -> dict[str, Any]:
    """Return the standing of the page, as in Meta's example of a page that may not message."""
    now = call.emulator.clock()
    answer = {"id": call.page.id, "timestamp": int(now.timestamp())}
    if _RESTRICTED not in call.emulator.faults.on():
        return {**answer, "status": "ok"}
    restriction = {
        "feature": "page_messaging_api",
        "description": "This page is restricted from sending messages via Messenger Platform",
        "applied_time": int(now.timestamp()),
        "expiration_time": int((now + _DAY).timestamp()),
        "violation_type": ["SPAM"],
    }
    violation = {
        "type": "SPAM",
        "description": "Page posted content that violates spam policies.",
        "url": "https://www.facebook.com/policy/spam",
    }
    return {
        **answer,
        "status": "restricted",
        "violations": [violation],
        "restrictions": [restriction],
    }
