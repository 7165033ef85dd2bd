"""Meta's side of an installation, and the checks on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final

from app.infra.network.meta_addresses import GRAPH_VERSION
from app.messenger.errors import GraphError, GraphUnavailable, TokenDead
from app.messenger.graph.client import GraphClient
from app.messenger.graph.setup import (
    LINKING_FIELD,
    NEEDED_SCOPES,
    AppClient,
    PageClient,
    TokenFacts,
    Webhook,
)
from app.messenger.graph.transport import Observation
from app.messenger.types import PageId
from app.setup.findings import Finding, fault, ok, warning

EXPIRES_SOON: Final = timedelta(days=7)
# A code is good from 120 s before it was made, by Meta's clock (design.md 3).
SKEW_NOTICED: Final = timedelta(seconds=30)
SKEW_TOO_MUCH: Final = timedelta(seconds=100)
_BAD_PARAMETER: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaPage:
    """A page at Meta: its subscription, its Messenger profile, and what both should say."""

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


@dataclass(slots=True)
class HeaderObserver:
    """What the headers of Graph's answers have shown so far."""

    version: str | None = None
    date: str | None = None

    def observe(self, seen: Observation) -> None:
        self.version = seen.version or self.version
        self.date = seen.date or self.date


def check_meta(meta: Meta, *, at: datetime) -> Iterator[Finding]:
    """Yield a finding for each thing that must be right at Meta."""
    app = _tried("app secret", partial(_check_app, meta))
    yield from app
    if app[-1].verdict == "fault":
        return
    for page in meta.pages:
        token = _tried(f"token of page {page.id}", partial(_check_token, meta, page, at))
        yield from token
        if token[-1].verdict != "fault":
            yield from _tried(f"page {page.id}", partial(_check_page, page))


def check_subscriptions(meta: Meta) -> Iterator[Finding]:
    """Yield only what may change by itself at Meta, for a look once a day (R104)."""
    yield from _tried("app subscription", partial(_look_at_webhook, meta))
    for page in meta.pages:
        yield from _tried(f"subscription of page {page.id}", partial(_check_fields, page))


def check_headers(eyes: HeaderObserver, asked_version: str, *, at: datetime) -> Iterator[Finding]:
    """Yield what Graph's headers tell of the version in use and of our clock."""
    if eyes.version is not None and eyes.version != asked_version:
        yield fault(
            "Graph version",
            f"{asked_version} has expired, or is none; Graph answers as {eyes.version}",
            f"GRAPH_VERSION={GRAPH_VERSION}",
        )
    elif eyes.version is not None:
        yield ok("Graph version", f"{asked_version} is served")
    try:
        theirs = parsedate_to_datetime(eyes.date or "")
    except ValueError:
        return
    if theirs.tzinfo is None:
        return
    skew = abs(at - theirs)
    told = f"{int(skew.total_seconds())} s away from Meta's"
    if skew > SKEW_TOO_MUCH:
        words = f"is {told}: codes will be refused as too old or too new"
        yield fault("clock", words, "timedatectl set-ntp true")
    elif skew > SKEW_NOTICED:
        yield warning("clock", f"is {told}", "timedatectl set-ntp true")
    else:
        yield ok("clock", "agrees with Meta's")


def _tried(subject: str, look: Callable[[], list[Finding] | Finding]) -> list[Finding]:
    try:
        found = look()
        return [found] if isinstance(found, Finding) else found
    except GraphUnavailable as exc:
        return [
            fault(
                subject,
                f"could not be looked at, Graph does not answer: {exc}",
                "https://metastatus.com; from this machine: curl -I https://graph.facebook.com",
            )
        ]
    except TokenDead as exc:
        return [fault(subject, f"the token is no longer good: {exc}", _NEW_TOKEN)]
    except GraphError as exc:
        return [fault(subject, f"Graph refuses to tell: {exc}", _NEW_TOKEN)]


_NEW_TOKEN: Final = (
    "App dashboard > Messenger > Messenger API settings > Generate token, into PAGE_ACCESS_TOKEN"
)


def _check_app(meta: Meta) -> list[Finding]:
    subject = "app secret"
    try:
        webhook = meta.app.webhook()
    except GraphUnavailable:
        raise
    except GraphError as exc:
        return [
            fault(
                subject,
                f"APP_ID and APP_SECRET do not belong together: {exc}",
                f"https://developers.facebook.com/apps/{meta.app.app_id}/settings/basic/",
            )
        ]
    return [
        _check_webhook(meta, webhook),
        ok(subject, "is the app's"),
    ]


def _look_at_webhook(meta: Meta) -> Finding:
    return _check_webhook(meta, meta.app.webhook())


def _check_webhook(meta: Meta, webhook: Webhook | None) -> Finding:
    subject = "app subscription"
    if webhook is None:
        return fault(subject, "the app has no webhook for pages", "threadlink setup")
    if webhook.url != meta.webhook_url:
        return fault(
            subject,
            f"the app's webhook leads to {webhook.url}, not here",
            "threadlink setup --take-webhook (it says how to keep the other one fed)",
        )
    if not webhook.is_active:
        return fault(
            subject, "Meta has switched the webhook off after failures", "threadlink setup"
        )
    if LINKING_FIELD not in webhook.fields:
        return fault(subject, f"the app is not subscribed to {LINKING_FIELD}", "threadlink setup")
    return ok(subject, f"{LINKING_FIELD} is posted to {webhook.url}")


def _check_token(meta: Meta, page: MetaPage, at: datetime) -> Finding:
    subject = f"token of page {page.id}"
    facts = meta.app.inspect(page.token)
    if not facts.is_valid:
        return fault(
            subject, f"is not valid: {facts.reason or 'Meta does not say why'}", _NEW_TOKEN
        )
    if wrong := _wrong_token(facts, meta.app.app_id, page.id):
        return fault(subject, wrong, _NEW_TOKEN)
    missing = [scope for scope in NEEDED_SCOPES if scope not in facts.scopes]
    if missing:
        return fault(subject, f"lacks the permission {', '.join(missing)}", _NEW_TOKEN)
    if facts.expires_at is not None and facts.expires_at - at < EXPIRES_SOON:
        return warning(subject, f"ends on {facts.expires_at:%Y-%m-%d %H:%M} UTC", _NEW_TOKEN)
    return ok(subject, "is valid, of this page and of this app, with every permission")


def _wrong_token(facts: TokenFacts, app_id: str, page_id: str) -> str | None:
    if facts.kind.upper() != "PAGE":
        return f"is a {facts.kind.lower() or 'nameless'} token: a page token is needed"
    if facts.app_id != app_id:
        return f"belongs to the app {facts.app_id}, not to {app_id}"
    if facts.page_id and facts.page_id != page_id:
        return f"is the token of page {facts.page_id}"
    return None


def _check_page(page: MetaPage) -> list[Finding]:
    try:
        found = page.client.page()
    except GraphUnavailable:
        raise
    except GraphError as exc:
        if exc.code == _BAD_PARAMETER and "proof" in exc.reason:
            return [
                fault(
                    f"proof of page {page.id}",
                    "appsecret_proof is refused: the token belongs to an app with another secret",
                    "App settings > Basic > App secret, into APP_SECRET",
                )
            ]
        raise
    if found.id != page.id:
        return [fault(f"page {page.id}", f"its token speaks for page {found.id}", _NEW_TOKEN)]
    return [
        ok(f"proof of page {page.id}", "appsecret_proof is accepted"),
        _check_fields(page),
        _check_linking_url(page),
    ]


def _check_fields(page: MetaPage) -> Finding:
    subject = f"subscription of page {page.id}"
    if LINKING_FIELD in page.client.subscribed_fields():
        return ok(subject, f"the app is told of {LINKING_FIELD}")
    words = (
        f"the app is not told of the page's {LINKING_FIELD}: it was never subscribed, or Meta has "
        "ended that after an hour in which the server failed"
    )
    return fault(subject, words, "threadlink setup")


def _check_linking_url(page: MetaPage) -> Finding:
    subject = f"Log In of page {page.id}"
    url = page.profile.linking_url()
    mend = f"threadlink messenger set-url --page {page.id}"
    if url is None:
        return warning(subject, "is not shown in the thread's details: no address is set", mend)
    if url != page.linking_url:
        return fault(subject, f"leads to {url}, not to {page.linking_url}", mend)
    return ok(subject, f"leads to {url}")
