"""Egress: the proxy by which https leaves this network, and the certificates that are trusted.

Only https goes by the proxy, through a tunnel (CONNECT, RFC 9110, 9.3.6). Plain http is for this
machine and private networks (R101), which no outgoing proxy is the way to; by a proxy that rule
could not be kept either, since the proxy is who looks up the host.
"""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import PoolManager, ProxyManager

from app.infra.network.addresses import is_loopback

_ALL_BELOW: Final = "*."


@dataclass(frozen=True, slots=True)
class Proxy:
    """An outgoing proxy: its address, and the header by which we log in there."""

    # Without user and password, so that no error and no log can quote them.
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """The way out for requests of ours: the proxy, the hosts beside it, the added certificates.

    A direct host is a name or an address, or ``*.corp.example`` for all names below.
    """

    proxy: Proxy | None = None
    direct_hosts: frozenset[str] = frozenset()
    # In PEM, trusted beside those that the program brings.
    added_certificates: str | None = field(default=None, repr=False)

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy by which *url* is reached; None if it is reached directly."""
        if self.proxy is None or not url.lower().startswith("https:") or is_loopback(url):
            return None
        host = (urlsplit(url).hostname or "").rstrip(".")
        parents = (f"{_ALL_BELOW}{host[at + 1 :]}" for at, sign in enumerate(host) if sign == ".")
        return None if self.direct_hosts.intersection([host, *parents]) else self.proxy


DIRECT: Final = Egress()


def pool_manager(proxy: Proxy | None, added_certificates: str | None, **more: Any) -> PoolManager:
    """Return the connection pools to targets that are reached by *proxy*, if there is one."""
    more |= {"ca_cert_data": added_certificates}
    if proxy is None:
        return PoolManager(**more)
    return ProxyManager(
        proxy.url,
        proxy_headers=proxy.headers,
        # Of its own: who vouches for a target need not vouch for the proxy.
        proxy_ssl_context=trusting(added_certificates) if _is_tls(proxy) else None,
        **more,
    )


def directory_context(egress: Egress, ca_file: str | None = None) -> ssl.SSLContext:
    """Return a context that trusts *ca_file* alone, or the system and what *egress* adds.

    The system's are found by OpenSSL's own paths: ssl.create_default_context() would let
    SSL_CERT_FILE and SSL_CERT_DIR of the environment replace them.
    """
    if ca_file:
        return ssl.create_default_context(cafile=ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    paths = ssl.get_default_verify_paths()
    with suppress(OSError):
        context.load_verify_locations(cafile=paths.openssl_cafile)
    context.load_verify_locations(capath=paths.openssl_capath)
    if egress.added_certificates:
        context.load_verify_locations(cadata=egress.added_certificates)
    return context


def _is_tls(proxy: Proxy) -> bool:
    return proxy.url.startswith("https:")


def trusting(added_certificates: str | None) -> ssl.SSLContext:
    """Return a context that trusts the certificates that we bring, and *added_certificates*."""
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    if added_certificates:
        context.load_verify_locations(cadata=added_certificates)
    return context
