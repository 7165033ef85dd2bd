"""Log In and Log Out buttons, sent into the person's chat."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from app.api_keys.service import Grant
from app.messenger.errors import GraphRefused, PersonUnknown
from app.messenger.graph.client import GraphClient
from app.messenger.types import PageId, Psid
from app.web.api.links import Id
from app.web.api.operations import Operation
from app.web.current import services
from app.web.exceptions import MessengerRefused, ResourceNotFound


class Button(Struct, forbid_unknown_fields=True):
    """*text* stands above the button; Messenger shows 640 characters of it at most."""

    kind: Literal["login", "logout"]
    psid: Id
    text: Annotated[str, Meta(min_length=1, max_length=640)]


class Sent(Struct):
    message_id: str


def send(grant: Grant, page_id: str, body: Button) -> Sent:
    del grant
    graph = services().graph.get(PageId(page_id))
    if graph is None:
        raise ResourceNotFound
    try:
        # Graph may take its time; the webhook must not wait for it.
        with services().admission.enter():
            return Sent(_sent(graph, body))
    except PersonUnknown as exc:
        raise ResourceNotFound from exc
    except GraphRefused as exc:
        raise MessengerRefused from exc


def _sent(graph: GraphClient, button: Button) -> str:
    psid = Psid(button.psid)
    if button.kind == "logout":
        return graph.send_logout_button(psid, text=button.text)
    url = services().linking_url(graph.page_id)
    return graph.send_login_button(psid, text=button.text, url=url)


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/pages/<page_id>/buttons",
        name="send_button",
        scope="messages:send",
        summary="Send a Log In or Log Out button",
        words="Sends *text* with the button to one person. 404 where Messenger does not know the "
        "person, 422 where it refuses the message (the person has not written for a day, the "
        "page's token is dead), 503 where it does not answer: the message may have arrived.",
        view=send,
        body=Button,
        answer=Sent,
        problems=(404, 422),
    ),
)
