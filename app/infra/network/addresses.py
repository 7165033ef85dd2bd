"""Classes of addresses: loopback, private, and safe for secrets."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def keeps_secrets(address: str) -> bool:
    """Tell whether secrets may be sent to *address*: https, or http to this machine."""
    if not re.fullmatch(r"[\x21-\x7e]{1,2000}", address) or "#" in address or "\\" in address:
        return False
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    if not is_host(parts.hostname or "") or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(address))


def is_host(text: str) -> bool:
    """Tell whether *text* may name a host in an address: a name (RFC 1123, and "_"), or an IP.

    A name does not end in a number, so that a mistyped IPv4 address is none (url.spec.whatwg.org,
    "ends in a number checker").
    """
    last = text.removesuffix(".").rpartition(".")[2]
    if ":" in text or last.isdecimal():
        try:
            ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return True
    return _NAME.fullmatch(text) is not None


def is_loopback(address: str) -> bool:
    """Tell whether *address* is a URL whose host is this machine."""
    host = urlsplit(address).hostname or ""
    if host in LOOPBACK or host.endswith(".localhost"):
        return True
    try:
        # Not by its beginning: 127.example.com is a name.
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# "Shared address space" (RFC 6598), which is not routed in the internet either: Tailscale and many
# Kubernetes clusters have their hosts there.
_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")


def is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether *address* is a loopback address, or of a private network."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    known = mapped or address
    is_internal = known.is_private or known in _SHARED
    return known.is_loopback or (is_internal and not known.is_unspecified)


# The addresses of IPv4 hosts behind a translator (RFC 6052, 2.1).
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether *address* is of one host in the public internet, and no tunnel to another."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour is not None or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast
