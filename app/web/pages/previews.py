"""Requests for a page that no person will see."""

import re
from typing import Final

from flask import request

# Headers by which browsers declare a prefetch: the standard one, and older ones.
_PURPOSES: Final = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")

# Meta's crawlers, which fetch a link for its preview: developers.facebook.com, "Meta Web Crawlers".
# No person's browser has such a name, and whoever gives itself one gets no attempt.
_CRAWLERS: Final = re.compile(
    r"facebookexternal(?:hit|ua)|meta-external(?:ads|agent|fetcher)|meta-webindexer", re.IGNORECASE
)


def is_preview() -> bool:
    """Return whether no person will see the page: a crawler, any HEAD, a browser's prefetch."""
    if request.method == "HEAD" or _CRAWLERS.search(request.headers.get("User-Agent", "")):
        return True
    purpose = " ".join(request.headers.get(name, "") for name in _PURPOSES).lower()
    return "prefetch" in purpose or "preview" in purpose
