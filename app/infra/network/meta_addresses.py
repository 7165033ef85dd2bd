"""Meta's addresses: the Graph API, its version, and the origins of Messenger's redirect_uri.

The settings GRAPH_URL, GRAPH_VERSION and REDIRECT_ORIGINS default to these.
"""

from typing import Final

GRAPH_URL: Final = "https://graph.facebook.com"
# developers.facebook.com/docs/graph-api/changelog/versions: v26.0 is of 29 July 2026.
GRAPH_VERSION: Final = "v26.0"
# Each was seen in redirect_uri values captured from Messenger's apps or in bots; no other ever was.
META_ORIGINS: Final = (
    "https://facebook.com",
    "https://www.facebook.com",
    "https://messenger.com",
    "https://www.messenger.com",
)
