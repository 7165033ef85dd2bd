"""Problems that programs meet: clients of the API, and Messenger."""

from collections.abc import Mapping
from typing import Final

from app.accounts.rate_limiter import RateLimited
from app.api_keys.service import KeyRefused
from app.delivery_log.log import NotAppended
from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted
from app.linking.invitation_errors import (
    InvitationOver,
    InvitationUnknown,
    NobodyToInvite,
    NotAccepted,
    NothingToAsk,
    QuestionChanged,
    TooManyLinks,
    WrongDigits,
)
from app.messenger.errors import (
    BadPayload,
    BadSignature,
    GraphRefused,
    GraphThrottled,
    GraphUnavailable,
    PersonUnknown,
    RegionRefused,
    WindowClosed,
)
from app.web.exceptions import (
    InputRefused,
    KeyExposed,
    ResourceNotFound,
    ScopeMissing,
)
from app.web.problems.problem import Problem, english_problem

PROGRAM_PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    BadSignature: english_problem(
        403, "bad_signature", "Invalid signature", "The signature was not made with the app secret."
    ),
    BadPayload: english_problem(
        400, "bad_payload", "Invalid delivery", "The body is not a webhook delivery."
    ),
    NotAppended: english_problem(
        503,
        "log_unavailable",
        "The log takes nothing",
        "The log for deliveries has not confirmed this one. Send it again in a moment.",
        passes=True,
    ),
    KeyRefused: english_problem(
        401,
        "key_refused",
        "Invalid API key",
        "Send a valid API key as Authorization: Bearer. See: threadlink keys create",
    ),
    ScopeMissing: english_problem(
        403,
        "scope_missing",
        "Missing scope",
        "The API key lacks the scope of this operation. See: threadlink keys list",
    ),
    KeyExposed: english_problem(
        400,
        "key_exposed",
        "API key exposed",
        "The address contains an API key, and logs keep addresses. Revoke the key, create another, "
        "and send that as Authorization: Bearer.",
    ),
    ResourceNotFound: english_problem(
        404,
        "not_found",
        "Not found",
        "There is no such link, account or page, or this API key is for another page.",
    ),
    InputRefused: english_problem(
        400,
        "input_refused",
        "Invalid request",
        "The query or body does not match the API specification: /api/docs",
    ),
}
_INVITATIONS: Final[Mapping[type[Exception], Problem]] = {
    InvitationUnknown: PROGRAM_PROBLEMS[ResourceNotFound],
    InvitationOver: english_problem(
        409,
        "over",
        "Invitation over",
        "The invitation has ended, has expired, or was handed over to a browser.",
    ),
    NotAccepted: english_problem(
        409,
        "not_accepted",
        "Not accepted yet",
        "The Messenger profile has not answered Yes in its chat yet, nor entered its digits.",
    ),
    QuestionChanged: english_problem(
        409,
        "question_changed",
        "Question changed",
        "The name is not the one of the Messenger profile: show the present one, and ask again.",
    ),
    NothingToAsk: english_problem(
        409,
        "not_asked",
        "No digits asked for",
        "No digits were sent to a chat for this invitation.",
    ),
    WrongDigits: english_problem(
        422, "wrong_digits", "Wrong digits", "These are not the digits that were sent to the chat."
    ),
    NobodyToInvite: english_problem(
        422, "account_unknown", "No such account", "There is no active account of this subject."
    ),
    TooManyLinks: english_problem(
        422,
        "too_many_links",
        "Too many links",
        "This user has as many Messenger profiles as the operator allows.",
    ),
}
# Of the API alone: people read other words about the same errors.
API_PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    **_INVITATIONS,
    RateLimited: english_problem(
        429,
        "throttled",
        "Rate limit reached",
        "Send the request again after the time in Retry-After.",
        passes=True,
    ),
    Busy: english_problem(
        503, "busy", "Busy right now", "Send the request again in a moment.", passes=True
    ),
    NotCommitted: english_problem(
        503, "database_busy", "Busy right now", "Send the request again in a moment.", passes=True
    ),
    GraphUnavailable: english_problem(
        503,
        "graph",
        "Messenger does not answer",
        "Messenger does not answer; the message may have been delivered. Look before you send it "
        "again, in a minute.",
        passes=True,
    ),
    PersonUnknown: english_problem(
        422,
        "person_unreachable",
        "Person not reachable",
        "Messenger knows no such person on this page, or the person has blocked the page or left.",
    ),
    WindowClosed: english_problem(
        422,
        "window_closed",
        "Person has to write first",
        "Messenger delivers nothing to this person now: they have not written to the page for a "
        "day. Send the button as an answer to their next message.",
    ),
    RegionRefused: english_problem(
        422,
        "region_refused",
        "Not available in this region",
        "Messenger's privacy rules for the region of the person, or of the page, refuse this "
        "message.",
    ),
    GraphThrottled: english_problem(
        503,
        "graph_throttled",
        "Messenger asks to wait",
        "Messenger's rate limit is reached, and the message was not sent. Send it again after the "
        "time in Retry-After.",
        passes=True,
    ),
    GraphRefused: english_problem(
        503,
        "messenger_refused_us",
        "Messenger refuses this server",
        "Messenger refuses this server's token, app or page; the message was not sent. Sending it "
        "again helps only after the server's operator has acted: the log says why.",
    ),
}
