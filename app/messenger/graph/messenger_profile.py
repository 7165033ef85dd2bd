"""The Messenger profile of a page: where Log In leads, and the Get Started button.

Paths and bodies: developers.facebook.com, Messenger Platform, "Messenger Profile API", 18 March
2026, and "Get Started button". Meta allows ten calls in ten minutes for each page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from app.messenger.errors import BAD_PARAMETER, GraphRefused, GraphUnavailable
from app.messenger.graph.transport import Call, GraphTransport

LINKING_URL: Final = "account_linking_url"
GET_STARTED: Final = "get_started"
# "Whether the page is impacted by the new European privacy rules".
_EUROPE: Final = "subject_to_new_eu_privacy_rules"
_PATH: Final = "/me/messenger_profile"


@dataclass(frozen=True, slots=True)
class MessengerProfile:
    """The parts of a page's Messenger profile that linking needs."""

    linking_url: str | None = None
    # The payload of Get Started; None: there is no such button.
    get_started: str | None = field(default=None, kw_only=True)
    # False also where Graph does not tell.
    is_under_european_rules: bool = field(default=False, kw_only=True)


def read_profile(transport: GraphTransport) -> MessengerProfile:
    """Return the profile, in one call; two where Graph does not know the last property.

    Raises:
        GraphError: Graph refuses, or does not answer.
    """
    try:
        return read_properties(transport, LINKING_URL, GET_STARTED, _EUROPE)
    except GraphRefused as exc:
        if exc.code != BAD_PARAMETER:
            raise
        return read_properties(transport, LINKING_URL, GET_STARTED)


def set_property(transport: GraphTransport, name: str, value: object) -> None:
    """Set the property *name* to *value*.

    Raises:
        GraphError: Graph refuses, or does not answer.
    """
    _change(transport, f"set_{_WORDS[name]}", "POST", {name: value})


def clear_property(transport: GraphTransport, name: str) -> None:
    """Remove the property *name*.

    Raises:
        GraphError: Graph refuses, or does not answer.
    """
    _change(transport, f"clear_{_WORDS[name]}", "DELETE", {"fields": [name]})


# In the names of calls, as the log and the metrics have them.
_WORDS: Final[Mapping[str, str]] = {LINKING_URL: "linking_url", GET_STARTED: "get_started"}


def read_properties(transport: GraphTransport, *names: str) -> MessengerProfile:
    """Return what the profile has of the properties *names*.

    Raises:
        GraphError: Graph refuses, or does not answer.
    """
    answer = transport.send(
        Call(
            name="linking_url",
            method="GET",
            path=_PATH,
            params={"fields": ",".join(names)},
            may_repeat=True,
        )
    )
    match answer:
        case {"data": []}:
            return MessengerProfile()
        case {"data": [dict() as profile]}:
            return _profile(profile)
        case _:
            raise GraphUnavailable("an answer without a profile")


def _profile(profile: Mapping[str, Any]) -> MessengerProfile:
    url, button = profile.get(LINKING_URL), profile.get(GET_STARTED)
    payload = button.get("payload") if isinstance(button, dict) else button
    if not isinstance(url, str | None) or not isinstance(payload, str | None):
        raise GraphUnavailable("an answer without a profile")
    return MessengerProfile(
        url, get_started=payload, is_under_european_rules=profile.get(_EUROPE) is True
    )


def _change(
    transport: GraphTransport, name: str, method: Literal["POST", "DELETE"], body: dict[str, Any]
) -> None:
    call = Call(name=name, method=method, path=_PATH, body=body, may_repeat=True)
    match transport.send(call):
        case {"result": str()}:
            return
        case _:
            raise GraphUnavailable("an answer without a result")
