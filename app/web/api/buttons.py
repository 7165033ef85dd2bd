"""The operation that sends a Log In or Log Out button to a person."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from app.api_keys.service import Grant
from app.infra import clock
from app.linking import link_queries, resume
from app.linking.invitation_links import is_made_here
from app.linking.link_object import PsidField
from app.linking.resume import ResumeText
from app.messenger.chat_tokens import DISCONNECT
from app.messenger.errors import (
    GraphRefused,
    GraphThrottled,
    GraphUnavailable,
    PersonUnknown,
    RegionRefused,
    WindowClosed,
)
from app.messenger.graph.client import GraphClient
from app.messenger.types import PageId, Psid
from app.web.api.link_shapes import ID
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
_LOG_OUT: Final = N_("Log out")


class Button(Struct, forbid_unknown_fields=True):
    """A button to send, with a `text` above it. Messenger shows at most 640 characters.

    Without a text it is ours, in the `language` named (BCP 47, such as `pt-BR`) if that is one of
    the page's, else in the page's first.
    """

    kind: Annotated[
        Literal["login", "logout"],
        Meta(
            description="Log In for somebody who is not linked, Log Out for somebody who is.",
            examples=["login"],
        ),
    ]
    psid: Annotated[PsidField, ID]
    text: Annotated[
        Annotated[str, Meta(min_length=1, max_length=640)] | None,
        Meta(
            description="What the message says above its button; without it, a text of ours.",
            examples=["Log in to see your orders here."],
        ),
    ] = None
    language: Annotated[
        Annotated[str, Meta(pattern=LANGUAGE_TAG, max_length=35)] | None,
        Meta(
            description="The language of our text, where there is no `text` (BCP 47).",
            examples=["pt-BR"],
        ),
    ] = None
    resume: Annotated[
        ResumeText | None,
        Meta(
            description="With Log In: a text that comes back once, unchanged, in the notice about "
            "this person that follows from the button.",
            examples=["order 1042"],
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.resume is not None and self.kind != "login":
            raise ValueError("`resume` goes with a Log In button only")


class Sent(Struct):
    """The message that was sent, by Messenger's id."""

    message_id: Annotated[
        str,
        Meta(
            description="The message’s id in Messenger.",
            examples=["m_AG5Hz2Uq7tuwNEhXfYYKj8mJEM_QPpz5jdCK48PnKAjSdjfipqxqMvK8ma6AC8fplwlqLP"],
        ),
    ]


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
        if services().read(_is_made_by_invitation, page_id, psid):
            # Messenger knows nothing of the link, and its own button would end nothing.
            title = plain(_LOG_OUT, _language(button, page_id))
            return graph.send_postbacks(psid, text, {title: DISCONNECT})
        return graph.send_logout_button(psid, text=text)
    url = services().linking_url(page_id)
    if button.resume is not None:
        # Before the button is there: it can be tapped at once.
        state = services().write(resume.keep, page_id, psid, button.resume, at=clock.now())
        url += f"&state={state}"
    return graph.send_login_button(psid, text=text, url=url)


def _text(button: Button, page_id: PageId) -> str:
    message = _TEXTS[button.kind].with_values(page=shown_brand(page_id).name)
    return plain(message, _language(button, page_id))


def _language(button: Button, page_id: PageId) -> str:
    return choose(button.language or "", languages_on(page_id).offered)


def _is_made_by_invitation(session: Session, page_id: PageId, psid: Psid) -> bool:
    return is_made_here(link_queries.find_link(session, page_id, psid))


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/pages/<page_id>/buttons",
        name="send_button",
        scope="messages:send",
        summary="Send a Log In or Log Out button",
        description="Sends a message with the button to one person. With the answer 200 Messenger "
        "has taken it. After the errors `graph` and `internal` it may have been delivered as well; "
        "after any other error nothing was sent.",
        view=send_button,
        body=Button,
        answer=Sent,
        errors=(
            ResourceNotFound,
            PersonUnknown,
            WindowClosed,
            RegionRefused,
            GraphThrottled,
            GraphRefused,
            GraphUnavailable,
        ),
    ),
)
