"""Checks of the way out: the outgoing proxy, and the certificates that are trusted beside ours."""

import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import requests

from app.infra.network.connection_faults import connection_fault
from app.infra.network.egress import Egress, Proxy
from app.infra.network.http_client import new_session
from app.setup.findings import Finding, ok, problem, warning
from app.setup.http_get import get

TOTAL_S: Final = 10
SOON: Final = timedelta(days=30)
_OF_THE_ENVIRONMENT: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def check_egress(egress: Egress, graph_url: str, *, at: datetime) -> Iterator[Finding]:
    """Yield whether the outgoing proxy lets us through to Graph, and how long CA_FILE is good."""
    if egress.proxy is not None:
        yield _check_proxy(egress, egress.proxy, graph_url)
    elif named := [name for name in _OF_THE_ENVIRONMENT if os.environ.get(name)]:
        words = f"none; {named[0]} in the environment is not heeded, HTTPS_PROXY_URL would be"
        yield ok("outgoing proxy", words)
    if egress.added_certificates is not None:
        yield _check_certificates(egress.added_certificates, at=at)


def _check_proxy(egress: Egress, proxy: Proxy, graph_url: str) -> Finding:
    subject = "outgoing proxy"
    try:
        with new_session(egress) as session:
            get(session, graph_url, total_s=TOTAL_S)
    except requests.RequestException as exc:
        fault = connection_fault(exc)
        if fault is not None and fault.is_of_proxy:
            return problem(subject, f"{proxy.url}: {fault.words}", fault.fix)
        # Of what is behind the proxy the checks of Graph tell.
    return ok(subject, f"{proxy.url} answers")


def _check_certificates(pem: str, *, at: datetime) -> Finding:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem)
    ends = sorted(
        datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), tz=UTC)
        for certificate in context.get_ca_certs()
    )
    words = f"{pem.count('BEGIN CERTIFICATE')} trusted beside the public certificates"
    if ends and ends[0] - at < SOON:
        verb = "expired" if ends[0] < at else "expires"
        return warning("CA_FILE", f"{words}; one {verb} on {ends[0]:%Y-%m-%d}", "put the new in")
    return ok("CA_FILE", words)
