"""Set-up of the app and its pages at Meta: webhook, subscriptions, tokens; one method each.

Paths and bodies: developers.facebook.com, Graph API reference, "App subscriptions",
"Page subscribed_apps", "Debug token", read 2026-11.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.infra.network.meta_addresses import GRAPH_URL, GRAPH_VERSION
from app.messenger.errors import GraphUnavailable
from app.messenger.graph.transport import (
    Call,
    GraphTransport,
    Observation,
)
from app.messenger.graph.words import words_of

LINKING_FIELD: Final = "messaging_account_linking"
# The first is needed for every call about messages, the second for subscribed_apps.
NEEDED_SCOPES: Final = ("pages_messaging", "pages_manage_metadata")


@dataclass(frozen=True, slots=True)
class Webhook:
    """The app's webhook subscription for pages: the address and the fields."""

    url: str
    fields: tuple[str, ...]
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """Meta's information about an access token."""

    is_valid: bool
    kind: str
    app_id: str
    page_id: str
    scopes: tuple[str, ...]
    # None if it never expires.
    expires_at: datetime | None
    # The reason why it is not valid, in Meta's words.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The page that a token belongs to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEndpoint:
    """The address and version of Graph, and the observer, that all clients share."""

    base_url: str = GRAPH_URL
    version: str = GRAPH_VERSION
    observe: Callable[[Observation], None] | None = field(default=None, repr=False)

    def transport(self, token: str, app_secret: str | None) -> GraphTransport:
        """Return a transport for *token*."""
        return GraphTransport(
            token=token,
            app_secret=app_secret,
            base_url=self.base_url,
            version=self.version,
            observe=self.observe,
        )


class AppClient:
    """Graph client of the app itself, with its id and secret as the token.

    Every method raises `GraphUnavailable` where a retry may succeed, and `GraphRefused` where it
    will not.
    """

    def __init__(self, endpoint: GraphEndpoint, *, app_id: str, app_secret: str) -> None:
        self.app_id = app_id
        self._transport = endpoint.transport(f"{app_id}|{app_secret}", None)

    def webhook(self) -> Webhook | None:
        """Return the webhook subscription for pages, or None if there is none."""
        answer = self._transport.send(
            Call(
                name="webhook", method="GET", path=f"/{self.app_id}/subscriptions", may_repeat=True
            )
        )
        rows = answer.get("data")
        if not isinstance(rows, list):
            raise GraphUnavailable("an answer without subscriptions")
        for row in rows:
            match row:
                case {"object": "page", "callback_url": str(url), "fields": list(fields)}:
                    return Webhook(url, _names(fields), row.get("active") is not False)
        return None

    def set_webhook(self, url: str, *, verify_token: str, fields: Collection[str]) -> None:
        """Subscribe to *fields* of pages at *url*, which must answer Meta's handshake at once.

        Raises:
            GraphRefused: It did not answer as documented.
        """
        self._do(
            Call(
                name="set_webhook",
                method="POST",
                path=f"/{self.app_id}/subscriptions",
                body={
                    "object": "page",
                    "callback_url": url,
                    "verify_token": verify_token,
                    "fields": ",".join(fields),
                    "include_values": True,
                },
                may_repeat=True,
            )
        )

    def remove_webhook(self) -> None:
        """Remove the webhook subscription for pages."""
        self._do(
            Call(
                name="remove_webhook",
                method="DELETE",
                path=f"/{self.app_id}/subscriptions",
                body={"object": "page"},
                may_repeat=True,
            )
        )

    def inspect(self, token: str) -> TokenFacts:
        """Return Meta's information about *token*."""
        answer = self._transport.send(
            Call(
                name="inspect",
                method="GET",
                path="/debug_token",
                params={"input_token": token},
                may_repeat=True,
            )
        )
        match answer:
            case {"data": dict() as data}:
                return _facts(data)
            case _:
                raise GraphUnavailable("an answer without a token's data")

    def _do(self, call: Call) -> None:
        if self._transport.send(call).get("success") is not True:
            raise GraphUnavailable("an answer without success")


class PageClient:
    """Graph client of one page: the subscription of the app to its events."""

    def __init__(
        self, endpoint: GraphEndpoint, *, token: str, app_id: str, app_secret: str | None
    ) -> None:
        self._app_id = app_id
        self._transport = endpoint.transport(token, app_secret)

    def page(self) -> PageFacts:
        """Return the page that the token belongs to."""
        answer = self._transport.send(
            Call(
                name="page", method="GET", path="/me", params={"fields": "id,name"}, may_repeat=True
            )
        )
        match answer:
            case {"id": str(page_id)}:
                name = answer.get("name")
                return PageFacts(page_id, name if isinstance(name, str) else "")
            case _:
                raise GraphUnavailable("an answer without an id")

    def subscribed_fields(self) -> tuple[str, ...]:
        """Return the fields that the app is subscribed to; empty if it is not subscribed."""
        answer = self._transport.send(
            Call(
                name="subscribed_fields", method="GET", path="/me/subscribed_apps", may_repeat=True
            )
        )
        rows = answer.get("data")
        if not isinstance(rows, list):
            raise GraphUnavailable("an answer without apps")
        for row in rows:
            match row:
                case {"id": self._app_id, "subscribed_fields": list(fields)}:
                    return _names(fields)
        return ()

    def subscribe(self, fields: Collection[str]) -> None:
        """Subscribe the app to exactly *fields* of the page; unsubscribe it if there are none."""
        if fields:
            body: dict[str, Any] = {"subscribed_fields": ",".join(fields)}
        else:
            body = {}
        answer = self._transport.send(
            Call(
                name="subscribe" if fields else "unsubscribe",
                method="POST" if fields else "DELETE",
                path="/me/subscribed_apps",
                body=body,
                may_repeat=True,
            )
        )
        if answer.get("success") is not True:
            raise GraphUnavailable("an answer without success")


def _facts(data: dict[str, Any]) -> TokenFacts:
    error = data.get("error")
    expires = data.get("expires_at")
    return TokenFacts(
        is_valid=data.get("is_valid") is True,
        kind=str(data.get("type", "")),
        app_id=str(data.get("app_id", "")),
        page_id=str(data.get("profile_id", "")),
        scopes=_names(data.get("scopes") or ()),
        expires_at=(
            datetime.fromtimestamp(expires, UTC) if isinstance(expires, int) and expires else None
        ),
        reason=words_of(error.get("message")) if isinstance(error, dict) else "",
    )


def _names(fields: Collection[Any]) -> tuple[str, ...]:
    # Some versions answer {"name": …, "version": …} for each field (Graph, "App subscriptions").
    names = (field.get("name") if isinstance(field, dict) else field for field in fields)
    return tuple(name for name in names if isinstance(name, str))
