"""The settings of an installation at Meta, and the checks of them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from app.messenger.errors import GraphError, TokenDead
from app.messenger.graph.client import GraphClient
from app.messenger.graph.error_rows import EUROPE
from app.messenger.graph.setup import LINK_FIELDS, LINKING_FIELD, AppClient, PageClient, Webhook
from app.messenger.types import PageId
from app.setup import concurrently
from app.setup.concurrently import Check
from app.setup.findings import Finding, ok, problem, warning
from app.setup.graph_refusals import NEW_TOKEN, checked, is_about_proof, refusal
from app.setup.page_standing import check_published, check_standing
from app.setup.token_checks import check_token

_NO_SUCH_APP: Final = 101
_LINKS: Final = "let people connect by links too, INVITATIONS=1 (docs/m-me-links.md)"
_APART: Final = "APP_ID and APP_SECRET do not belong together"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaPage:
    """A page at Meta: the clients for its settings, and the address that Log In should have."""

    id: PageId
    token: str = field(repr=False)
    client: PageClient
    profile: GraphClient
    linking_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Everything at Meta that belongs to this installation."""

    app: AppClient
    pages: tuple[MetaPage, ...]
    webhook_url: str
    # People can come by m.me links: INVITATIONS.
    has_links: bool = False

    @property
    def needed_fields(self) -> tuple[str, ...]:
        """The webhook fields without which linking does not work."""
        return (LINKING_FIELD, *(LINK_FIELDS if self.has_links else ()))


def check_meta(meta: Meta, *, at: datetime) -> Iterator[Finding]:
    """Yield a finding for each setting at Meta that linking needs.

    By `threadlink doctor`, and daily by the worker: Meta may end subscriptions and tokens (R104).
    """
    return concurrently.run(
        [
            Check("app subscription", partial(_app, meta)),
            *(check for page in meta.pages for check in _checks_of(meta, page, at)),
        ]
    )


def _checks_of(meta: Meta, page: MetaPage, at: datetime) -> Iterator[Check]:
    token, itself = f"token of page {page.id}", f"page {page.id}"
    yield Check(token, partial(_token, meta, page, at))
    yield Check(itself, partial(_page, meta, page))


def _app(meta: Meta) -> Iterator[Finding]:
    subject = "app subscription"
    try:
        webhook = meta.app.webhook()
    except GraphError as exc:
        if _is_app_unknown(exc):
            yield problem("app secret", f"{_APART}: {exc}", _basic_settings(meta))
        else:
            yield refusal(subject, exc)
    else:
        yield _check_webhook(subject, meta, webhook)
        yield ok("app secret", "is the app's")


def _is_app_unknown(exc: GraphError) -> bool:
    # The token of such a call is APP_ID|APP_SECRET. 101: "Error validating application".
    return isinstance(exc, TokenDead) or exc.code == _NO_SUCH_APP


def _basic_settings(meta: Meta) -> str:
    return f"https://developers.facebook.com/apps/{meta.app.app_id}/settings/basic/"


def _check_webhook(subject: str, meta: Meta, webhook: Webhook | None) -> Finding:
    if webhook is None:
        return problem(subject, "the app has no webhook for pages", "threadlink setup")
    if webhook.url != meta.webhook_url:
        return problem(
            subject,
            f"the app's webhook leads to {webhook.url}, not here",
            "threadlink setup --take-webhook (it says how to keep the other one fed)",
        )
    if not webhook.is_active:
        return problem(
            subject, "Meta has switched the webhook off after failures", "threadlink setup"
        )
    if missing := _missing(meta, webhook.fields):
        return problem(subject, f"the app is not subscribed to {missing}", "threadlink setup")
    return ok(subject, f"{_listed(meta)} posted to {webhook.url}")


def _token(meta: Meta, page: MetaPage, at: datetime) -> Iterator[Finding]:
    subject = f"token of page {page.id}"
    try:
        facts = meta.app.inspect(page.token)
    except GraphError as exc:
        # Asked with the app's own token: nothing is known of the page's.
        if _is_app_unknown(exc):
            yield problem(subject, f"could not be checked: {_APART}", _basic_settings(meta))
        else:
            yield refusal(subject, exc)
    else:
        yield from check_token(facts, app_id=meta.app.app_id, page_id=page.id, at=at)


def _page(meta: Meta, page: MetaPage) -> Iterator[Finding]:
    try:
        owner = page.client.page_id()
    except GraphError as exc:
        is_proof = is_about_proof(exc)
        yield refusal(f"proof of page {page.id}" if is_proof else f"page {page.id}", exc)
        if is_proof or isinstance(exc, TokenDead):
            # Graph answers every call with this token so.
            return
    else:
        yield ok(f"proof of page {page.id}", "appsecret_proof is accepted")
        if owner != page.id:
            words = f"its token belongs to {owner}: the page's own settings were not looked at"
            yield problem(f"page {page.id}", words, NEW_TOKEN)
            return
    fields, log_in = f"subscription of page {page.id}", f"Log In of page {page.id}"
    yield from checked(fields, partial(_fields, fields, meta, page))
    yield from checked(log_in, partial(_messenger_profile, log_in, meta, page))
    yield from check_standing(page.id, page.client)
    if meta.has_links:
        yield from check_published(page.id, page.client)


def _missing(meta: Meta, fields: Collection[str]) -> str:
    return ", ".join(field for field in meta.needed_fields if field not in fields)


def _listed(meta: Meta) -> str:
    fields = meta.needed_fields
    return f"{', '.join(fields)} {'are' if len(fields) > 1 else 'is'}"


def _fields(subject: str, meta: Meta, page: MetaPage) -> Iterator[Finding]:
    missing = _missing(meta, page.client.subscribed_fields())
    if not missing:
        yield ok(subject, f"the app is subscribed to {', '.join(meta.needed_fields)}")
        return
    words = (
        f"the app is not subscribed to the page's {missing}: it never was, or Meta has "
        "ended that after an hour in which the server failed"
    )
    yield problem(subject, words, "threadlink setup")


def _messenger_profile(subject: str, meta: Meta, page: MetaPage) -> Iterator[Finding]:
    profile = page.profile.messenger_profile()
    yield _log_in(subject, page, profile.linking_url)
    if meta.has_links:
        yield _get_started(page.id, profile.get_started)
    if profile.is_under_european_rules:
        region = f"region of page {page.id}"
        words = "Meta's privacy rules for Europe apply to it, and list account linking as withdrawn"
        if meta.has_links:
            yield ok(region, f"{words}; people can connect by links")
        else:
            yield warning(region, words, f"{_LINKS}; what is restored: {EUROPE}")


def _get_started(page_id: PageId, payload: str | None) -> Finding:
    subject = f"Get Started of page {page_id}"
    if payload is None:
        words = "is missing: who is new to the chat has to type the code, their link tells nothing"
        fix = f"threadlink setup, or threadlink messenger set-get-started --page {page_id}"
        return warning(subject, words, fix)
    return ok(subject, "is shown to people who are new to the chat")


def _log_in(subject: str, page: MetaPage, url: str | None) -> Finding:
    fix = f"threadlink messenger set-url --page {page.id}"
    if url is None:
        return warning(subject, "is not shown in the thread's details: no address is set", fix)
    if url != page.linking_url:
        return problem(subject, f"leads to {url}, not to {page.linking_url}", fix)
    return ok(subject, f"leads to {url}")
