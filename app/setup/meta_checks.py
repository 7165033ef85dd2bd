"""The settings of an installation at Meta, and the checks of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final

from app.infra.network.meta_addresses import GRAPH_VERSION
from app.messenger.errors import BAD_PARAMETER, GraphError, GraphUnavailable, TokenDead
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
from app.setup.findings import Finding, ok, problem, warning

EXPIRES_SOON: Final = timedelta(days=7)
# Our clock may differ from Meta's by 120 s before codes are refused: a code counts from 120 s
# before Meta's timestamp of its event.
SKEW_NOTICED: Final = timedelta(seconds=30)
SKEW_TOO_MUCH: Final = timedelta(seconds=100)


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


@dataclass(slots=True)
class HeaderObserver:
    """The API version and the date in the newest Graph response; None until one has them."""

    version: str | None = None
    date: str | None = None

    def observe(self, seen: Observation) -> None:
        self.version = seen.version or self.version
        self.date = seen.date or self.date


def check_meta(meta: Meta, *, at: datetime) -> Iterator[Finding]:
    """Yield a finding for each setting at Meta that linking needs."""
    app = _checked("app secret", partial(_check_app, meta))
    yield from app
    if app[-1].verdict == "problem":
        return
    for page in meta.pages:
        token = _checked(f"token of page {page.id}", partial(_check_token, meta, page, at))
        yield from token
        if token[-1].verdict != "problem":
            yield from _checked(f"page {page.id}", partial(_check_page, page))


def check_subscriptions(meta: Meta) -> Iterator[Finding]:
    """Yield findings about the subscriptions, which Meta may end: checked daily (R104)."""
    yield from _checked("app subscription", partial(_check_app_webhook, meta))
    for page in meta.pages:
        yield from _checked(f"subscription of page {page.id}", partial(_check_fields, page))


def check_headers(
    observed: HeaderObserver, asked_version: str, *, at: datetime
) -> Iterator[Finding]:
    """Yield findings about the Graph version in use and our clock, from Graph's headers."""
    if observed.version is not None and observed.version != asked_version:
        yield problem(
            "Graph version",
            f"{asked_version} has expired or does not exist; Graph answers as {observed.version}",
            f"GRAPH_VERSION={GRAPH_VERSION}",
        )
    elif observed.version is not None:
        yield ok("Graph version", f"{asked_version} is served")
    try:
        theirs = parsedate_to_datetime(observed.date or "")
    except ValueError:
        return
    if theirs.tzinfo is None:
        return
    skew = abs(at - theirs)
    difference = f"{int(skew.total_seconds())} s away from Meta's"
    if skew > SKEW_TOO_MUCH:
        words = f"is {difference}: codes will be refused as too old or too new"
        yield problem("clock", words, "timedatectl set-ntp true")
    elif skew > SKEW_NOTICED:
        yield warning("clock", f"is {difference}", "timedatectl set-ntp true")
    else:
        yield ok("clock", "agrees with Meta's")


def _checked(subject: str, check: Callable[[], list[Finding] | Finding]) -> list[Finding]:
    try:
        findings = check()
        return [findings] if isinstance(findings, Finding) else findings
    except GraphUnavailable as exc:
        return [
            problem(
                subject,
                f"could not be checked, Graph does not answer: {exc}",
                "https://metastatus.com; from this machine: curl -I https://graph.facebook.com",
            )
        ]
    except TokenDead as exc:
        return [problem(subject, f"the token is no longer good: {exc}", _NEW_TOKEN)]
    except GraphError as exc:
        return [problem(subject, f"Graph refuses the check: {exc}", _NEW_TOKEN)]


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
            problem(
                subject,
                f"APP_ID and APP_SECRET do not belong together: {exc}",
                f"https://developers.facebook.com/apps/{meta.app.app_id}/settings/basic/",
            )
        ]
    return [
        _check_webhook(meta, webhook),
        ok(subject, "is the app's"),
    ]


def _check_app_webhook(meta: Meta) -> Finding:
    return _check_webhook(meta, meta.app.webhook())


def _check_webhook(meta: Meta, webhook: Webhook | None) -> Finding:
    subject = "app subscription"
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
    if LINKING_FIELD not in webhook.fields:
        return problem(subject, f"the app is not subscribed to {LINKING_FIELD}", "threadlink setup")
    return ok(subject, f"{LINKING_FIELD} is posted to {webhook.url}")


def _check_token(meta: Meta, page: MetaPage, at: datetime) -> Finding:
    subject = f"token of page {page.id}"
    facts = meta.app.inspect(page.token)
    if not facts.is_valid:
        return problem(
            subject, f"is not valid: {facts.reason or 'Meta does not say why'}", _NEW_TOKEN
        )
    if wrong := _wrong_token(facts, meta.app.app_id, page.id):
        return problem(subject, wrong, _NEW_TOKEN)
    missing = [scope for scope in NEEDED_SCOPES if scope not in facts.scopes]
    if missing:
        return problem(subject, f"lacks the permission {', '.join(missing)}", _NEW_TOKEN)
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
        seen = page.client.page()
    except GraphUnavailable:
        raise
    except GraphError as exc:
        if exc.code == BAD_PARAMETER and "proof" in exc.reason:
            return [
                problem(
                    f"proof of page {page.id}",
                    "appsecret_proof is refused: the token belongs to an app with another secret",
                    "App settings > Basic > App secret, into APP_SECRET",
                )
            ]
        raise
    if seen.id != page.id:
        return [problem(f"page {page.id}", f"its token belongs to page {seen.id}", _NEW_TOKEN)]
    return [
        ok(f"proof of page {page.id}", "appsecret_proof is accepted"),
        _check_fields(page),
        _check_linking_url(page),
    ]


def _check_fields(page: MetaPage) -> Finding:
    subject = f"subscription of page {page.id}"
    if LINKING_FIELD in page.client.subscribed_fields():
        return ok(subject, f"the app is subscribed to {LINKING_FIELD}")
    words = (
        f"the app is not subscribed to the page's {LINKING_FIELD}: it never was, or Meta has "
        "ended that after an hour in which the server failed"
    )
    return problem(subject, words, "threadlink setup")


def _check_linking_url(page: MetaPage) -> Finding:
    subject = f"Log In of page {page.id}"
    url = page.profile.linking_url()
    fix = f"threadlink messenger set-url --page {page.id}"
    if url is None:
        return warning(subject, "is not shown in the thread's details: no address is set", fix)
    if url != page.linking_url:
        return problem(subject, f"leads to {url}, not to {page.linking_url}", fix)
    return ok(subject, f"leads to {url}")
