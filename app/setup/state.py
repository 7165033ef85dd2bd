"""The settings of the app and its pages at Meta, as `threadlink setup` reads and restores them."""

import json
from dataclasses import asdict, dataclass

import msgspec

from app.messenger.graph.setup import Webhook
from app.messenger.types import PageId
from app.setup.meta_checks import Meta, MetaPage


class BadUndo(ValueError):
    """The undo file holds no state that setup has written, or the state of another installation."""


@dataclass(frozen=True, slots=True)
class GetStarted:
    """The payload of the Get Started button; None: there is no such button."""

    payload: str | None


@dataclass(frozen=True, slots=True)
class PageState:
    """The settings of one page at Meta."""

    page_id: PageId
    fields: tuple[str, ...]
    linking_url: str | None
    # None: unknown, in the undo file of a version that did not ask for it.
    get_started: GetStarted | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The settings of the app and its pages at Meta."""

    webhook: Webhook | None
    pages: tuple[PageState, ...]

    def to_json(self) -> str:
        """Return the state as text that `from_json` reads; it holds no secret."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "State":
        """Return the state that *text* holds.

        Raises:
            BadUndo: *text* holds no state.
        """
        try:
            return msgspec.json.decode(text, type=State)
        except (msgspec.MsgspecError, ValueError):
            raise BadUndo from None


def read_state(meta: Meta) -> State:
    """Return the present state at Meta: one call of the Messenger Profile API for each page."""
    return State(meta.app.webhook(), tuple(_page_state(page) for page in meta.pages))


def _page_state(page: MetaPage) -> PageState:
    profile = page.profile.profile_settings()
    return PageState(
        page.id,
        page.client.subscribed_fields(),
        profile.linking_url,
        GetStarted(profile.get_started),
    )
