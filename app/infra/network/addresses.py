"""Classes of addresses: loopback, private, and safe for secrets."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

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
    if not parts.hostname or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(address))


def is_loopback(address: str) -> bool:
    """Tell whether *address* is a URL whose host is this machine."""
    host = urlsplit(address).hostname or ""
    return host in LOOPBACK or host.startswith("127.") or host.endswith(".localhost")


# "Shared address space" (RFC 6598), which is not routed in the internet either: Tailscale and many
# Kubernetes clusters have their hosts there.
_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")


def is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether *address* is a loopback address, or of a private network."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    known = mapped or address
    is_internal = known.is_private or known in _SHARED
    return known.is_loopback or (is_internal and not known.is_unspecified)
