"""Errors of Graph that few meet: the rest of Meta's list, each with the call it can answer.

Codes and subcodes are those of messenger-platform.md 3.6 (Meta's page of 25 June 2026, and
threads); where no wording is known it is ours.
"""

from typing import Final

# code, subcode, message, what it means, the calls it can answer; none named means every one.
RARE_ERRORS: Final[tuple[tuple[int, int | None, str, str, tuple[str, ...]], ...]] = (
    (1, 99, "An unknown error occurred", "Unknown error; may be a missing permission.", ()),
    (1, 1357046, "Received Invalid JSON reply.", "Graph cannot read its own answer.", ()),
    (2, 2018344, "Admin must accept terms", "An admin of the Page must accept terms.", ()),
    (3, None, "Capability or permissions issue", "The app lacks the capability.", ()),
    (9, 2018352, "Too many actions", "The person acts too often.", ("send",)),
    (10, 2534022, "Outside of allowed window", "Outside of the window.", ("send",)),
    (10, 2018065, "Outside of allowed window", "Outside of the window for news.", ("send",)),
    (10, 2018108, "Cannot receive messages", "The person takes no messages now.", ("send",)),
    (10, 1893063, "Page is restricted", "The Page is restricted for a time.", ("send",)),
    (100, 2018063, "URL is not whitelisted", "A domain is missing.", ("messenger_profile",)),
    (100, 2018145, "Get Started is required", "Get Started is missing.", ("messenger_profile",)),
    (100, 2018109, "Attachment size exceeds limit", "The attachment is too large.", ("send",)),
    (100, 2018164, "Incorrect app ID", "The app id is another one.", ()),
    (102, None, "Session key invalid", "The session is over.", ()),
    (110, None, "Invalid user id", "No such person.", ("object",)),
    (190, 459, "User is checkpointed", "Whose token it is must log in first.", ()),
    (190, 464, "User is not confirmed", "Whose token it is is not confirmed.", ()),
    (200, 2018021, "Fee required", "A fee for matching is required.", ("send",)),
    (200, 2018027, "Recipient has no role", "The person has no role on the app.", ("send",)),
    (200, 2018028, "App is not live", "The app is not live.", ("send",)),
    (200, 1545041, "Message not sent", "The person is not available.", ("send",)),
    (210, None, "User not visible", "The person is not visible.", ("object",)),
    (230, None, "Permission disallows message", "A permission is missing.", ("send",)),
    (341, None, "Application limit reached", "The app's limit is reached.", ()),
    (368, None, "Temporarily blocked", "Blocked for a time, for policy.", ()),
    (459, None, "User is checkpointed", "The person must log in first.", ("object",)),
    (551, None, "This person isn't available", "The person cannot be reached.", ("send",)),
    (613, 1893016, "Rate limit exceeded", "Too many messages to this person.", ("send",)),
    (613, 2018338, "Abuse warning", "Stop: Meta warns of abuse.", ("send",)),
    (613, 2534040, "Rate limit exceeded", "Too many calls of this kind.", ()),
    (1200, None, "Temporary send message failure", "Sending fails for a moment.", ("send",)),
    (2018218, None, "No profile available", "There is no profile.", ("object",)),
    (2018247, None, "No permission for the profile", "The profile is closed.", ("object",)),
    (2018300, None, "Thread is controlled by another app", "Another app has it.", ("send",)),
    (2018321, None, "Thread is in an automated flow", "A flow has the thread.", ("send",)),
)
