"""DATABASE_URL: what people write for a SQLite file or a PostgreSQL, or why it cannot be used.

The address is read here and not by SQLAlchemy, which takes several hosts in one spelling alone,
lets a parameter replace the host, and passes on what PostgreSQL does not know.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from sqlalchemy.engine import URL

from app.infra.database.pooler import POOLER
from app.infra.settings.database_hosts import hosts_and_ports, matched
from app.infra.settings.parsing import SettingError

_DRIVER: Final = "postgresql+psycopg"
# What other programs call PostgreSQL, and its drivers in Python.
_POSTGRESQL: Final = re.compile(
    r"(?:jdbc:)?(?:postgres|postgresql|pgsql|psql|postgis)"
    r"(?:\+(?:psycopg|psycopg2|psycopg2cffi|psycopg_async|asyncpg|pg8000))?"
)
_SQLITE: Final = re.compile(r"(?:jdbc:)?sqlite3?(?:\+(?:pysqlite|aiosqlite))?")
_OTHERS: Final = re.compile(
    r"(?:jdbc:)?(mysql|mariadb|oracle|mssql|sqlserver|mongodb|cockroachdb|redshift)\b.*"
)
_WANTED: Final = "must begin with sqlite:/// or postgresql://"
# The password ends at the first "@" behind which a list of hosts stands, so it may hold "@", too.
_ADDRESS: Final = re.compile(
    r"(?:(?P<user>[^:/?@]*)(?::(?P<password>.*?))?@)?(?P<hosts>[^/?@]*)"
    r"(?:/(?P<dbname>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_NAME: Final = re.compile(r"[A-Za-z_]{2,32}")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    POOLER: ("transaction",),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
}
_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
# Parameters of other programs: what to do instead.
_SCHEMA: Final = "write options=-csearch_path%3DNAME"
_PREPARED: Final = "behind a pooler in transaction mode, write pooler=transaction"
_POOL: Final = "leave it out, THREADS bounds the connections"
_INSTEAD: Final[Mapping[str, str]] = {
    "schema": _SCHEMA,
    "currentSchema": _SCHEMA,
    "search_path": _SCHEMA,
    "ssl": "write sslmode=require, or better verify-full",
    "sslaccept": "write sslmode=verify-full",
    "sslca": "write sslrootcert=FILE",
    "ssl_ca": "write sslrootcert=FILE",
    "charset": "leave it out, all text is UTF-8",
    "pgbouncer": _PREPARED,
    "prepare_threshold": _PREPARED,
    "prepareThreshold": _PREPARED,
    "statement_cache_size": _PREPARED,
    "prepared_statements": _PREPARED,
    "connection_limit": _POOL,
    "pool_size": _POOL,
    "max_connections": _POOL,
    "pool_timeout": _POOL,
}
_MOST_TIMEOUT_S: Final = 60


def database_url(text: str) -> URL:
    """Return *text* as the address of a SQLite or PostgreSQL database, with the driver in use.

    Raises:
        SettingError: It is neither, or something in it would be ignored or overridden.
    """
    scheme, separator, rest = text.partition("://")
    kind = scheme.lower()
    if other := _OTHERS.fullmatch(kind):
        raise SettingError(f"{_WANTED}: {other[1]} is another database")
    if not separator:
        raise SettingError(_WANTED)
    if re.search(r"[\x00-\x1f\x7f]", unquote(rest)):
        raise SettingError("holds a control character")
    if _SQLITE.fullmatch(kind):
        return _sqlite(rest)
    if _POSTGRESQL.fullmatch(kind):
        return _postgresql(rest)
    raise SettingError(_WANTED)


def _sqlite(rest: str) -> URL:
    path = rest.removeprefix("/")
    if (
        "?" in rest
        or not rest.startswith("/")
        or path in {"", ":memory:"}
        or path.startswith("file:")
    ):
        raise SettingError(
            "must name a file and nothing else: sqlite:///relative/path or sqlite:////absolute/path"
        )
    return URL.create("sqlite", database=path)


def _postgresql(rest: str) -> URL:
    address = _ADDRESS.fullmatch(rest)
    if address is None:
        raise SettingError("is malformed: in a user's name, write : / ? @ as %3A %2F %3F %40")
    parts = {name: address[name] or "" for name in ("user", "password", "hosts", "dbname")}
    _check_unambiguous(parts)
    given = _parameters(address["query"] or "")
    user, password, dbname = (
        _only_one(name, unquote(parts[name]), given) for name in ("user", "password", "dbname")
    )
    if parts["hosts"] and "host" in given:
        raise SettingError("names a host twice: before the database, and as host=")
    hosts, ports = hosts_and_ports(parts["hosts"], given.pop("host", []), given.pop("port", []))
    query = {name: _only(name, values) for name, values in given.items()}
    # As libpq has it, but to be seen by whoever looks at the address.
    if query.get("sslrootcert") == "system":
        query.setdefault("sslmode", "verify-full")
    _check(query)
    hosts, ports = matched(hosts, ports, query.get("hostaddr", ""))
    if len(hosts) == 1 and re.fullmatch(r"[^/@%,]+", hosts[0]):
        port = int(ports[0]) if ports and ports[0] else None
        return URL.create(_DRIVER, user, password, hosts[0], port, dbname, query)
    if hosts:
        query["host"] = ",".join(hosts)
    if any(ports):
        query["port"] = ",".join(ports)
    return URL.create(_DRIVER, user, password, database=dbname, query=query)


def _check_unambiguous(parts: Mapping[str, str]) -> None:
    """Raise unless one reading alone is possible: a password may hold what ends an address."""
    if "/" in parts["dbname"] or "@" in parts["dbname"] or re.search(r"/.*\?", parts["password"]):
        raise SettingError("can be read in two ways: in a password, write / ? @ as %2F %3F %40")


def _parameters(query: str) -> dict[str, list[str]]:
    """Return the parameters in *query*, by the names that PostgreSQL gives them."""
    from psycopg import pq  # noqa: PLC0415 - slow, and SQLite does without

    known = {POOLER, *(option.keyword.decode() for option in pq.Conninfo.get_defaults())}
    given: dict[str, list[str]] = {}
    for part in filter(None, query.split("&")):
        name, separator, value = part.partition("=")
        if not separator or name not in known:
            raise SettingError(_unknown(name) if separator else "has a parameter without =")
        # A space is often written "+" here, as in forms; in a password it is a plus.
        value = value.replace("+", " ") if name == "options" else value
        given.setdefault(name, []).append(unquote(value))
    return given


def _unknown(name: str) -> str:
    if not _NAME.fullmatch(name):
        return "has a parameter that PostgreSQL does not know"
    instead = f": {_INSTEAD[name]}" if name in _INSTEAD else ""
    return f"has {name}=, which PostgreSQL does not know{instead}"


def _only_one(name: str, before: str, given: dict[str, list[str]]) -> str | None:
    """Return the value of *name*, from before the parameters or from among them."""
    if before and name in given:
        raise SettingError(f"names the {name} twice: before the parameters, and as {name}=")
    return before or _only(name, given.pop(name, [""])) or None


def _only(name: str, values: list[str]) -> str:
    if name == "options":
        return " ".join(values)
    if name == "hostaddr":
        return ",".join(values)
    if len(values) > 1:
        raise SettingError(f"has {name}= more than once")
    return values[0]


def _check(query: Mapping[str, str]) -> None:
    """Raise unless PostgreSQL's client would take the values of *query*."""
    for name, choices in _CHOICES.items():
        if name in query and query[name] not in choices:
            raise SettingError(f"has another {name}= than {', '.join(choices)}")
    if query.get("sslrootcert") == "system" and query["sslmode"] != "verify-full":
        raise SettingError("has sslrootcert=system, which needs sslmode=verify-full")
    for name in _FILES:
        if (path := query.get(name)) and path != "system" and not _can_be_read(path):
            raise SettingError(f"has {name}= with a file that cannot be read")
    if "lock_timeout" in query.get("options", ""):
        raise SettingError("has options= with lock_timeout, which is fixed: leave it out")
    timeout = query.get("connect_timeout", "1")
    if not re.fullmatch(r"[0-9]{1,2}", timeout) or not 1 <= int(timeout) <= _MOST_TIMEOUT_S:
        raise SettingError(f"has another connect_timeout= than 1 to {_MOST_TIMEOUT_S} seconds")


def _can_be_read(path: str) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except OSError:
        return False
