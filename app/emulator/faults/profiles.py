"""Faults of people's profiles: what Graph tells of a person, other than its error codes."""

from typing import Final

USER_PROFILE: Final = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform"
    "/identity/user-profile"
)
# Name, what it does, and the source.
PROFILE_FAULTS: Final = (
    (
        "profile-withheld",
        "The person's profile is withheld: 100/2018247.",
        "https://github.com/remixz/messenger-bot/issues/98",
    ),
    (
        "profile-nameless",
        "The person's profile has no name.",
        USER_PROFILE,
    ),
    (
        "data-access-over",
        "The app's access to people's data is over: profiles are withheld, the token stays valid.",
        "https://github.com/facebookarchive/php-graph-sdk/issues/1127",
    ),
    (
        "conversations-foreign",
        "The person's conversation names another participant.",
        "Not documented; a server must not take the name of one participant for another's.",
    ),
    (
        "conversations-placeholder",
        "The person's conversation has “Facebook user” in place of the name.",
        "Not documented; a server must take no words of Meta’s for a name.",
    ),
)
