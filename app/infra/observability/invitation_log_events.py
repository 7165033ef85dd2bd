"""The meaning of the log events about invitations."""

from typing import Final

from app.infra.observability.log_event import LogEvent

INVITATIONS: Final = (
    LogEvent(
        "invitation.created",
        "A user who is signed in offered to connect a Messenger profile: on our page, or by the "
        "API with the `key` (`source`).",
    ),
    LogEvent(
        "invitation.claimed",
        "A chat brought the link or the code of an invitation (`via`), and is asked; with `again` "
        "the same chat once more.",
    ),
    LogEvent("invitation.asked", "The question was sent to the chat; with `digits` as six digits."),
    LogEvent(
        "invitation.ask_failed",
        "Messenger took no question to the chat. The page tells the person to write first.",
        "If it happens to everybody: [Graph's errors](graph-errors.md) has the `code`.",
    ),
    LogEvent("invitation.accepted", "The chat agreed; the link is made when the page does, too."),
    LogEvent("invitation.declined", "Somebody answered No in the chat. No link was made."),
    LogEvent(
        "invitation.refused",
        "An invitation made no link, for `reason`. With `claimed twice` and `spent` a second "
        "Messenger profile brought its link or code: it was passed on, or stolen.",
        "With these two: `threadlink invitations show REFERENCE`, and ask the owner of the "
        "account.",
    ),
    LogEvent(
        "invitation.code_unknown",
        "A chat sent a text of the form of a code, which is none (`reason`: `unknown`), or was "
        "not looked up after ten of them in an hour (`too many`). Nobody is answered.",
    ),
    LogEvent(
        "invitation.typing_suspended",
        "A thousand texts of the form of a code came to the Page `page` within ten minutes: codes "
        "are not looked up until that is over. Links go on working.",
        "Somebody is guessing. Nothing needs to be done.",
    ),
    LogEvent(
        "chat.not_said",
        "Messenger took no message to a chat that only tells how an invitation went on (`text`).",
    ),
)
