"""The operation that sends a Log In or Log Out button to a person."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from app.api_keys.service import Grant
from app.messenger.graph.client import GraphClient
from app.messenger.types import PageId, Psid
from app.web.api.links import Id
from app.web.api.operations import Operation
from app.web.current import services
from app.web.exceptions import ResourceNotFound
from app.web.languages.choice import choose
from app.web.languages.message import N_
from app.web.languages.translation import languages_on, plain
from app.web.pages.brands import shown_brand

# The shape of every language tag (RFC 5646, 2.1), and the longest of its 4.4.1.
LANGUAGE_TAG: Final = "^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$"
_TEXTS: Final = {
    "login": N_("Log in to use your %(page)s account here."),
    "logout": N_("You can log out here."),
}


class Button(Struct, forbid_unknown_fields=True):
    """A button to send, with a `text` above it. Messenger shows at most 640 characters.

    Without a text it is ours, in the `language` named (BCP 47, such as `pt-BR`) if that is one of
    the page's, else in the page's first.
    """

    kind: Literal["login", "logout"]
    psid: Id
    text: Annotated[str, Meta(min_length=1, max_length=640)] | None = None
    language: Annotated[str, Meta(pattern=LANGUAGE_TAG, max_length=35)] | None = None


class Sent(Struct):
    """The message that was sent, by Messenger's id."""

    message_id: str


def send_button(grant: Grant, page_id: str, body: Button) -> Sent:
    del grant
    graph = services().graph.get(PageId(page_id))
    if graph is None:
        raise ResourceNotFound
    # Graph can be slow, and must not use up the threads that the webhook needs.
    with services().admission.enter():
        return Sent(_send(graph, body))


def _send(graph: GraphClient, button: Button) -> str:
    psid, page_id = Psid(button.psid), graph.page_id
    text = button.text or _text(button, page_id)
    if button.kind == "logout":
        return graph.send_logout_button(psid, text=text)
    return graph.send_login_button(psid, text=text, url=services().linking_url(page_id))


def _text(button: Button, page_id: PageId) -> str:
    language = choose(button.language or "", languages_on(page_id).offered)
    return plain(_TEXTS[button.kind].with_values(page=shown_brand(page_id).name), language)


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/pages/<page_id>/buttons",
        name="send_button",
        scope="messages:send",
        summary="Send a Log In or Log Out button",
        description="Sends a message with the button to one person. 404: no such page. 422: "
        "Messenger will not deliver it to this person; `type` ends with `person_unreachable`, "
        "`window_closed` (the person has not written for a day) or `region_refused`. 503: "
        "`graph_throttled` or `messenger_refused_us` (token, app or page), and nothing was sent; "
        "or `graph`, Messenger does not answer: the message may have been delivered.",
        view=send_button,
        body=Button,
        answer=Sent,
        problems=(404, 422),
    ),
)
