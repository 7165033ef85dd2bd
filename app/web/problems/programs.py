"""Problems that programs meet: clients of the API, and Messenger."""

from collections.abc import Mapping
from typing import Final

from app.api_keys.service import KeyRefused
from app.messenger.errors import BadPayload, BadSignature
from app.web.exceptions import (
    InputRefused,
    KeyExposed,
    MessengerRefused,
    ResourceNotFound,
    ScopeMissing,
)
from app.web.problems.problem import Problem

PROGRAM_PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    BadSignature: Problem(
        403, "bad_signature", "Invalid signature", "The signature was not made with the app secret."
    ),
    BadPayload: Problem(
        400, "bad_payload", "Invalid delivery", "The body is not a webhook delivery."
    ),
    KeyRefused: Problem(
        401,
        "key_refused",
        "Invalid API key",
        "Send a valid API key as Authorization: Bearer. See: threadlink keys create",
    ),
    ScopeMissing: Problem(
        403,
        "scope_missing",
        "Missing scope",
        "The API key lacks the scope of this operation. See: threadlink keys list",
    ),
    KeyExposed: Problem(
        400,
        "key_exposed",
        "API key exposed",
        "The address contains an API key, and logs keep addresses. Revoke the key, create another, "
        "and send that as Authorization: Bearer.",
    ),
    ResourceNotFound: Problem(
        404,
        "not_found",
        "Not found",
        "There is no such link, Messenger knows no such person, or this API key is for another "
        "page.",
    ),
    InputRefused: Problem(
        400,
        "input_refused",
        "Invalid request",
        "The query or body does not match the API specification: /api/docs",
    ),
    MessengerRefused: Problem(
        422,
        "messenger_refused",
        "Refused by Messenger",
        "Messenger understood the message and will not deliver it.",
    ),
}
