"""The hosts in DATABASE_URL, one or several, in each of the spellings in use.

libpq's are ``//a:1,b:2/`` and ``?host=a,b&port=1,2`` (postgresql.org/docs/current/libpq-connect,
34.1.1.3, read 2026-11); SQLAlchemy's is ``?host=a:1&host=b:2``.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from app.infra.settings.parsing import SettingError

_MOST_PORT: Final = 65_535
_BARE_IPV6: Final = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\w+)?")
_HOST: Final = re.compile(
    r"(?:\[(?P<ip>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<name>[^:\[\]\s]*))(?::(?P<port>[^:]*))?"
)


def hosts_and_ports(
    before: str, given: Iterable[str], given_ports: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Return the hosts and their ports; a port may be empty, and all of them missing.

    *before* is the list before the database's name, *given* and *given_ports* are the parameters.

    Raises:
        SettingError: A host or port is malformed, or a port is named twice.
    """
    pairs = [_split_encoded(one) for one in before.split(",")] if before else []
    pairs += [_split(one) for value in given for one in value.split(",")]
    hosts, ports = [host for host, _ in pairs], [port for _, port in pairs]
    listed = [port for value in given_ports for port in value.split(",")]
    if any(ports) and listed:
        raise SettingError("names a port twice: behind the host, and as port=")
    return hosts, listed or ports


def matched(hosts: list[str], ports: list[str], hostaddr: str) -> tuple[list[str], list[str]]:
    """Return *hosts*, and a port for each, where there are several or their addresses.

    Raises:
        SettingError: A port is impossible, or there is another number of them, or of addresses.
    """
    for port in filter(None, ports):
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) <= _MOST_PORT:
            raise SettingError(f"has a port that is no number from 1 to {_MOST_PORT}")
    addresses = hostaddr.split(",") if hostaddr else []
    if hosts and addresses and len(hosts) != len(addresses):
        raise SettingError("has another number of hosts than of hostaddr=")
    if len(ports) > 1:
        hosts = hosts or addresses
    if len(ports) == 1:
        ports = ports * max(1, len(hosts))
    if len(ports) not in {0, len(hosts) or 1}:
        raise SettingError("has another number of ports than of hosts")
    return hosts, ports


def _split_encoded(host: str) -> tuple[str, str]:
    if host[:3].upper() in {"%2F", "%40"}:
        socket, _, port = host.partition(":")
        return unquote(socket), port
    return _split(unquote(host))


def _split(host: str) -> tuple[str, str]:
    """Return the name or address in *host*, without brackets, and its port or nothing."""
    # A socket, by its folder or in the abstract name space.
    if host.startswith(("/", "@")):
        return host, ""
    if _BARE_IPV6.fullmatch(host):
        return host, ""
    match = _HOST.fullmatch(host)
    if match is None:
        raise SettingError("has a host that is none: an IPv6 address stands in [ ]")
    return match["ip"] or match["name"], match["port"] or ""
