"""Set-up of the app and its pages at Meta: webhook, subscriptions, tokens; one method each.

Paths and bodies: developers.facebook.com, Graph API reference, "App subscriptions",
"Page subscribed_apps", "Debug token", and Pages API, "Page Integrity API", read 2026-11.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.infra.network.egress import DIRECT, Egress
from app.infra.network.meta_addresses import GRAPH_URL, GRAPH_VERSION
from app.messenger.errors import GraphUnavailable
from app.messenger.graph.id_matching import read_people
from app.messenger.graph.page_profile import PageProfile, read_page_profile
from app.messenger.graph.transport import (
    Call,
    GraphTransport,
    Observation,
)
from app.messenger.graph.words import words_of
from app.messenger.page_integrity import PageIntegrity, read_status
from app.messenger.types import PageId, Psid

LINKING_FIELD: Final = "messaging_account_linking"
# By which the ref of an m.me link arrives, the code that is typed instead, and the answers.
LINK_FIELDS: Final = ("messages", "messaging_postbacks", "messaging_referrals")
# What Meta holds against a page (Pages API, "Page Integrity API & Webhook", 6 July 2026).
INTEGRITY_FIELD: Final = "business_integrity"
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
    # When the app's access to the data of the token's owner expires; None if it does not.
    data_access_expires_at: datetime | None
    # The ids of the pages that a permission is limited to; without an entry it is for all.
    granted_for: Mapping[str, tuple[str, ...]]
    # The reason why it is not valid, in Meta's words.
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEndpoint:
    """The address and version of Graph, and the observer, that all clients share."""

    base_url: str = GRAPH_URL
    version: str = GRAPH_VERSION
    egress: Egress = DIRECT
    observe: Callable[[Observation], None] | None = field(default=None, repr=False)

    def transport(self, token: str, app_secret: str | None) -> GraphTransport:
        """Return a transport for *token*."""
        return GraphTransport(
            token=token,
            app_secret=app_secret,
            base_url=self.base_url,
            version=self.version,
            egress=self.egress,
            observe=self.observe,
        )


class AppClient:
    """Graph client of the app itself, with its id and secret as the token.

    Every method raises `GraphUnavailable` where a retry may succeed, and `GraphRefused` where it
    will not.
    """

    def __init__(self, endpoint: GraphEndpoint, *, app_id: str, app_secret: str) -> None:
        self.app_id = app_id
        self._transport = endpoint.transport(f"{app_id}|{app_secret}", app_secret)

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

    def people_of(self, user_id: str) -> tuple[tuple[PageId, Psid], ...]:
        """Return the Pages that know the person of the app-scoped *user_id*, with their PSIDs."""
        return read_people(self._transport, user_id)

    def _do(self, call: Call) -> None:
        _require_success(self._transport.send(call))


class PageClient:
    """Graph client of one page: the subscription of the app to its events."""

    def __init__(
        self, endpoint: GraphEndpoint, *, token: str, app_id: str, app_secret: str | None
    ) -> None:
        self._app_id = app_id
        self._transport = endpoint.transport(token, app_secret)

    def page_id(self) -> str:
        """Return the id of the page, or of the person, that the token belongs to.

        The name is not asked for: it needs a permission that a token for Messenger may lack.
        """
        answer = self._transport.send(
            Call(name="page", method="GET", path="/me", params={"fields": "id"}, may_repeat=True)
        )
        match answer:
            case {"id": str(page_id)}:
                return page_id
            case _:
                raise GraphUnavailable("an answer without an id")

    def profile(self, page_id: PageId) -> PageProfile:
        """Return the name and the picture of *page_id* as people see them at Meta."""
        return read_page_profile(self._transport, page_id)

    def page_status(self, page_id: PageId) -> PageIntegrity:
        """Return what Meta holds against *page_id*: violations and restrictions."""
        path = f"/{page_id}/page_status"
        call = Call(name="page_status", method="GET", path=path, may_repeat=True)
        return read_status(page_id, self._transport.send(call))

    def is_published(self) -> bool | None:
        """Return whether everybody can see the page; None where Graph does not tell."""
        answer = self._transport.send(
            Call(
                name="page_published",
                method="GET",
                path="/me",
                params={"fields": "is_published"},
                may_repeat=True,
            )
        )
        told = answer.get("is_published")
        return told if isinstance(told, bool) else None

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
        _require_success(answer)


def _require_success(answer: dict[str, Any]) -> None:
    # As text in examples of Graph's documentation, as a boolean in answers of 2026.
    if answer.get("success") not in (True, "true"):
        raise GraphUnavailable("an answer without success")


def _facts(data: dict[str, Any]) -> TokenFacts:
    error = data.get("error")
    return TokenFacts(
        is_valid=data.get("is_valid") is True,
        kind=str(data.get("type", "")),
        app_id=str(data.get("app_id", "")),
        page_id=str(data.get("profile_id", "")),
        scopes=_names(data.get("scopes") or ()),
        expires_at=_moment(data.get("expires_at")),
        data_access_expires_at=_moment(data.get("data_access_expires_at")),
        granted_for=dict(_targets(data.get("granular_scopes"))),
        reason=words_of(error.get("message")) if isinstance(error, dict) else "",
    )


def _moment(seconds: Any) -> datetime | None:
    # 0: never.
    if not isinstance(seconds, int) or seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _targets(scopes: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for granted in scopes if isinstance(scopes, list) else ():
        match granted:
            case {"scope": str(scope), "target_ids": [_, *_] as ids}:
                yield scope, tuple(str(target) for target in ids)


def _names(fields: Collection[Any]) -> tuple[str, ...]:
    # Some versions answer {"name": …, "version": …} for each field (Graph, "App subscriptions").
    names = (field.get("name") if isinstance(field, dict) else field for field in fields)
    return tuple(name for name in names if isinstance(name, str))
