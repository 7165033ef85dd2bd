"""Addresses of clients, in every form in which servers and proxies write them."""

import ipaddress
import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

# "[2001:db8::1]", perhaps with a port, or with one of the names that RFC 7239 (6.2) allows for it.
_PORT: Final = r"(?::(?:[0-9]{0,5}|_[A-Za-z0-9._-]+))?"
_IN_BRACKETS: Final = re.compile(rf"\[([^\[\]]+)\]{_PORT}")
_V4_AND_PORT: Final = re.compile(rf"([0-9]+(?:\.[0-9]+){{3}}){_PORT}")
# All eight groups and a port: so Azure's Application Gateway writes IPv6.
_V6_AND_PORT: Final = re.compile(r"([0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}):[0-9]{1,5}", re.IGNORECASE)
# The addresses of IPv4 clients behind a translator (RFC 6052, 2.1): one /64 for all of them.
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in *text*, which may have quotes, brackets, a port or a zone; else None.

    IPv4 inside IPv6 is returned as IPv4: how a client is counted must not depend on the socket.
    """
    bare = text.strip(" \t").removeprefix('"').removesuffix('"').strip(" \t")
    if bare[:4].lower() == "for=":
        # Forwarded's word, in the other header.
        return read_address(bare[4:])
    for form in (_IN_BRACKETS, _V4_AND_PORT, _V6_AND_PORT):
        if found := form.fullmatch(bare):
            bare = found[1]
            break
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address
    return address
