"""Graph client of one page: the calls that account linking needs, one method each.

Paths and bodies: developers.facebook.com, Messenger Platform, pages "Account linking",
"Messenger Profile API", "Send API", "User Profile", read 2026-11. Each call states here
whether it may be repeated.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.infra.network.egress import DIRECT, Egress
from app.infra.network.http_client import Deadline
from app.infra.network.meta_addresses import GRAPH_URL, GRAPH_VERSION
from app.messenger.errors import (
    GraphUnavailable,
    LinkingTokenRefused,
    TokenDead,
)
from app.messenger.graph.conversations import CALLS_PER_S
from app.messenger.graph.ids import checked, is_id
from app.messenger.graph.messages import postbacks, template
from app.messenger.graph.messenger_profile import (
    GET_STARTED,
    LINKING_URL,
    MessengerProfile,
    clear_property,
    read_profile,
    read_properties,
    set_property,
)
from app.messenger.graph.profiles import Profile, Profiles
from app.messenger.graph.transport import (
    Call,
    GraphTransport,
    Observation,
)
from app.messenger.redirects import is_linking_token
from app.messenger.types import PageId, Psid

# The version whose documentation describes thread_settings; later ones have messenger_profile.
LEGACY_VERSION: Final = "v2.6"


class GraphClient:
    """Graph client of one page, for account linking.

    Every method raises `GraphUnavailable` where a retry may succeed, and `GraphRefused` where it
    will not.
    """

    def __init__(  # noqa: PLR0913 - one setting each, all of them named
        self,
        *,
        page_id: PageId,
        token: str,
        app_secret: str | None = None,
        base_url: str = GRAPH_URL,
        version: str = GRAPH_VERSION,
        egress: Egress = DIRECT,
        conversations_per_s: float = CALLS_PER_S,
        observe: Callable[[Observation], None] | None = None,
    ) -> None:
        self.page_id = page_id
        self._transport = GraphTransport(
            token=token,
            app_secret=app_secret,
            base_url=base_url,
            version=version,
            egress=egress,
            observe=observe,
        )
        self._profiles = Profiles(self._transport, page_id, conversations_per_s=conversations_per_s)

    def __repr__(self) -> str:
        return f"GraphClient(page_id={self.page_id!r})"

    def set_linking_url(self, url: str) -> None:
        """Make Messenger show Log In in the thread's details, leading to *url*."""
        set_property(self._transport, LINKING_URL, url)

    def linking_url(self) -> str | None:
        """Return the address of Log In in the thread's details, or None if there is none."""
        return read_properties(self._transport, LINKING_URL).linking_url

    def profile_settings(self) -> MessengerProfile:
        """Return the part of the Messenger profile that can be set, in one call."""
        return read_properties(self._transport, LINKING_URL, GET_STARTED)

    def messenger_profile(self) -> MessengerProfile:
        """Return the page's Messenger profile, and whether Meta's rules for Europe apply to it."""
        return read_profile(self._transport)

    def clear_linking_url(self) -> None:
        """Remove Log In from the thread's details."""
        clear_property(self._transport, LINKING_URL)

    def set_get_started(self, payload: str) -> None:
        """Give people who are new to the chat a button, which sends *payload* to the webhook."""
        set_property(self._transport, GET_STARTED, {"payload": payload})

    def clear_get_started(self) -> None:
        """Remove the Get Started button."""
        clear_property(self._transport, GET_STARTED)

    def set_linking_url_legacy(self, url: str, *, version: str = LEGACY_VERSION) -> None:
        """Do the same as `set_linking_url` by the call of 2016."""
        self._do(
            Call(
                name="set_linking_url_legacy",
                method="POST",
                path="/me/thread_settings",
                body={"setting_type": "account_linking", "account_linking_url": url},
                version=version,
                may_repeat=True,
            )
        )

    def clear_linking_url_legacy(self, *, version: str = LEGACY_VERSION) -> None:
        """Do the same as `clear_linking_url` by the call of 2016."""
        self._do(
            Call(
                name="clear_linking_url_legacy",
                method="DELETE",
                path="/me/thread_settings",
                body={"setting_type": "account_linking"},
                version=version,
                may_repeat=True,
            )
        )

    def recipient_for(
        self, account_linking_token: str, *, deadline: Deadline | None = None
    ) -> Psid:
        """Return the person to whom *account_linking_token* was given; this does not use it up.

        Raises:
            LinkingTokenRefused: The token is unknown, or older than its five minutes.
            TokenDead: The page token is another page's.
            GraphRefused: The page token lacks the permission.
            GraphUnavailable: No usable answer.
        """
        if not is_linking_token(account_linking_token):
            raise LinkingTokenRefused("not of the shape of a token", call="recipient_for")
        answer = self._transport.send(
            Call(
                name="recipient_for",
                method="GET",
                path="/me",
                params={
                    "fields": "recipient",
                    "account_linking_token": account_linking_token,
                },
                may_repeat=True,
            ),
            deadline=deadline,
        )
        match answer:
            case {"id": self.page_id, "recipient": str(psid)} if is_id(psid):
                return Psid(psid)
            case {"id": str(page_id)} if page_id != self.page_id:
                raise TokenDead("an answer about another page", call="recipient_for")
            case _:
                raise GraphUnavailable("an answer without a recipient", call="recipient_for")

    def profile(
        self, psid: Psid, *, with_picture: bool = True, deadline: Deadline | None = None
    ) -> Profile:
        """Return the profile of *psid* in Messenger, as far as Messenger shows it.

        Without a name, also if there was no answer: `Profile.source` tells which.

        Raises:
            GraphRefused: What Graph refuses is not the person's profile.
        """
        return self._profiles.read(psid, with_picture=with_picture, deadline=deadline)

    def unlink(self, psid: Psid) -> None:
        """End the link of *psid* in Messenger; a repetition does no harm.

        Raises:
            PersonUnknown: No person has this PSID on the page.
        """
        self._do(
            Call(
                name="unlink",
                method="POST",
                path="/me/unlink_accounts",
                body={"psid": checked(psid)},
                may_repeat=True,
            )
        )

    def send_text(self, psid: Psid, text: str, *, deadline: Deadline | None = None) -> str:
        """Send *text* to *psid*; return the id of the message."""
        return self._send("send_text", psid, {"text": text}, deadline=deadline)

    def send_postbacks(
        self,
        psid: Psid,
        text: str,
        payloads: Mapping[str, str],
        *,
        deadline: Deadline | None = None,
    ) -> str:
        """Send *text* with a button for each title in *payloads*; return the id of the message."""
        return self._send("send_postbacks", psid, postbacks(text, payloads), deadline=deadline)

    def send_login_button(self, psid: Psid, *, text: str, url: str) -> str:
        """Send *text* with a Log In button that leads to *url*; return the id of the message."""
        button = {"type": "account_link", "url": url}
        return self._send("send_login_button", psid, template(text, button))

    def send_logout_button(self, psid: Psid, *, text: str) -> str:
        """Send *text* with a Log Out button; return the id of the message."""
        return self._send("send_logout_button", psid, template(text, {"type": "account_unlink"}))

    def _send(
        self,
        name: str,
        psid: Psid,
        message: Mapping[str, Any],
        *,
        deadline: Deadline | None = None,
    ) -> str:
        # Not repeated: the message may have arrived although its answer was lost.
        answer = self._transport.send(
            Call(
                name=name,
                method="POST",
                path="/me/messages",
                body={
                    "recipient": {"id": checked(psid)},
                    "messaging_type": "RESPONSE",
                    "message": message,
                },
            ),
            deadline=deadline,
        )
        match answer:
            case {"message_id": str(message_id)}:
                return message_id
            case _:
                raise GraphUnavailable("an answer without a message id", call=name)

    def _do(self, call: Call) -> None:
        match self._transport.send(call):
            case {"result": str()}:
                return
            case _:
                raise GraphUnavailable("an answer without a result")
