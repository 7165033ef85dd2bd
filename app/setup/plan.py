"""What to change at Meta so that links can be made, and how to put it back."""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from app.messenger.graph.setup import LINKING_FIELD, Webhook
from app.messenger.types import PageId
from app.setup.meta_checks import Meta, MetaPage

# What a bot behind Threadlink answers to.
BOT_FIELDS: Final = ("messages", "messaging_postbacks")


class ForeignWebhook(Exception):
    """The app's webhook leads to *url*, which is not ours to take."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class BadUndo(ValueError):
    """The file holds no state that was written by setup, or one of another installation."""


@dataclass(frozen=True, slots=True)
class PageState:
    """What Meta has noted for one page."""

    page_id: PageId
    fields: tuple[str, ...]
    linking_url: str | None


@dataclass(frozen=True, slots=True)
class State:
    """What Meta has noted for the app and its pages."""

    webhook: Webhook | None
    pages: tuple[PageState, ...]

    def to_json(self) -> str:
        """Return the state as text that `from_json` reads; it holds no secret."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "State":
        """Return the state that *text* holds.

        Raises:
            BadUndo: It holds none.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            hook = data["webhook"]
            return cls(
                hook and Webhook(hook["url"], tuple(hook["fields"]), hook["is_active"]),
                tuple(
                    PageState(PageId(p["page_id"]), tuple(p["fields"]), p["linking_url"])
                    for p in data["pages"]
                ),
            )
        except (ValueError, KeyError, TypeError):
            raise BadUndo from None


@dataclass(frozen=True, slots=True)
class Change:
    """One call to Meta: *page_id* is None where it is about the app."""

    page_id: PageId | None
    before: Webhook | tuple[str, ...] | str | None
    after: Webhook | tuple[str, ...] | str | None

    @property
    def is_profile(self) -> bool:
        """Whether it is a call of the Messenger Profile API, of which Meta allows few."""
        return self.page_id is not None and not isinstance(self.after, tuple)

    def __str__(self) -> str:
        """Return the change in words."""
        if self.page_id is None:
            return f"App webhook: {_hook(self.before)}\n    becomes {_hook(self.after)}"
        what = "subscribed" if isinstance(self.after, tuple) else "Log In"
        before, after = _words(self.before), _words(self.after)
        return f"Page {self.page_id} {what}: {before}\n    becomes {after}"


def read_state(meta: Meta) -> State:
    """Return what Meta has noted now: one profile call a page."""
    return State(
        meta.app.webhook(),
        tuple(
            PageState(page.id, page.client.subscribed_fields(), page.profile.linking_url())
            for page in meta.pages
        ),
    )


def wanted(
    state: State, meta: Meta, *, more_fields: Collection[str] = (), take_webhook: bool = False
) -> State:
    """Return *state* as it should be; fields that are subscribed already stay.

    Raises:
        ForeignWebhook: The app's webhook leads elsewhere, and *take_webhook* was not said.
    """
    hook = state.webhook
    if hook is not None and hook.url != meta.webhook_url and not take_webhook:
        raise ForeignWebhook(hook.url)
    fields = (LINKING_FIELD, *more_fields)
    urls = {page.id: page.linking_url for page in meta.pages}
    return State(
        Webhook(meta.webhook_url, _union(hook.fields if hook else (), fields)),
        tuple(
            PageState(page.page_id, _union(page.fields, fields), urls[page.page_id])
            for page in state.pages
        ),
    )


def changes(before: State, after: State) -> tuple[Change, ...]:
    """Return what leads from *before* to *after*, in the order in which it must be done.

    Raises:
        BadUndo: They are not about the same pages.
    """
    if [page.page_id for page in before.pages] != [page.page_id for page in after.pages]:
        raise BadUndo
    return tuple(_changes(before, after))


def apply(meta: Meta, change: Change, *, verify_token: str) -> None:
    """Make *change* at Meta.

    Raises:
        GraphError: Meta did not take it.
    """
    if change.page_id is None:
        if isinstance(change.after, Webhook):
            hook = change.after
            meta.app.set_webhook(hook.url, verify_token=verify_token, fields=hook.fields)
        else:
            meta.app.remove_webhook()
        return
    page = _page(meta, change.page_id)
    if isinstance(change.after, tuple):
        page.client.subscribe(change.after)
    elif isinstance(change.after, str):
        page.profile.set_linking_url(change.after)
    else:
        page.profile.clear_linking_url()


def _changes(before: State, after: State) -> Iterator[Change]:
    # The webhook first: if it does not answer the handshake, nothing has been changed.
    if before.webhook != after.webhook:
        yield Change(None, before.webhook, after.webhook)
    for old, new in zip(before.pages, after.pages, strict=True):
        if set(old.fields) != set(new.fields):
            yield Change(old.page_id, old.fields, new.fields)
        if old.linking_url != new.linking_url:
            yield Change(old.page_id, old.linking_url, new.linking_url)


def _union(present: Collection[str], added: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*present, *added)))


def _page(meta: Meta, page_id: PageId) -> MetaPage:
    return next(page for page in meta.pages if page.id == page_id)


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) and value else str(value or "nothing")


def _hook(value: object) -> str:
    if not isinstance(value, Webhook):
        return "none"
    state = "" if value.is_active else ", switched off"
    return f"{value.url} ({', '.join(value.fields)}{state})"
