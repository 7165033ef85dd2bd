"""Faults of m.me links: what becomes of the ref on its way from the link to the webhook."""

from typing import Final

from app.emulator.faults.rare_errors import EUROPE

M_ME_LINKS: Final = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform"
    "/discovery/m-me-links"
)
_EVENTS: Final = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform"
    "/webhooks/webhook-events"
)
_AS_ANY_EVENT: Final = "https://developers.facebook.com/docs/graph-api/webhooks/getting-started"

# Name, what it does, and the source.
M_ME_FAULTS: Final = (
    (
        "ref-lost",
        "The chat opens, and nothing tells your server by which link.",
        "https://github.com/howdyai/botkit/issues/2169",
    ),
    (
        "ref-in-message",
        "The referral comes inside of the person's first message, and not by itself.",
        f"{_EVENTS}/messages",
    ),
    ("ref-twice", "A delivery with a referral is posted twice, byte for byte.", _AS_ANY_EVENT),
    (
        "ref-late",
        "A referral is delivered an hour later by Messenger's clock.",
        _AS_ANY_EVENT,
    ),
    (
        "ref-user-ref",
        "The sender of a referral has a user_ref and no PSID, as in the ended Chat Plugin.",
        f"{_EVENTS}/messaging_referrals",
    ),
    (
        "ref-standby",
        "A referral arrives in standby, as if another app controlled the thread.",
        f"{_EVENTS}/standby",
    ),
    (
        "page-unpublished",
        "The Page is not published: refs are told for people with a role alone: for nobody.",
        M_ME_LINKS,
    ),
    (
        "no-source",
        "A referral has no source, as Meta says of people in Europe.",
        EUROPE,
    ),
)
