"""The meaning of every setting, by subject; docs/settings.md is made from it.

Names, defaults and accepted values are taken from the code that reads the settings, so they are
repeated here only where the code computes them. `make docs` writes the page; a test fails if a
setting is missing here, or no longer read. The settings of the business's name and look are in
`brand_descriptions`, those of what is reached in `network_descriptions`, and those of a kind of
authenticator where they are read, in `app.accounts`.
"""

from typing import Final

from app.infra.settings.description import Description
from app.infra.settings.languages import SHIPPED
from app.infra.settings.production import LEAST_SECRET, LEAST_TOKEN

SERVER: Final = (
    Description(
        "SECRET_KEY",
        "Signs the cookies and codes that the server issues. Random text, in production "
        f"{LEAST_SECRET} characters or more: "
        "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`.",
    ),
    Description(
        "SECRET_KEY_FALLBACKS",
        "Older values of SECRET_KEY, separated by spaces. What they signed stays valid, so the "
        "key can be changed without a break. In production they need the same length.",
    ),
    Description(
        "PUBLIC_URL",
        "The address at which people and Messenger reach the server: scheme and host, no path. "
        "All links are made from it. In production it has to be https. A name beyond ASCII is "
        "taken as browsers send it, with `xn--`.",
        example="https://link.example.com",
    ),
    Description(
        "ALLOWED_HOSTS",
        "Other values of the `Host` header that mean this server, separated by spaces.",
        example="link.internal:8000",
    ),
    Description(
        "TRUSTED_PROXIES",
        "The number of proxies in front that add to `X-Forwarded-For` and `X-Forwarded-Proto`, or "
        "to what FORWARDED_HEADER names. ngrok, nginx or Caddy alone: 1.",
        example="1",
    ),
    Description(
        "FORWARDED_HEADER",
        "What those proxies write: `x-forwarded` (the two headers above) or `forwarded` (RFC 7239, "
        "as AWS API Gateway's HTTP APIs). The other is not read: no proxy overwrites it, so that "
        "anybody could send it.",
        example="x-forwarded",
    ),
    Description(
        "DATABASE_URL",
        "The database. Its tables are made and changed by `threadlink db upgrade` alone. In "
        "production, a PostgreSQL that is neither on this machine nor a socket needs `sslmode` in "
        "the address: `verify-full` (with `sslrootcert=system`, or a file), `verify-ca`, "
        "`require`, or, where the network is yours alone, `disable`. PGSSLMODE is not looked at.",
        example="postgresql://user:password@host/name?sslmode=verify-full&sslrootcert=system",
        default="SQLite in `instance/threadlink.sqlite`",
    ),
    Description(
        "WORKERS",
        "The number of processes of `threadlink serve`. With SQLite one process does everything, "
        "the work of the outbox included; with PostgreSQL, `threadlink worker` runs beside it.",
        default="SQLite: 1; PostgreSQL: one for each core of its CPU quota",
    ),
    Description("THREADS", "The number of threads in each of these processes."),
    Description(
        "DRAIN_SECONDS",
        "Seconds after SIGTERM for which `threadlink serve` takes connections as before, while "
        "`/readyz` answers 503, so that a balancer leaves it first. A second signal ends it.",
    ),
)

FACEBOOK_APP: Final = (
    Description("APP_ID", "The app's ID, in the app's dashboard under *App settings > Basic*."),
    Description(
        "APP_SECRET",
        "The app's secret, from the same page. Meta signs webhook requests with it.",
    ),
    Description(
        "APP_SECRET_PREVIOUS",
        "The secret before this one. Set it while you change the secret: signatures by either "
        "are then accepted.",
    ),
    Description(
        "VERIFY_TOKEN",
        "A text of your own, without spaces. The app's dashboard asks for the same text beside the "
        f"webhook's address. In production {LEAST_TOKEN} characters or more.",
    ),
)

FACEBOOK_PAGES: Final = (
    Description("PAGE_ID", "The ID of the Facebook Page.", needed="unless PAGES_FILE is set"),
    Description(
        "PAGE_ACCESS_TOKEN",
        "The access token of the Page.",
        needed="unless PAGES_FILE is set",
    ),
    Description(
        "PAGES_FILE",
        "A [TOML file](#pages_file) for several Pages, or for names, brands and texts of their "
        "own. It takes the place of PAGE_ID and PAGE_ACCESS_TOKEN.",
        example="/etc/threadlink/pages.toml",
    ),
    Description(
        "LANGUAGES",
        "The languages in which the pages are offered, separated by spaces. Each person gets the "
        "one that the browser asks for, or else the first. With one there is no choice.",
        example="de en",
        default=f"`{' '.join(SHIPPED)}`",
    ),
)

BOT: Final = (
    Description(
        "BOT_WEBHOOK_URL",
        "The address to which [notices](bots.md) about links are posted, as Standard Webhooks. "
        "https, or http to this machine or a private network.",
        example="https://bot.example.com/links",
    ),
    Description(
        "BOT_WEBHOOK_SECRET",
        "The secret that signs the notices: `whsec_` and base64 of random bytes. Two of them, "
        "separated by a space, while you change it: each signs.",
        needed="if BOT_WEBHOOK_URL is set",
    ),
    Description(
        "BOT_MESSENGER_URL",
        "The address to which Messenger's webhook requests are forwarded, byte for byte and with "
        "Meta's own signature headers. https, or http to this machine or a private network. Or the "
        "servers of [NATS](deploying.md#deliveries-into-nats) into whose stream they go: "
        "`nats://USER:PASSWORD@nats-1:4222,nats-2:4222/messenger` (`messenger` is the stream), "
        "`tls://` likewise, a token alone before the `@`, or `?credentials=FILE` behind "
        "(`uv sync --extra nats`).",
        example="https://bot.example.com/messenger",
    ),
    Description(
        "BOT_MESSENGER_LINKING",
        "1: requests that contain nothing but `account_linking` events are forwarded, too.",
    ),
)

LINKING: Final = (
    Description(
        "MAX_LINKS_PER_USER", "The number of Messenger profiles that one user may connect."
    ),
    Description(
        "CONFIRM_IN_CHAT",
        "When a person has to type six digits that are sent to their chat before they can connect: "
        "`unnamed` means for profiles whose name Messenger does not tell, or whose name looks like "
        "the Page's. On this machine alone (PUBLIC_URL) the default is `never`. "
        "[What it stops](security.md#confirm_in_chat).",
    ),
)

SIGN_IN: Final = (
    Description(
        "AUTHENTICATORS",
        "How people can sign in, separated by spaces, in the order in which the page offers it: "
        "`local` (the built-in accounts), `http:NAME`, `ldap:NAME` and `oidc:NAME`. Only one of "
        "them may ask for a password. A `[[pages]]` table may have its own. "
        "[More](authenticators.md).",
        example="local oidc:google",
    ),
    Description(
        "PASSWORD_MIN_LENGTH",
        "The least length of passwords of the built-in accounts. NIST SP 800-63B-4 asks for 15.",
    ),
    Description(
        "BREACHED_PASSWORDS_FILE",
        "A file of the SHA-1 hashes of stolen passwords, sorted, `HASH:COUNT` in each line: the "
        "format in which Have I Been Pwned offers its list. A new password of the built-in "
        "accounts may not be in it. It is looked up on the disk, and never loaded.",
        example="/var/lib/threadlink/pwned-passwords-sha1.txt",
        default="no list but that of 30,000 common passwords",
    ),
    Description(
        "HELP_URL_PASSWORD",
        "The address of *Forgot your password?*, a link below the form.",
        example="https://shop.example.com/forgot",
    ),
    Description("HELP_URL_ACCOUNT", "The address of *Create an account*, likewise."),
    Description("HELP_URL_CONTACT", "The address of *Get help*, likewise."),
)

RETENTION: Final = (
    Description(
        "KEEP_ATTEMPTS_HOURS",
        "Hours for which an attempt is kept in which Messenger has named nobody.",
    ),
    Description(
        "KEEP_FAILED_ATTEMPTS_DAYS",
        "Days for which an attempt of a known Messenger person is kept that never got an "
        "authorization code, with what stood in the way; at least KEEP_ATTEMPTS_HOURS.",
    ),
    Description(
        "KEEP_CODES_DAYS",
        "Days for which an attempt is kept that got one (names are removed from it sooner), and "
        "the hashed name of a user who has no link.",
    ),
    Description(
        "KEEP_DELIVERIES_HOURS",
        "Hours for which a webhook request is kept while the bot does not accept it.",
    ),
    Description(
        "KEEP_DELIVERIES_MIB",
        "MiB of such requests that are kept; beyond, the oldest are dropped, and the log says how "
        "many.",
    ),
    Description(
        "KEEP_DEAD_LETTERS_DAYS",
        "Days for which dead letters are kept: what was given up after three days of retries. "
        "`threadlink outbox list --state dead` shows them.",
    ),
    Description("KEEP_HISTORY_DAYS", "Days for which the history of links is kept."),
    Description(
        "KEEP_STATISTICS_DAYS",
        "Days for which it is kept how many attempts ended how: numbers, without persons.",
    ),
    Description(
        "KEEP_AUDIT_DAYS",
        "Days for which it is kept what operators did and whom they looked at: ids, no names.",
    ),
)

MONITORING: Final = (
    Description("LOG_LEVEL", "The least level that is logged."),
    Description(
        "LOG_FORMAT",
        "`json`: one JSON object a line. `console`: for people. [What is logged](log-events.md).",
        default="`console` on a terminal, else `json`",
    ),
    Description(
        "METRICS_TOKEN",
        "The token for `/metrics`, which Prometheus sends as `Authorization: Bearer …`. Without "
        f"it there is no `/metrics`. In production {LEAST_TOKEN} characters or more.",
    ),
    Description(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "The address to which traces are sent, by OTLP over HTTP (`uv sync --extra otel`). Spans "
        "hold no query, body, header or value. The other `OTEL_…` variables of OpenTelemetry are "
        "obeyed if they are in the environment.",
        example="http://127.0.0.1:4318",
    ),
    Description(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "Headers of these requests: `name=value`, separated by commas.",
    ),
    Description(
        "SENTRY_DSN",
        "The Sentry project to which unexpected errors are reported (`uv sync --extra sentry`): "
        "type and place, no message and no value.",
    ),
)
