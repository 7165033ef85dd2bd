"""The plan of `threadlink setup`: the present state at Meta, the wanted one, and the changes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, assert_never

from app.messenger.errors import GraphRefused
from app.messenger.graph.setup import INTEGRITY_FIELD, Webhook
from app.messenger.types import PageId
from app.setup.fields import subscribe_as_far_as_possible
from app.setup.meta_checks import Meta, MetaPage
from app.setup.state import BadUndo, GetStarted, PageState, State

# The fields that a bot behind Threadlink needs.
BOT_FIELDS: Final = ("messages", "messaging_postbacks")
# Set where there is no such button: without one, a link into a new chat tells no ref.
GET_STARTED_PAYLOAD: Final = "GET_STARTED"


class ForeignWebhook(Exception):
    """The app's webhook leads to *url*, which is another program's."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """A new webhook of the app; *after* None removes it."""

    before: Webhook | None
    after: Webhook | None
    # The fields without which it is not worth making.
    needed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the change in words."""
        return f"App webhook: {_webhook(self.before)}\n    becomes {_webhook(self.after)}"


@dataclass(frozen=True, slots=True)
class FieldsChange:
    """A new set of webhook fields that a page is subscribed to."""

    page_id: PageId
    before: tuple[str, ...]
    after: tuple[str, ...]
    # The fields without which it is not worth making.
    needed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the change in words."""
        before, after = (", ".join(fields) or "nothing" for fields in (self.before, self.after))
        return f"Page {self.page_id} subscribed: {before}\n    becomes {after}"


@dataclass(frozen=True, slots=True)
class LinkingUrlChange:
    """A new address for Log In in a page's Messenger profile; *after* None removes it.

    It is a call of the Messenger Profile API, of which Meta allows few.
    """

    page_id: PageId
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """Return the change in words."""
        before, after = (url or "nothing" for url in (self.before, self.after))
        return f"Page {self.page_id} Log In: {before}\n    becomes {after}"


@dataclass(frozen=True, slots=True)
class GetStartedChange:
    """A new Get Started button in a page's Messenger profile; *after* None removes it.

    It is a call of the Messenger Profile API, too.
    """

    page_id: PageId
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """Return the change in words."""
        before, after = (payload or "nothing" for payload in (self.before, self.after))
        return f"Page {self.page_id} Get Started: {before}\n    becomes {after}"


Change = WebhookChange | FieldsChange | LinkingUrlChange | GetStartedChange


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was made, without the fields in *left_out*, for *refusal*."""

    change: Change
    left_out: tuple[str, ...] = ()
    refusal: GraphRefused | None = None

    def __str__(self) -> str:
        """Return the change in words, and what it lacks."""
        if not self.left_out:
            return str(self.change)
        return (
            f"{self.change}\n    without {', '.join(self.left_out)}, which Meta refused: "
            f"{self.refusal}\n    Whatever needs it gets no such events from now on."
        )


def wanted(
    state: State, meta: Meta, *, more_fields: Collection[str] = (), take_webhook: bool = False
) -> State:
    """Return the state to reach from *state*; fields that are subscribed already stay.

    Raises:
        ForeignWebhook: The app's webhook leads elsewhere, and *take_webhook* is not set.
    """
    webhook = state.webhook
    if webhook is not None and webhook.url != meta.webhook_url and not take_webhook:
        raise ForeignWebhook(webhook.url)
    # Where Meta refuses the second, everything else is set up all the same.
    fields = (*needed_fields(meta, more_fields), INTEGRITY_FIELD)
    urls = {page.id: page.linking_url for page in meta.pages}
    return State(
        Webhook(meta.webhook_url, _union(webhook.fields if webhook else (), fields)),
        tuple(
            PageState(
                page.page_id,
                _union(page.fields, fields),
                urls[page.page_id],
                _with_button(page.get_started) if meta.has_links else page.get_started,
            )
            for page in state.pages
        ),
    )


def changes(before: State, after: State, *, needed: Collection[str] = ()) -> tuple[Change, ...]:
    """Return the changes from *before* to *after*, in the order in which they must be made.

    Of the fields, Meta has to take those that are *needed*.

    Raises:
        BadUndo: The two are not about the same pages.
    """
    if [page.page_id for page in before.pages] != [page.page_id for page in after.pages]:
        raise BadUndo
    of_pages = tuple(_page_changes(before, after, tuple(needed)))
    if before.webhook == after.webhook:
        return of_pages
    of_app = WebhookChange(before.webhook, after.webhook, tuple(needed))
    # A webhook that somebody uses is changed last: by then Meta has taken all the rest. Where there
    # is none yet it comes first: only Meta can tell whether it gets through to it.
    return (of_app, *of_pages) if before.webhook is None else (*of_pages, of_app)


def apply(meta: Meta, change: Change, *, verify_token: str) -> Made:
    """Make *change* at Meta.

    Raises:
        GraphError: Meta refused it, or did not answer.
    """
    match change:
        case WebhookChange():
            return _set_webhook(meta, change, verify_token)
        case FieldsChange():
            subscribe = _page(meta, change.page_id).client.subscribe
            taken = subscribe_as_far_as_possible(subscribe, change.after, needed=change.needed)
            made = replace(change, after=taken.fields)
            return Made(made, _without(change.after, taken.fields), taken.refusal)
        case LinkingUrlChange(after=url):
            profile = _page(meta, change.page_id).profile
            if url is None:
                profile.clear_linking_url()
            else:
                profile.set_linking_url(url)
            return Made(change)
        case GetStartedChange(after=payload):
            profile = _page(meta, change.page_id).profile
            if payload is None:
                profile.clear_get_started()
            else:
                profile.set_get_started(payload)
            return Made(change)
        case _:
            assert_never(change)


def _set_webhook(meta: Meta, change: WebhookChange, verify_token: str) -> Made:
    webhook = change.after
    if webhook is None:
        meta.app.remove_webhook()
        return Made(change)

    def point(fields: Collection[str]) -> None:
        meta.app.set_webhook(webhook.url, verify_token=verify_token, fields=fields)

    taken = subscribe_as_far_as_possible(point, webhook.fields, needed=change.needed)
    made = replace(change, after=replace(webhook, fields=taken.fields))
    return Made(made, _without(webhook.fields, taken.fields), taken.refusal)


def inverse(change: Change) -> Change:
    """Return the change that undoes *change*."""
    match change:
        case WebhookChange():
            return WebhookChange(change.after, change.before)
        case FieldsChange():
            return FieldsChange(change.page_id, change.after, change.before)
        case LinkingUrlChange():
            return LinkingUrlChange(change.page_id, change.after, change.before)
        case GetStartedChange():
            return GetStartedChange(change.page_id, change.after, change.before)
        case _:
            assert_never(change)


def needed_fields(meta: Meta, more_fields: Collection[str] = ()) -> tuple[str, ...]:
    """Return the fields that linking needs, and *more_fields*."""
    return _union(meta.needed_fields, more_fields)


def _page_changes(before: State, after: State, needed: tuple[str, ...]) -> Iterator[Change]:
    for old, new in zip(before.pages, after.pages, strict=True):
        if set(old.fields) != set(new.fields):
            yield FieldsChange(old.page_id, old.fields, new.fields, needed)
        if old.linking_url != new.linking_url:
            yield LinkingUrlChange(old.page_id, old.linking_url, new.linking_url)
        if old.get_started is None or new.get_started is None:
            continue
        if old.get_started != new.get_started:
            yield GetStartedChange(old.page_id, old.get_started.payload, new.get_started.payload)


def _with_button(button: GetStarted | None) -> GetStarted | None:
    """Return *button*, or ours where there is none."""
    return GetStarted(GET_STARTED_PAYLOAD) if button == GetStarted(None) else button


def _union(present: Collection[str], added: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*present, *added)))


def _without(wanted: Collection[str], taken: Collection[str]) -> tuple[str, ...]:
    return tuple(field for field in wanted if field not in taken)


def _page(meta: Meta, page_id: PageId) -> MetaPage:
    return next(page for page in meta.pages if page.id == page_id)


def _webhook(webhook: Webhook | None) -> str:
    if webhook is None:
        return "none"
    state = "" if webhook.is_active else ", switched off"
    return f"{webhook.url} ({', '.join(webhook.fields)}{state})"
