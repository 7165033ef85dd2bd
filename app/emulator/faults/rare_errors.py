"""Graph's rare errors: the rest of Meta's list, each with the calls that it can answer.

Codes and subcodes are those of Meta's pages, read in November 2026:
https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
(of 25 June 2026) and https://developers.facebook.com/docs/graph-api/guides/error-handling. Most
messages are ours: Meta does not document them. Its list has some subcodes without a code; those
come with 10 or 100 (https://github.com/davidchua/pymessenger/issues/93,
https://github.com/jgorset/facebook-messenger/issues/202).
"""

from typing import Final

# code, subcode, message, meaning, the calls that it can answer; empty means every call.
RARE_ERRORS: Final[tuple[tuple[int, int | None, str, str, tuple[str, ...]], ...]] = (
    (1, 99, "An unknown error occurred", "Unknown error; may be a missing permission.", ()),
    (1, 1357046, "Received Invalid JSON reply.", "Graph cannot read a reply of its own.", ()),
    (2, 2018344, "Admin must accept terms", "An admin of the Page must accept terms.", ()),
    (3, None, "Capability or permissions issue", "The app lacks the capability.", ()),
    (9, 2018352, "Too many actions", "The person acts too often.", ("send",)),
    (10, 2534022, "Outside of allowed window", "Outside of the window.", ("send",)),
    (10, 2018065, "Outside of allowed window", "Outside of the window for news.", ("send",)),
    (10, 2018108, "Cannot receive messages", "The person cannot receive messages now.", ("send",)),
    (
        10,
        2018300,
        "Message failed to send because another app is controlling this thread now.",
        "Another app controls the thread.",
        ("send",),
    ),
    (
        10,
        2018321,
        "Thread is in an automated flow",
        "An automated flow controls the thread.",
        ("send",),
    ),
    (10, 1893063, "Page is restricted", "The Page is restricted for a time.", ("send",)),
    (100, 2018063, "URL is not whitelisted", "A domain is missing.", ("messenger_profile",)),
    (100, 2018145, "Get Started is required", "Get Started is missing.", ("messenger_profile",)),
    (100, 2018109, "Attachment size exceeds limit", "The attachment is too large.", ("send",)),
    (100, 2018164, "Incorrect app ID", "The app ID is wrong.", ()),
    (100, 2018218, "No profile available for this user.", "There is no profile.", ("object",)),
    (100, 2018247, "No permission", "The app may not read the profile.", ("object",)),
    (102, None, "Session key invalid", "The session is over.", ()),
    (110, None, "Invalid user id", "No such person.", ("object",)),
    (190, 459, "User is checkpointed", "The token's owner must log in first.", ()),
    (190, 464, "User is not confirmed", "The token's owner is not confirmed.", ()),
    (200, 2018021, "Fee required", "A fee for matching is required.", ("send",)),
    (200, 2018027, "Recipient has no role", "The person has no role on the app.", ("send",)),
    (200, 2018028, "App is not live", "The app is not live.", ("send",)),
    (200, 1545041, "Message not sent", "The person is not available.", ("send",)),
    (210, None, "User not visible", "The person is not visible.", ("object",)),
    (230, None, "Permission disallows message", "A permission is missing.", ("send",)),
    (341, None, "Application limit reached", "The app's limit is reached.", ()),
    (368, None, "Temporarily blocked", "Blocked for a time for breaking a policy.", ()),
    (459, None, "User is checkpointed", "The person must log in first.", ("object",)),
    (551, None, "This person isn't available", "The person cannot be reached.", ("send",)),
    (613, 1893016, "Rate limit exceeded", "Too many messages to this person.", ("send",)),
    (613, 2018338, "Abuse warning", "Meta warns of abuse: stop sending.", ("send",)),
    (613, 2534040, "Rate limit exceeded", "Too many calls of this kind.", ()),
    (1200, None, "Temporary send message failure", "Sending fails temporarily.", ("send",)),
)

EUROPE: Final = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform/"
    "europe-japan-updates"
)
# Those that Meta's list does not have, as others have met them.
REPORTED_ERRORS: Final[tuple[tuple[int, int, str, str, tuple[str, ...], str], ...]] = (
    (
        10,
        2018336,
        "This action was not sent due to new privacy rules in Europe.",
        "Privacy rules in Europe refuse the person or the Page.",
        ("send", "recipient"),
        "https://github.com/fbsamples/original-coast-clothing/issues/78",
    ),
    (
        10,
        2018047,
        "This action was not sent due to privacy rules.",
        "Privacy rules refuse the person or the Page.",
        ("send", "recipient"),
        EUROPE,
    ),
)
