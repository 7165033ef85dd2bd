"""The headers that report how much of a rate limit is used.

https://developers.facebook.com/docs/graph-api/overview/rate-limiting
"""

import json
from typing import Literal

from app.emulator.graph.call import PageCall
from app.emulator.rate_limits import RateLimit

_FULL = 100
_MINUTES_TO_WAIT = 10
_HEADERS = {"app": "X-App-Usage", "business": "X-Business-Use-Case-Usage", "page": "X-Page-Usage"}
Scope = Literal["app", "business", "page"]


def usage_of(call: PageCall, limit: RateLimit | None) -> dict[str, str]:
    """Return the usage header of an answer to a page."""
    at = call.emulator.clock()
    percent = call.emulator.rate_limits.percent(call.page.id, limit, at) if limit else 1
    return {_HEADERS["business"]: _business(call.page.id, max(percent, 1))}


def exceeded(page_id: str, scope: Scope) -> dict[str, str]:
    """Return the usage header of an answer that refuses a call over the limit."""
    if scope == "business":
        return {_HEADERS[scope]: _business(page_id, _FULL)}
    used = {"call_count": _FULL, "total_time": 25, "total_cputime": 25}
    return {_HEADERS[scope]: json.dumps(used, separators=(",", ":"))}


def _business(page_id: str, percent: int) -> str:
    used = {
        "type": "messenger",
        "call_count": percent,
        "total_cputime": 1,
        "total_time": 1,
        "estimated_time_to_regain_access": _MINUTES_TO_WAIT if percent >= _FULL else 0,
    }
    return json.dumps({page_id: [used]}, separators=(",", ":"))
