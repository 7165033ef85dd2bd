"""Origins and hosts in settings, in the form that browsers send, whichever way they are spelt.

Else a setting is accepted at the start and refuses every request: browsers write a name in small
letters, beyond ASCII as "xn--", and no port that the scheme implies (WHATWG, "URL", 4.5, read
2026-11).
"""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

import idna

from app.infra.settings.parsing import SettingError, words

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}")
# What ends like this is an IPv4 address to a browser, in however few parts, octal and hex among it.
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_HOST: Final = re.compile(r"(?:\[[^\]/?#@\\]+\]|[^:/?#@\\\[]+)(?::[0-9]{0,5})?")
_LIKE: Final = "must be like https://example.com: scheme and host, no path, no user"


def origin(text: str) -> str:
    """Return the origin that *text* means: scheme, host and at most a port."""
    if not text.isprintable() or " " in text or "\\" in text:
        raise SettingError(_LIKE)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SettingError("is not a web address") from None
    rest = (parts.query, parts.fragment, "@" in parts.netloc, "?" in text, "#" in text)
    if parts.scheme not in _DEFAULT_PORTS or parts.path not in {"", "/"} or any(rest):
        raise SettingError(_LIKE)
    if port == 0:
        raise SettingError("must not have port 0")
    is_implied = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{_host(parts.netloc)}" + ("" if is_implied else f":{port}")


def origins(text: str) -> tuple[str, ...]:
    return tuple(origin(word) for word in words(text))


def host(text: str) -> str:
    """Return the host that *text* means, with its port if there is one.

    Port 443 stays out: the scheme is https wherever there are other hosts than this machine.
    """
    if not _HOST.fullmatch(text):
        raise SettingError("must be like link.example.com or HOST:PORT: no scheme, no path")
    return origin(f"https://{text}").removeprefix("https://")


def hosts(text: str) -> tuple[str, ...]:
    return tuple(host(word) for word in words(text))


def _host(netloc: str) -> str:
    if netloc.startswith("["):
        return f"[{_ipv6(netloc[1:].partition(']')[0])}]"
    # The dot at the end says that the name is complete, which every name here is.
    name = netloc.partition(":")[0].lower().removesuffix(".")
    if not name.isascii():
        name = _in_ascii(name)
    if _NUMERIC.fullmatch(name):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise SettingError("must have an IPv4 address in four decimal parts") from None
    if not _NAME.fullmatch(name):
        raise SettingError(_LIKE)
    return name


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise SettingError("must have an IPv6 address in the brackets") from None
    if address.scope_id is not None:
        raise SettingError("must have an IPv6 address without a zone: no browser has one")
    if address.ipv4_mapped is not None:
        raise SettingError("must have the IPv4 address itself, not as IPv6")
    return str(address)


def _in_ascii(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        raise SettingError(
            "has a name beyond ASCII that no browser takes: write it as DNS has it, with xn--"
        ) from None
