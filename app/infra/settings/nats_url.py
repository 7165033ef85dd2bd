"""The address of servers of NATS, in BOT_MESSENGER_URL, with the stream that takes deliveries."""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from app.infra.network.addresses import LOOPBACK, is_host, is_private
from app.infra.settings.parsing import SettingError

SCHEMES: Final = ("nats", "tls")
PORT: Final = 4222
_STREAM: Final = "messenger"
_WANTED: Final = "must be like nats://USER:PASSWORD@nats-1:4222,nats-2:4222/messenger, or tls://"
_ENCODED: Final = "in USER and PASSWORD, write @ : / ? # % and , as %40 %3A %2F %3F %23 %25 %2C"
_USER_INFO: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})*")
# The name of a stream is the first token of its subjects as well (docs.nats.io, "Naming streams",
# read 2026-11).
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsAddress:
    """The servers of one cluster, how to log in there, and the name of the stream.

    The subjects of the stream begin with its name.
    """

    # Without user and password, so that no error and no log can quote them.
    servers: tuple[str, ...]
    stream: str = _STREAM
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    # The path of a file of credentials (JWT and seed).
    credentials: str | None = None

    @property
    def is_encrypted(self) -> bool:
        return self.servers[0].startswith("tls:")

    @property
    def is_in_clear(self) -> bool:
        """True if a network is spoken to without TLS."""
        is_here = all(urlsplit(server).hostname in LOOPBACK for server in self.servers)
        return not self.is_encrypted and not is_here


def nats_address(text: str) -> NatsAddress:
    """Return the servers that *text* names, as programs of NATS write them (R101).

    Servers are separated by commas, each with or without the scheme and the user.
    """
    scheme, separator, rest = text.partition("://")
    if scheme not in SCHEMES or not separator or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise SettingError(_WANTED)
    if "#" in rest or "\\" in rest:
        raise SettingError(_WANTED)
    before, _, query = rest.partition("?")
    # Behind the last server: between two of them a scheme may stand.
    hosts, slash, stream = before.rpartition("/")
    if not slash or hosts.endswith((":/", ":")):
        hosts, stream = before, ""
    users, servers = set(), []
    for one in hosts.split(","):
        user_info, _, host = one.removeprefix(f"{scheme}://").rpartition("@")
        if user_info:
            users.add(user_info)
        servers.append(f"{scheme}://{_host_and_port(host, scheme)}")
    if len(users) > 1:
        raise SettingError("must have the same user at all servers")
    if not _NAME.fullmatch(stream or _STREAM):
        raise SettingError(
            "must name a stream of letters, digits, - and _: nats://nats-1/messenger"
        )
    user, password, token = _login("".join(users))
    return NatsAddress(
        servers=tuple(servers),
        stream=stream or _STREAM,
        user=user,
        password=password,
        token=token,
        credentials=_credentials(query),
    )


def _host_and_port(text: str, scheme: str) -> str:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port or PORT
    except ValueError:
        raise SettingError(_WANTED) from None
    host = parts.hostname or ""
    if parts.path or not is_host(host):
        raise SettingError(_WANTED)
    if scheme == "nats" and _is_public(host):
        raise SettingError("must be tls://: nats:// is for this machine and private networks")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_public(host: str) -> bool:
    try:
        return not is_private(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return False


def _login(user_info: str) -> tuple[str | None, str | None, str | None]:
    """Return user and password, or a token, which stands alone before the @."""
    user, colon, password = user_info.partition(":")
    if not (_USER_INFO.fullmatch(user) and _USER_INFO.fullmatch(password)):
        raise SettingError(_ENCODED)
    if not user_info:
        return None, None, None
    if not colon:
        return None, None, unquote(user)
    if not user or not password:
        raise SettingError("must have both USER and PASSWORD, a token alone, or none")
    return unquote(user), unquote(password), None


def _credentials(query: str) -> str | None:
    given = parse_qsl(query, keep_blank_values=True)
    if not given:
        return None
    if len(given) > 1 or given[0][0] != "credentials":
        raise SettingError("has another parameter than credentials=FILE")
    path = given[0][1]
    try:
        has_seed = "USER NKEY SEED" in Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        raise SettingError("has credentials= with a file that cannot be read") from None
    if not has_seed:
        raise SettingError("has credentials= with a file that holds none: nsc generate creds")
    return path
