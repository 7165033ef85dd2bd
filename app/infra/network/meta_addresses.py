"""Meta's addresses: the Graph API, its versions, and the origins of Messenger's redirect_uri.

The settings GRAPH_URL, GRAPH_VERSION and REDIRECT_ORIGINS default to these.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

GRAPH_URL: Final = "https://graph.facebook.com"
# developers.facebook.com/docs/graph-api/changelog/versions: v26.0 is of 29 July 2026.
GRAPH_VERSION: Final = "v26.0"
# The day on which each version ends; from then on Graph answers as the oldest that has not. From
# the same page, read November 2026: it names no day for v26.0.
VERSION_ENDS: Final[Mapping[str, datetime]] = {
    "v20.0": datetime(2026, 9, 24, tzinfo=UTC),
    "v21.0": datetime(2027, 1, 21, tzinfo=UTC),
    "v22.0": datetime(2027, 5, 20, tzinfo=UTC),
    "v23.0": datetime(2027, 10, 8, tzinfo=UTC),
    "v24.0": datetime(2028, 2, 18, tzinfo=UTC),
    "v25.0": datetime(2028, 7, 29, tzinfo=UTC),
}
# Each was seen in redirect_uri values captured from Messenger's apps or in bots; no other ever was.
META_ORIGINS: Final = (
    "https://facebook.com",
    "https://www.facebook.com",
    "https://messenger.com",
    "https://www.messenger.com",
)
