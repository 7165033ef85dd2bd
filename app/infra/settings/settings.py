"""What the operator has decided, checked at every start, each fault named at once."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from sqlalchemy.engine import URL

from app.infra.network.addresses import is_loopback
from app.infra.settings.brands import PLAIN, Brand, read_brand
from app.infra.settings.parsing import (
    Reader,
    SettingError,
    bot_url,
    database_url,
    digits,
    installed,
    one_of,
    origin,
    origins,
    plain,
    version,
    webhook_secrets,
    whole,
    words,
    yes_or_no,
)
from app.infra.settings.retention import Retention, read_retention
from app.infra.settings.sign_in import (
    Kinds,
    SignInSettings,
    parse_authenticators,
    read_sign_in,
)

# Where Messenger's apps have been seen to send people back to (messenger-platform.md 1.3).
META_ORIGINS: Final = (
    "https://facebook.com",
    "https://www.facebook.com",
    "https://messenger.com",
    "https://www.messenger.com",
)
META_GRAPH: Final = "https://graph.facebook.com"
DEMO_MARK: Final = "demo_"
LEAST_SECRET: Final = 32
# Processes, their threads and what keeps the tables are there for as long as the program runs.
_FIXED: Final = ("DATABASE_URL", "THREADS", "WORKERS")


class ConfigError(Exception):
    """The settings cannot be used; the message names every fault and no value."""


@dataclass(frozen=True, slots=True)
class Page:
    """A Facebook Page this server links people on."""

    id: str
    name: str
    token: str = field(repr=False)
    # Empty where the page has those of AUTHENTICATORS.
    authenticators: tuple[str, ...] = ()
    brand: Brand = PLAIN


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the operator has decided. `.env.example` explains each."""

    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(repr=False)
    public_url: str
    database_url: URL
    app_id: str
    app_secret: str = field(repr=False)
    app_secret_previous: str | None = field(repr=False)
    verify_token: str = field(repr=False)
    pages: tuple[Page, ...]
    graph_url: str
    graph_url_trusted: str | None
    graph_version: str
    redirect_origins: tuple[str, ...]
    # Addresses may hold a secret in their path, as many bots' do.
    bot_webhook_url: str | None = field(repr=False)
    bot_webhook_secrets: tuple[bytes, ...] = field(repr=False)
    bot_messenger_url: str | None = field(repr=False)
    bot_messenger_linking: bool
    confirm_in_chat: str
    max_links_per_user: int
    password_min_length: int
    sign_in: SignInSettings
    retention: Retention
    trusted_proxies: int
    allowed_hosts: tuple[str, ...]
    metrics_token: str | None = field(repr=False)
    otlp_endpoint: str | None
    otlp_headers: str | None = field(repr=False)
    sentry_dsn: str | None = field(repr=False)
    workers: int | None
    threads: int
    log_level: str
    log_format: str
    # The names that were set, for the log.
    given: tuple[str, ...]

    @classmethod
    def from_env(cls, env: Mapping[str, str], kinds: Kinds) -> Self:
        """Read every setting from *env*, or from the file that ``NAME_FILE`` names.

        *kinds* are the kinds of authenticator that AUTHENTICATORS may name.

        Raises:
            ConfigError: Something is missing, malformed, or not fit for production.
        """
        reader = Reader(env)
        pages = _pages(reader, kinds)
        settings = cls(
            secret_key=reader.required("SECRET_KEY", plain),
            secret_key_fallbacks=reader.optional("SECRET_KEY_FALLBACKS", words, ()),
            public_url=reader.required("PUBLIC_URL", origin),
            database_url=reader.optional("DATABASE_URL", database_url, _default_database()),
            app_id=reader.required("APP_ID", digits),
            app_secret=reader.required("APP_SECRET", plain),
            app_secret_previous=reader.optional("APP_SECRET_PREVIOUS", plain, None),
            verify_token=reader.required("VERIFY_TOKEN", plain),
            pages=pages,
            graph_url=reader.optional("GRAPH_URL", origin, META_GRAPH),
            graph_url_trusted=reader.optional("GRAPH_URL_TRUSTED", plain, None),
            graph_version=reader.optional("GRAPH_VERSION", version, "v26.0"),
            redirect_origins=reader.optional("REDIRECT_ORIGINS", origins, META_ORIGINS),
            bot_webhook_url=reader.optional("BOT_WEBHOOK_URL", bot_url, None),
            bot_webhook_secrets=reader.optional("BOT_WEBHOOK_SECRET", webhook_secrets, ()),
            bot_messenger_url=reader.optional("BOT_MESSENGER_URL", bot_url, None),
            bot_messenger_linking=reader.optional("BOT_MESSENGER_LINKING", yes_or_no, False),
            confirm_in_chat=reader.optional(
                "CONFIRM_IN_CHAT", one_of("never", "unnamed", "always"), "never"
            ),
            max_links_per_user=reader.optional("MAX_LINKS_PER_USER", whole(1, 1000), 5),
            password_min_length=reader.optional("PASSWORD_MIN_LENGTH", whole(8, 64), 15),
            sign_in=read_sign_in(
                reader, kinds, [name for page in pages for name in page.authenticators]
            ),
            retention=read_retention(reader),
            trusted_proxies=reader.optional("TRUSTED_PROXIES", whole(0, 9), 0),
            allowed_hosts=reader.optional("ALLOWED_HOSTS", words, ()),
            metrics_token=reader.optional("METRICS_TOKEN", plain, None),
            otlp_endpoint=reader.optional(
                "OTEL_EXPORTER_OTLP_ENDPOINT", installed("otel", "opentelemetry.sdk", bot_url), None
            ),
            otlp_headers=reader.optional("OTEL_EXPORTER_OTLP_HEADERS", plain, None),
            sentry_dsn=reader.optional(
                "SENTRY_DSN", installed("sentry", "sentry_sdk", plain), None
            ),
            workers=reader.optional("WORKERS", whole(1, 64), None),
            threads=reader.optional("THREADS", whole(2, 256), 32),
            log_level=reader.optional(
                "LOG_LEVEL", one_of("debug", "info", "warning", "error"), "info"
            ),
            log_format=reader.optional("LOG_FORMAT", one_of("console", "json"), "json"),
            given=tuple(sorted(reader.given)),
        )
        if settings.bot_webhook_url and not settings.bot_webhook_secrets:
            reader.faults.append("BOT_WEBHOOK_URL needs BOT_WEBHOOK_SECRET")
        faults = reader.faults or [*_unfit_for_production(settings)]
        if faults:
            raise ConfigError("\n".join(faults))
        return settings

    @classmethod
    def load(cls, kinds: Kinds, **changed: str) -> Self:
        """Read every setting from the environment and, where that is silent, from ``.env``.

        *changed* are names and texts that come before both.

        Raises:
            ConfigError: Something is missing, malformed, or not fit for production.
        """
        written = {name: text for name, text in dotenv_values(".env").items() if text is not None}
        return cls.from_env({**written, **os.environ, **changed}, kinds)

    def anew(self, kinds: Kinds) -> Self:
        """Return the settings as they are written now, to go on by in place of these.

        Raises:
            ConfigError: They cannot be used, or not without a restart.
        """
        read = self.load(kinds)
        fixed = [
            name for name in _FIXED if getattr(read, name.lower()) != getattr(self, name.lower())
        ]
        if fixed:
            raise ConfigError("\n".join(f"{name} changes with a restart only" for name in fixed))
        return read

    @cached_property
    def is_production(self) -> bool:
        """Whether people beyond this machine can reach the server."""
        return not self.public_url.startswith("http://") or not is_loopback(self.public_url)

    @cached_property
    def app_secrets(self) -> tuple[str, ...]:
        """The app secrets that may have signed a delivery, the current one first."""
        return (self.app_secret, *filter(None, [self.app_secret_previous]))

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys our own seals may be made with, the current one first."""
        return (self.secret_key, *self.secret_key_fallbacks)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The values of a Host header that mean this server."""
        return frozenset({urlsplit(self.public_url).netloc, *self.allowed_hosts})


def _default_database() -> URL:
    return database_url(f"sqlite:///{Path('instance/threadlink.sqlite').absolute()}")


def _pages(reader: Reader, kinds: Kinds) -> tuple[Page, ...]:
    path = reader.text("PAGES_FILE")
    if path is None:
        page_id = reader.required("PAGE_ID", digits)
        return (Page(page_id, "", reader.required("PAGE_ACCESS_TOKEN", plain)),)
    if reader.text("PAGE_ID") or reader.text("PAGE_ACCESS_TOKEN"):
        reader.faults.append("PAGES_FILE and PAGE_ID exclude each other")
    return reader.optional("PAGES_FILE", lambda path: _read_pages(path, kinds), ())


def _read_pages(path: str, kinds: Kinds) -> tuple[Page, ...]:
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("pages")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SettingError("names a file that cannot be read as TOML") from None
    if not isinstance(tables, list) or not tables:
        raise SettingError("names a file without a [[pages]] table")
    pages = tuple(_page(table, number, kinds) for number, table in enumerate(tables, 1))
    if len({page.id for page in pages}) < len(pages):
        raise SettingError("names a page twice")
    return pages


def _page(table: Mapping[str, object], number: int, kinds: Kinds) -> Page:
    page_id, name, token = (table.get(key, "") for key in ("id", "name", "token"))
    if isinstance(path := table.get("token_file"), str):
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingError(f"page {number}: token_file cannot be read") from None
    chosen = _chosen(table.get("authenticators"), number, kinds)
    match page_id, name, token:
        case str(page_id), str(name), str(token) if page_id.isascii() and page_id.isdigit():
            if token:
                return Page(page_id, name, token, chosen, _brand(table, number))
            raise SettingError(f"page {number}: neither token nor token_file")
        case _:
            raise SettingError(
                f"page {number}: id (digits, in quotes), name and token must be text"
            )


def _brand(table: Mapping[str, object], number: int) -> Brand:
    try:
        return read_brand(table.get("brand"), table.get("texts"))
    except SettingError as exc:
        raise SettingError(f"page {number}: {exc}") from None


def _chosen(given: object, number: int, kinds: Kinds) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise SettingError(f"page {number}: authenticators must be a list of text")
    try:
        return parse_authenticators(" ".join(given), kinds)
    except SettingError as exc:
        raise SettingError(f"page {number}: authenticators {exc}") from None


def _unfit_for_production(settings: Settings) -> list[str]:
    if not settings.is_production:
        return []
    faults = [
        f"{name} must be https, and not this machine, when PUBLIC_URL is not http on loopback"
        for name, addresses in (
            ("PUBLIC_URL", [settings.public_url]),
            ("REDIRECT_ORIGINS", settings.redirect_origins),
            ("GRAPH_URL", [settings.graph_url]),
        )
        if any(not a.startswith("https://") or is_loopback(a) for a in addresses)
    ]
    host = urlsplit(settings.graph_url).netloc
    if settings.graph_url != META_GRAPH and settings.graph_url_trusted != host:
        faults.append("GRAPH_URL is not Meta's: name its host in GRAPH_URL_TRUSTED if you mean it")
    secrets = {
        "SECRET_KEY": settings.secret_key,
        "APP_SECRET": settings.app_secret,
        "VERIFY_TOKEN": settings.verify_token,
        **{f"the token of page {page.id}": page.token for page in settings.pages},
    }
    faults += [f"{n} is the demo's" for n, secret in secrets.items() if DEMO_MARK in secret]
    if any(len(key) < LEAST_SECRET for key in settings.secret_keys):
        faults.append(
            f"SECRET_KEY is shorter than {LEAST_SECRET} characters: make one with "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return faults
