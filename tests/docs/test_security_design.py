"""docs/security-design.md against the program: keys, algorithms, connections, data."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from math import log2
from pathlib import Path
from typing import Final

import pytest

from app.accounts import local, passwords, upstream
from app.accounts import models as accounts
from app.alerts import models as alerts
from app.api_keys import models as api_keys
from app.api_keys import tokens
from app.infra.admission import admission_for
from app.infra.database.engine import Base
from app.infra.settings.reader import Reader
from app.infra.settings.retention import MIB, read_retention
from app.linking import attempt_status, authorization_codes, chat_code
from app.linking import models as linking
from app.messenger import redirects
from app.messenger.graph import transport
from app.operators import models as operators
from app.outbox import http_post
from app.outbox import models as outbox
from app.setup import page_refresh
from app.web.api import link_shapes, operations
from app.web.pages import attempt_cookie, recognition
from app.web.server import limits

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/security-design.md").read_text(encoding="utf-8")
SETTINGS: Final = re.findall(
    r"(?m)^\| `([A-Z][A-Z_<>]*)` \|", (ROOT / "docs/settings.md").read_text(encoding="utf-8")
)
# The emulator has keys and addresses of its own, and holds no secret.
MODULES: Final = sorted(
    path for path in (ROOT / "app").rglob("*.py") if "emulator" not in path.parts
)

CRYPTOGRAPHY: Final = {
    "argon2",
    "bcrypt",
    "cryptography",
    "hashlib",
    "hmac",
    "itsdangerous",
    "joserfc",
    "passlib",
    "secrets",
    "ssl",
    "zlib",
}
CIPHERS: Final = {"cryptography", "Crypto", "Cryptodome", "nacl", "joserfc.jwe"}
NETWORK: Final = {
    "asyncio.open_connection",
    "ftplib",
    "granian",
    "http.client",
    "http.server",
    "imaplib",
    "ldap3",
    "nats",
    "opentelemetry",
    "requests",
    "sentry_sdk",
    "smtplib",
    "socket",
    "telnetlib",
    "urllib.request",
    "urllib3",
    "werkzeug.serving",
}
# Modules that listen or connect, and a word of the row of the page that has their connection.
CONNECTING: Final = {
    "app/accounts/ldap.py": "LDAP_<NAME>_URL",
    "app/accounts/ldap_check.py": "LDAP_<NAME>_URL",
    "app/accounts/ldap_errors.py": "LDAP_<NAME>_URL",
    "app/accounts/upstream.py": "OIDC_<NAME>_ISSUER",
    "app/cli/demo_bot.py": "this machine",
    "app/cli/emulator_control.py": "this machine",
    "app/cli/listening.py": "the one port",
    "app/cli/serve.py": "the one port",
    "app/cli/serving.py": "the one port",
    "app/cli/supervisor.py": "the one port",
    "app/cli/tunnel.py": "threadlink run --tunnel",
    "app/cli/worker.py": "threadlink worker --metrics-port",
    "app/delivery_log/nats_client.py": "BOT_MESSENGER_URL",
    "app/delivery_log/nats_log.py": "BOT_MESSENGER_URL",
    "app/delivery_log/nats_stream.py": "BOT_MESSENGER_URL",
    "app/infra/network/connection_faults.py": "HTTPS_PROXY_URL",
    "app/infra/network/egress.py": "HTTPS_PROXY_URL",
    "app/infra/network/http_client.py": "GRAPH_URL",
    "app/infra/observability/telemetry.py": "SENTRY_DSN",
    "app/infra/service_manager.py": "NOTIFY_SOCKET",
    "app/messenger/graph/transport.py": "GRAPH_URL",
    "app/messenger/pictures.py": "PROFILE_PICTURE_HOSTS",
    "app/outbox/http_post.py": "BOT_WEBHOOK_URL",
    "app/setup/alert_checks.py": "OPERATOR_WEBHOOK_URL",
    "app/setup/console_checks.py": "CONSOLE_URL",
    "app/setup/egress_checks.py": "HTTPS_PROXY_URL",
    "app/setup/http_get.py": "threadlink doctor",
    "app/setup/public_checks.py": "threadlink doctor",
    "app/setup/tunnel.py": "ngrok or cloudflared",
}
KEPT: Final = read_retention(Reader({}))
ARGON2: Final = passwords.Hasher().argon2
FIGURES: Final = [
    f"once; {redirects.MAX_LENGTH:,} characters",
    f"1 to {local.LONGEST_NAME} characters",
    f"{passwords.MAXIMUM} characters at most",
    f"a body of {operations.MOST_BODY // 1024} KiB",
    f"{limits.MOST_LARGE_BYTES // MIB} MiB; signed with APP_SECRET",
    (
        f"{limits.MOST_PARAMETERS} parameters, {limits.MOST_COOKIES} cookies; a body of "
        f"{limits.MOST_BODY_BYTES // 1024} KiB"
    ),
    f"1, within {authorization_codes.CODE_LIFE.seconds // 60} minutes of *Connect*",
    f"| life of an attempt | attempt | {attempt_status.LIFE.seconds // 60} minutes |",
    f"| digits sent, tried | attempt | {chat_code.MOST_SENT}, {chat_code.MOST_TRIED} |",
    f"| links shown, looked up | API call | {link_shapes.MOST} |",
    f"the cookie {attempt_cookie.MAX_AGE // 60} minutes, for the way back",
    (
        f"at most {admission_for(cores=8, workers=1, threads=256).admitted} at once in a process, "
        f"{upstream.MOST_CONCURRENT} for each provider"
    ),
    f"| {transport.TOTAL_S:.0f} s, {recognition.GRAPH_PATIENCE_S:.0f} s in a sign-in |",
    f"private networks | {http_post.TOTAL_S:.0f} s |",
    f"no token goes along | {page_refresh.PICTURE_S:.0f} s |",
    (
        f"KEEP_DELIVERIES_HOURS ({KEPT.deliveries.days * 24}), "
        f"KEEP_DELIVERIES_MIB ({KEPT.deliveries_bytes // MIB:,})"
    ),
    (
        f"attempts {KEPT.attempts.days} day, of a known person {KEPT.failed_attempts.days}, "
        f"with a code {KEPT.codes.days}; "
        f"history {KEPT.history.days} days"
    ),
    f"counts {KEPT.codes.days} days, of attempts {KEPT.statistics.days}",
    f"as dead letters {KEPT.dead_letters.days} days",
    (
        f"Argon2id, {ARGON2.memory_cost // 1024} MiB, {ARGON2.time_cost} passes, "
        f"{ARGON2.salt_len} bytes of salt"
    ),
    f"{int(tokens.SECRET_LENGTH * log2(62))} random bits and a checksum",
]
# Verification of what other systems have hashed.
FOREIGN: Final = {"app/accounts/hash_verifiers.py", "app/accounts/php_hashes.py"}


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Yield the name of each module that *path* imports, and of what it imports from it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def users_of(names: set[str]) -> set[str]:
    """Return the modules that import one of *names*, or a module inside it."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if any(
            name == one or name.startswith(f"{one}.") for name in imported(path) for one in names
        )
    }


def test_each_module_that_uses_cryptography_is_listed() -> None:
    """R114: and none that does not."""
    listed = set(re.findall(r"`(app/[^`]+)`", section("Keys and algorithms")))

    assert users_of(CRYPTOGRAPHY) == listed
    assert len(listed) > 20


def test_each_secret_setting_is_in_the_inventory() -> None:
    secret = re.compile(
        r"(?:SECRET|TOKEN|PASSWORD|DSN|HEADERS|SECRET_KEY|SECRET_PREVIOUS|FALLBACKS|PROXY_URL)$"
    )
    kept_elsewhere = {"HELP_URL_PASSWORD", "PAGE_ACCESS_TOKEN"}
    secrets = {name for name in SETTINGS if secret.search(name)} - kept_elsewhere

    assert set() == {name for name in secrets if name not in section("Keys and algorithms")}
    assert {"SECRET_KEY", "APP_SECRET", "METRICS_TOKEN", "HTTP_<NAME>_SECRET"} <= secrets


def test_each_setting_with_an_address_is_in_the_list_of_connections() -> None:
    address = re.compile(r"(?:URL|ISSUER|ENDPOINT|DSN)$")
    addresses = {name for name in SETTINGS if address.search(name)}

    assert set() == {name for name in addresses if name not in section("Connections")}
    assert {"GRAPH_URL", "DATABASE_URL", "OIDC_<NAME>_ISSUER"} <= addresses


def test_each_module_that_connects_is_known_and_its_connection_listed() -> None:
    assert users_of(NETWORK) == set(CONNECTING)
    assert set() == {word for word in CONNECTING.values() if word not in section("Connections")}


def test_each_table_of_the_database_is_classified() -> None:
    models = (accounts, alerts, api_keys, linking, operators, outbox)
    tables = {table.name for table in Base.metadata.tables.values()}

    assert set() == {name for name in tables if f"`{name}`" not in section("Data")}
    assert len(tables) > len(models)


def test_the_keys_that_secret_key_is_the_parent_of_are_counted() -> None:
    numbers = ("eight", "nine", "ten", "eleven", "twelve")
    count = len(re.findall(r"(?m)^\| – ", PAGE))

    assert f"parent of the next {numbers[count - 8]};" in PAGE


def test_nothing_is_encrypted_by_the_program() -> None:
    """What is read again is signed or hashed; encryption is TLS."""
    assert set() == users_of(CIPHERS)


def test_no_short_hash_is_used() -> None:
    """SHA-256 wherever a collision would matter; other hashes only in imported passwords."""
    calls = [
        (path.relative_to(ROOT).as_posix(), node)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    ]
    named = {ast.unparse(call.func) for file, call in calls if file not in FOREIGN}
    hashing = {name for name in named if name.startswith("hashlib.")} - {"hashlib.sha256"}
    macs = [
        (file, ast.unparse(call.args[2]))
        for file, call in calls
        if ast.unparse(call.func) in {"hmac.digest", "hmac.new"} and file not in FOREIGN
    ]

    assert set() == hashing
    assert [] == [file for file, digest in macs if digest not in {"'sha256'", "hashlib.sha256"}]
    assert len(macs) > 8


def test_no_hash_is_imported_but_sha256() -> None:
    """A list of stolen passwords has SHA-1: there it is the name under which one is looked up."""
    names = {
        (name, file)
        for path in MODULES
        for name in imported(path)
        if re.match(r"hashlib\.", name)
        and (file := path.relative_to(ROOT).as_posix()) not in FOREIGN
    }

    assert {("hashlib.sha1", "app/accounts/passwords.py")} == {
        pair for pair in names if pair[0] != "hashlib.sha256"
    }


@pytest.mark.parametrize("figure", FIGURES)
def test_each_figure_is_the_programs(figure: str) -> None:
    assert figure in PAGE
