"""A client of Threadlink for bots: look-ups, buttons, and the signatures of what a bot receives.

    threadlink = Threadlink(os.environ["THREADLINK_URL"], os.environ["THREADLINK_KEY"])
    link = threadlink.link(page_id, psid)  # None: nobody is linked

It needs Python alone. `clients/node/threadlink.mjs` is the same for Node, and
`clients/vectors.json` is what both are held to.
"""

from threadlink_client.api import Threadlink, ThreadlinkError
from threadlink_client.signatures import SignatureError, is_messengers, read_notice

__all__ = ["SignatureError", "Threadlink", "ThreadlinkError", "is_messengers", "read_notice"]
