"""The settings: read from the environment and ``.env``, checked at every start.

All errors are reported at once, each by the name of its setting. What each setting means is in
`app.infra.settings.catalogue`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from sqlalchemy.engine import URL

from app.infra.database.engine import DEFAULT_FOLDER
from app.infra.network.addresses import is_loopback
from app.infra.network.egress import Egress
from app.infra.network.meta_addresses import GRAPH_URL, GRAPH_VERSION, META_ORIGINS
from app.infra.settings import production
from app.infra.settings.alerts import AlertSettings, read_alerts
from app.infra.settings.bot import BotSettings, read_bot
from app.infra.settings.brands import Brand, read_brand_settings
from app.infra.settings.console import ConsoleSettings, read_console
from app.infra.settings.database_url import database_url
from app.infra.settings.egress import read_egress
from app.infra.settings.invitations import InvitationSettings, read_invitations
from app.infra.settings.languages import Languages, read_languages
from app.infra.settings.monitoring import MonitoringSettings, read_monitoring
from app.infra.settings.near_misses import NearMiss, near_misses
from app.infra.settings.origins import host, hosts, origin, origins
from app.infra.settings.pages import Page, read_pages
from app.infra.settings.parsing import (
    SettingError,
    digits,
    hash_list,
    one_of,
    version,
    whole,
    yes_or_no,
)
from app.infra.settings.pictures import PictureSettings, read_pictures
from app.infra.settings.reader import Reader, read_env_file
from app.infra.settings.retention import Retention, read_retention
from app.infra.settings.secret_values import copied_secret, secret, secrets
from app.infra.settings.sign_in import Kinds, SignInSettings, read_sign_in
from app.infra.sorted_hashes import SortedHashes

CONFIRM_IN_CHAT: Final = ("never", "unnamed", "always")
# Of proxies: the header that the ones in front write. Both have elements, counted from the right.
X_FORWARDED: Final = "x-forwarded"
FORWARDED: Final = "forwarded"
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
# Processes, threads and connections to the database are made at the start and stay.
FIXED_AT_START: Final = ("DATABASE_URL", "DRAIN_SECONDS", "THREADS", "WORKERS")


class ConfigError(Exception):
    """The settings cannot be used; the message names every wrong setting, and no value."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; their meanings are in `app.infra.settings.catalogue`."""

    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(repr=False)
    public_url: str
    database_url: URL
    app_id: str
    app_secret: str = field(repr=False)
    app_secret_previous: str | None = field(repr=False)
    verify_token: str = field(repr=False)
    languages: Languages
    # Of the business as a whole; each page has its own in it.
    brand: Brand
    pages: tuple[Page, ...]
    graph_url: str
    graph_url_trusted: str | None
    graph_version: str
    redirect_origins: tuple[str, ...]
    pictures: PictureSettings
    bot: BotSettings
    alerts: AlertSettings
    egress: Egress
    confirm_in_chat: str
    max_links_per_user: int
    connections_page: bool
    invitations: InvitationSettings
    password_min_length: int
    breached_passwords: SortedHashes | None
    sign_in: SignInSettings
    retention: Retention
    trusted_proxies: int
    forwarded_header: str
    allowed_hosts: tuple[str, ...]
    console: ConsoleSettings
    monitoring: MonitoringSettings
    workers: int | None
    threads: int
    drain_seconds: int
    log_level: str
    # None: for people on a terminal, else as JSON.
    log_format: str | None
    # The names of the settings that were set, for the log.
    names_set: tuple[str, ...]
    # Variables that may be misspelt settings.
    near_misses: tuple[NearMiss, ...]

    @classmethod
    def from_env(cls, env: Mapping[str, str], kinds: Kinds) -> Self:
        """Return the settings that *env* holds, or files do that it names as ``NAME_FILE``.

        *kinds* are the kinds of authenticator that AUTHENTICATORS may name.

        Raises:
            ConfigError: Something is missing, malformed, or unfit for production.
        """
        reader = Reader(env)
        settings = cls.read(reader, kinds)
        if errors := reader.errors or _unfit_for_production(settings):
            raise ConfigError("\n".join([*errors, *map(str, settings.near_misses)]))
        return settings

    @classmethod
    def read(cls, reader: Reader, kinds: Kinds) -> Self:
        """Return every setting that *reader* has; they may be used only if it has no errors."""
        public_url = reader.required("PUBLIC_URL", origin)
        languages, brand = read_languages(reader), read_brand_settings(reader)
        pages = read_pages(reader, kinds, languages, brand)
        chosen = [name for page in pages for name in page.authenticators]
        allowed_hosts = reader.optional("ALLOWED_HOSTS", hosts, ())
        return cls(
            secret_key=reader.required("SECRET_KEY", secret),
            secret_key_fallbacks=reader.optional("SECRET_KEY_FALLBACKS", secrets, ()),
            public_url=public_url,
            database_url=reader.optional("DATABASE_URL", database_url, _default_database()),
            app_id=reader.required("APP_ID", digits),
            app_secret=reader.required("APP_SECRET", copied_secret),
            app_secret_previous=reader.optional("APP_SECRET_PREVIOUS", copied_secret, None),
            verify_token=reader.required("VERIFY_TOKEN", secret),
            languages=languages,
            brand=brand,
            pages=pages,
            graph_url=reader.optional("GRAPH_URL", origin, GRAPH_URL),
            graph_url_trusted=reader.optional("GRAPH_URL_TRUSTED", host, None),
            graph_version=reader.optional("GRAPH_VERSION", version, GRAPH_VERSION),
            redirect_origins=reader.optional("REDIRECT_ORIGINS", origins, META_ORIGINS),
            pictures=read_pictures(reader),
            bot=read_bot(reader),
            alerts=read_alerts(reader),
            egress=read_egress(reader),
            confirm_in_chat=reader.optional(
                "CONFIRM_IN_CHAT",
                one_of(*CONFIRM_IN_CHAT),
                "unnamed" if _is_production(public_url) else "never",
            ),
            max_links_per_user=reader.optional("MAX_LINKS_PER_USER", whole(1, 1000), 5),
            connections_page=reader.optional("CONNECTIONS_PAGE", yes_or_no, False),
            invitations=read_invitations(reader),
            password_min_length=reader.optional("PASSWORD_MIN_LENGTH", whole(8, 64), 15),
            breached_passwords=reader.optional("BREACHED_PASSWORDS_FILE", hash_list, None),
            sign_in=read_sign_in(reader, kinds, chosen),
            retention=read_retention(reader),
            trusted_proxies=reader.optional("TRUSTED_PROXIES", whole(0, 9), 0),
            forwarded_header=reader.optional(
                "FORWARDED_HEADER", one_of(X_FORWARDED, FORWARDED), X_FORWARDED
            ),
            allowed_hosts=allowed_hosts,
            console=read_console(reader, public_url, allowed_hosts),
            monitoring=read_monitoring(reader),
            workers=reader.optional("WORKERS", whole(1, 64), None),
            threads=reader.optional("THREADS", whole(2, 256), 32),
            drain_seconds=reader.optional("DRAIN_SECONDS", whole(0, 300), 0),
            log_level=reader.optional("LOG_LEVEL", one_of(*LOG_LEVELS), "info"),
            log_format=reader.optional("LOG_FORMAT", one_of("console", "json"), None),
            names_set=tuple(sorted(reader.names_set)),
            near_misses=near_misses(reader.names_given, reader.names_asked),
        )

    @classmethod
    def load(cls, kinds: Kinds, **changed: str) -> Self:
        """Return the settings of the environment and, where it has none, of ``.env``.

        *changed* come before both.

        Raises:
            ConfigError: Something is missing, malformed, or unfit for production.
        """
        return cls.from_env({**read_environment(), **changed}, kinds)

    def anew(self, kinds: Kinds) -> Self:
        """Return the settings as they are now in ``.env`` and in files, to replace these.

        Raises:
            ConfigError: They cannot be used, or only after a restart.
        """
        read = self.load(kinds)
        fixed = [
            name
            for name in FIXED_AT_START
            if getattr(read, name.lower()) != getattr(self, name.lower())
        ]
        if fixed:
            raise ConfigError(
                "\n".join(f"{name} cannot change without a restart" for name in fixed)
            )
        return read

    @cached_property
    def is_production(self) -> bool:
        """True when people beyond this machine can reach the server."""
        return _is_production(self.public_url)

    @cached_property
    def app_secrets(self) -> tuple[str, ...]:
        """The app secrets that may have signed a webhook request, the current one first."""
        return (self.app_secret, *filter(None, [self.app_secret_previous]))

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys that may have signed our cookies and codes, the current one first."""
        return (self.secret_key, *self.secret_key_fallbacks)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The values of a Host header that mean this server."""
        given = {urlsplit(self.public_url).netloc, *self.allowed_hosts}
        return frozenset(each.removesuffix(self.implied_port) for each in given)

    @property
    def implied_port(self) -> str:
        """The port that a client may leave out of a Host header, with its colon."""
        return ":443" if self.is_production else ":80"


def _is_production(public_url: str) -> bool:
    # None after an error, which stops the start.
    return not (public_url or "").startswith("http://") or not is_loopback(public_url)


def read_environment() -> dict[str, str]:
    """Return the environment and, where it has nothing, ``.env``.

    Raises:
        ConfigError: There is an ``.env`` that cannot be read.
    """
    try:
        written = read_env_file(".env") if Path(".env").exists() else {}
    except SettingError as exc:
        raise ConfigError(str(exc)) from None
    return {**written, **os.environ}


def _default_database() -> URL:
    return database_url(f"sqlite:///{DEFAULT_FOLDER.absolute() / 'threadlink.sqlite'}")


def _unfit_for_production(settings: Settings) -> list[str]:
    if not settings.is_production:
        return []
    if errors := production.unsafe_public_url(settings.public_url):
        # Whether the other rules apply is not known before this is right.
        return errors
    addresses = {
        "REDIRECT_ORIGINS": settings.redirect_origins,
        "CONNECT_ORIGINS": settings.invitations.connect_origins,
        "GRAPH_URL": [settings.graph_url],
    }
    secrets = {
        "SECRET_KEY": settings.secret_key,
        "APP_SECRET": settings.app_secret,
        "VERIFY_TOKEN": settings.verify_token,
        **{f"the token of page {page.id}": page.token for page in settings.pages},
    }
    tokens = {
        "VERIFY_TOKEN": settings.verify_token,
        "METRICS_TOKEN": settings.monitoring.metrics_token,
    }
    languages = (settings.languages, *(page.languages for page in settings.pages))
    return [
        *production.languages_for_tests(languages),
        *production.unsafe_addresses(addresses),
        *production.foreign_m_me_url(settings.invitations.m_me_url),
        *production.untrusted_graph(settings.graph_url, settings.graph_url_trusted),
        *production.demo_secrets(secrets),
        *production.weak_keys(settings.secret_keys),
        *production.weak_tokens(tokens),
        *production.undecided_tls(settings.database_url),
    ]
